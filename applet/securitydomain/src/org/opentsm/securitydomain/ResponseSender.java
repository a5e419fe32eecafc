package org.opentsm.securitydomain;

import javacard.framework.APDU;
import javacard.framework.ISOException;

/** Sends responses of any length in pieces of up to 256 bytes; 61xx and GET RESPONSE for the rest. */
final class ResponseSender {

    private static final short PIECE = (short) 256;

    private final Transients transients;

    ResponseSender(Transients transients) {
        this.transients = transients;
    }

    /** Forgets what was left of the response before. */
    void drop() {
        transients.setShort(Transients.PENDING_LENGTH, (short) 0);
    }

    void send(APDU apdu, short offset, short length) {
        transients.setShort(Transients.PENDING_OFFSET, offset);
        transients.setShort(Transients.PENDING_LENGTH, length);
        transients.setShort(Transients.STATUS, Gp.SW_OK);
        sendRest(apdu, false);
    }

    /** Sends the next piece; the status word of the whole response comes with the last one. */
    void sendRest(APDU apdu, boolean forGetResponse) {
        short offset = transients.getShort(Transients.PENDING_OFFSET);
        short length = transients.getShort(Transients.PENDING_LENGTH);
        short status = transients.getShort(Transients.STATUS);
        if (length == 0 && forGetResponse) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        short now = length > PIECE ? PIECE : length;
        short rest = (short) (length - now);
        transients.setShort(Transients.PENDING_OFFSET, (short) (offset + now));
        transients.setShort(Transients.PENDING_LENGTH, rest);
        if (now > 0) {
            apdu.setOutgoing();
            apdu.setOutgoingLength(now);
            apdu.sendBytesLong(transients.work, offset, now);
        }
        if (rest > 0) {
            status = (short) (Gp.SW_BYTES_REMAINING + (rest > 255 ? (short) 0 : rest));
        }
        if (status != Gp.SW_OK) {
            ISOException.throwIt(status);
        }
    }
}
