// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.toolkit.TlvEdit;

/** A list of TLV objects to write; 3GPP TS 43.019 annex A. */
public abstract class EditHandler extends ViewHandler {

    private final TlvEdit edit;

    EditHandler(TlvEdit edit) {
        super(edit);
        this.edit = edit;
    }

    public void clear() {
        edit.clear();
    }

    public void appendArray(byte[] from, short offset, short length) {
        edit.appendArray(from, offset, length);
    }

    public void appendTLV(byte tag, byte[] from, short offset, short length) {
        edit.appendTLV(tag, from, offset, length);
    }

    public void appendTLV(byte tag, byte value) {
        edit.append(tag, value);
    }

    public void appendTLV(byte tag, byte first, byte second) {
        edit.append(tag, first, second);
    }

    public void appendTLV(byte tag, byte first, byte[] from, short offset, short length) {
        edit.appendTLV(tag, first, from, offset, length);
    }
}
