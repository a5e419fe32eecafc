// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;

/** The response to an envelope being made; ETSI TS 102 241 annex A, EnvelopeResponseHandler. */
public final class ReplyEdit extends TlvEdit implements uicc.toolkit.EnvelopeResponseHandler, TemporaryEntryPoint {

    ReplyEdit(Face face) {
        super(null, face);
    }

    @Override
    Content content() {
        return Toolkit.current().handlers().reply(face());
    }

    /** Ends the response. @param positive false for an error towards the network */
    public void post(boolean positive) {
        Toolkit.current().handlers().post(content().bytes(), positive);
    }

    public void postAsBERTLV(boolean positive, byte tag) {
        byte[] list = content().bytes();
        boolean isLong = list.length > 0x7F;
        byte[] whole = new byte[list.length + (isLong ? 3 : 2)];
        whole[0] = tag;
        whole[1] = isLong ? (byte) 0x81 : (byte) list.length;
        if (isLong) {
            whole[2] = (byte) list.length;
        }
        System.arraycopy(list, 0, whole, whole.length - list.length, list.length);
        Toolkit.current().handlers().post(whole, positive);
    }
}
