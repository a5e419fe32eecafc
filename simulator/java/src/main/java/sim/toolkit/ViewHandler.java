// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.toolkit.TlvView;

/** A list of TLV objects to read; 3GPP TS 43.019 annex A. */
public abstract class ViewHandler {

    final TlvView view;

    ViewHandler(TlvView view) {
        this.view = view;
    }

    public short getLength() {
        return view.getLength();
    }

    public short copy(byte[] to, short offset, short length) {
        return view.copy(to, offset, length);
    }

    public byte findTLV(byte tag, byte occurrence) {
        return view.findTLV(tag, occurrence);
    }

    public short getValueLength() {
        return view.getValueLength();
    }

    public byte getValueByte(short offset) {
        return view.getValueByte(offset);
    }

    public short copyValue(short from, byte[] to, short offset, short length) {
        return view.copyValue(from, to, offset, length);
    }

    public byte compareValue(short from, byte[] with, short offset, short length) {
        return view.compareValue(from, with, offset, length);
    }

    public short findAndCopyValue(byte tag, byte[] to, short offset) {
        return view.findAndCopyValue(tag, to, offset);
    }

    public short findAndCopyValue(byte tag, byte occurrence, short from, byte[] to, short offset, short length) {
        return view.findAndCopyValue(tag, occurrence, from, to, offset, length);
    }

    public byte findAndCompareValue(byte tag, byte[] with, short offset) {
        return view.findAndCompareValue(tag, with, offset);
    }

    public byte findAndCompareValue(byte tag, byte occurrence, short from, byte[] with, short offset, short length) {
        return view.findAndCompareValue(tag, occurrence, from, with, offset, length);
    }
}
