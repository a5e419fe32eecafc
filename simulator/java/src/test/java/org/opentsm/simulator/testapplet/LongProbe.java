// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacardx.apdu.ExtendedLength;

/** Takes commands of any length and shows what the APDU object says of them. */
public class LongProbe extends Applet implements ExtendedLength {

    private static final short CAPACITY = (short) 20000;

    private final byte[] work = JCSystem.makeTransientByteArray(CAPACITY, JCSystem.CLEAR_ON_RESET);

    public static void install(byte[] parameters, short offset, byte length) {
        new LongProbe().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x01:
                send(apdu, receive(apdu));
                break;
            case 0x02:
                describe(apdu);
                break;
            case 0x03:
                // P1 P2 bytes, without looking at Le
                send(apdu, Util.getShort(buffer, ISO7816.OFFSET_P1));
                break;
            case 0x04:
                receive(apdu);
                apdu.setIncomingAndReceive();
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    private short receive(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        short part = apdu.setIncomingAndReceive();
        short total = apdu.getIncomingLength();
        short offset = apdu.getOffsetCdata();
        short at = 0;
        while (part > 0) {
            at = Util.arrayCopyNonAtomic(buffer, offset, work, at, part);
            part = apdu.receiveBytes(offset);
        }
        if (at != total || apdu.getCurrentState() != APDU.STATE_FULL_INCOMING) {
            ISOException.throwIt(ISO7816.SW_UNKNOWN);
        }
        return total;
    }

    private void send(APDU apdu, short length) {
        apdu.setOutgoing();
        apdu.setOutgoingLength(length);
        for (short at = 0; at < length; at += 1000) {
            short piece = (short) (length - at);
            apdu.sendBytesLong(work, at, piece > 1000 ? (short) 1000 : piece);
        }
    }

    /** Answers incoming length, offset of the data, Le, protocol, size of the buffer. */
    private void describe(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        short size = (short) buffer.length;
        apdu.setIncomingAndReceive();
        short incoming = apdu.getIncomingLength();
        short offset = apdu.getOffsetCdata();
        short expected = apdu.setOutgoing();
        Util.setShort(buffer, (short) 0, incoming);
        Util.setShort(buffer, (short) 2, offset);
        Util.setShort(buffer, (short) 4, expected);
        buffer[6] = APDU.getProtocol();
        Util.setShort(buffer, (short) 7, size);
        apdu.setOutgoingLength((short) 9);
        apdu.sendBytes((short) 0, (short) 9);
    }
}
