// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;
import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.ReplyEdit;
import org.opentsm.simulator.toolkit.Toolkit;

/** The response to an envelope being made; 3GPP TS 43.019 annex A. */
public final class EnvelopeResponseHandler extends EditHandler implements TemporaryEntryPoint {

    private static final byte SW1_RP_ERROR = (byte) 0x9E;
    private final ReplyEdit own;

    private EnvelopeResponseHandler(ReplyEdit own) {
        super(own);
        this.own = own;
    }

    /** @return the handler, while it is available */
    public static EnvelopeResponseHandler getTheHandler() {
        ReplyEdit own = Toolkit.current().handlers().replyHandler(Face.SIM);
        return own.outer(EnvelopeResponseHandler.class, () -> new EnvelopeResponseHandler(own));
    }

    public short getCapacity() {
        return own.getCapacity();
    }

    /** @param statusType 9F for an acknowledgement, 9E for an error towards the network */
    public void post(byte statusType) {
        own.post(isPositive(statusType));
    }

    public void postAsBERTLV(byte statusType, byte tag) {
        own.postAsBERTLV(isPositive(statusType), tag);
    }

    private static boolean isPositive(byte statusType) {
        return statusType != SW1_RP_ERROR;
    }
}
