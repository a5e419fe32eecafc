// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;
import org.opentsm.simulator.toolkit.EnvelopeView;
import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.Toolkit;

/** What the mobile equipment sent; 3GPP TS 43.019 annex A. */
public final class EnvelopeHandler extends ViewHandler implements TemporaryEntryPoint {

    private final EnvelopeView own;

    private EnvelopeHandler(EnvelopeView own) {
        super(own);
        this.own = own;
    }

    /** @return the handler, while it is available */
    public static EnvelopeHandler getTheHandler() {
        EnvelopeView own = Toolkit.current().handlers().envelopeHandler(Face.SIM);
        return own.outer(EnvelopeHandler.class, () -> new EnvelopeHandler(own));
    }

    public byte getItemIdentifier() {
        return own.getItemIdentifier();
    }

    public short getSecuredDataOffset() {
        return own.getSecuredDataOffset();
    }

    public short getSecuredDataLength() {
        return own.getSecuredDataLength();
    }

    public short getTPUDLOffset() {
        return own.getTPUDLOffset();
    }

    public byte getChannelIdentifier() {
        return own.getChannelIdentifier();
    }

    public short getCapacity() {
        return own.getCapacity();
    }

    public short getUserDataLength() {
        return own.getUserDataLength();
    }

    public byte getEnvelopeTag() {
        return own.getTag();
    }
}
