// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/** Sends responses of any length in pieces of up to 256 bytes; 61xx and GET RESPONSE for the rest. */
final class ResponseSender {

    private static final short PIECE = (short) 256;
    /** Class bits that are neither GlobalPlatform's 80, nor secure messaging's, nor a channel's number. */
    private static final byte CLA_OTHERS = (byte) 0x70;

    private final Transients transients;

    ResponseSender(Transients transients) {
        this.transients = transients;
    }

    /**
     * 9000 when GET RESPONSE may go on: class 00 or 80, P1 and P2 00, and a rest to fetch; else what it is answered.
     * Hosts send it with the class of the command, that of secure messaging too (javax.smartcardio does): it fetches
     * what was protected before, and has no MAC of its own.
     */
    short refusal(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if ((CommandReader.basic(buffer[ISO7816.OFFSET_CLA], Gp.CLA_SM_ISO) & CLA_OTHERS) != 0) {
            return Gp.SW_CLA_NOT_SUPPORTED;
        }
        if (buffer[ISO7816.OFFSET_P1] != 0 || buffer[ISO7816.OFFSET_P2] != 0) {
            return Gp.SW_WRONG_P1P2;
        }
        return transients.getShort(Transients.PENDING_LENGTH) == 0 ? Gp.SW_CONDITIONS : Gp.SW_OK;
    }

    /** Forgets what was left of the response before. */
    void drop() {
        transients.setShort(Transients.PENDING_LENGTH, (short) 0);
    }

    void send(APDU apdu, short offset, short length, short status) {
        transients.setShort(Transients.PENDING_OFFSET, offset);
        transients.setShort(Transients.PENDING_LENGTH, length);
        transients.setShort(Transients.STATUS, status);
        sendRest(apdu);
    }

    /** Sends the next piece; the status word of the whole response comes with the last one. */
    void sendRest(APDU apdu) {
        short offset = transients.getShort(Transients.PENDING_OFFSET);
        short length = transients.getShort(Transients.PENDING_LENGTH);
        short status = transients.getShort(Transients.STATUS);
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
