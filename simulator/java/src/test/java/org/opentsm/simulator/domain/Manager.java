// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.domain;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.opentsm.securitydomain.ContentAuthority;
import org.opentsm.securitydomain.Open;

/**
 * A domain that hands every command to OPEN as it came, without a secure channel, and whose token, receipt and DAP
 * are the exclusive-or of the signed bytes: what OPEN asks and when is seen in clear.
 */
public class Manager extends Applet implements ContentAuthority {

    private static final byte[] OPEN_AID = {(byte) 0xF0, 0x6F, 0x70, 0x65, 0x6E, 0x74, 0x73, 0x6D, 0x00};
    private static final short ROOM = (short) 250;
    private static final short SW_MORE_DATA = 0x6310;

    private final byte[] response = JCSystem.makeTransientByteArray((short) 300, JCSystem.CLEAR_ON_DESELECT);
    private short counter;

    public static void install(byte[] parameters, short offset, byte length) {
        new Manager().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return parameter == ContentAuthority.PARAMETER ? this : null;
    }

    @Override
    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            return;
        }
        short length = apdu.setIncomingAndReceive();
        AID server = JCSystem.lookupAID(OPEN_AID, (short) 0, (byte) OPEN_AID.length);
        Open open = (Open) JCSystem.getAppletShareableInterfaceObject(server, (byte) 0);
        short answered = open.manage(
                buffer[ISO7816.OFFSET_INS],
                buffer[ISO7816.OFFSET_P1],
                buffer[ISO7816.OFFSET_P2],
                buffer,
                ISO7816.OFFSET_CDATA,
                length,
                response,
                (short) 0,
                ROOM);
        boolean more = answered < 0;
        answered = more ? (short) -answered : answered;
        Util.arrayCopyNonAtomic(response, (short) 0, buffer, (short) 0, answered);
        apdu.setOutgoingAndSend((short) 0, answered);
        if (more) {
            ISOException.throwIt(SW_MORE_DATA);
        }
    }

    private static byte sum(byte[] buffer, short offset, short length) {
        byte sum = 0;
        for (short i = 0; i < length; i++) {
            sum ^= buffer[(short) (offset + i)];
        }
        return sum;
    }

    @Override
    public boolean verifyToken(
            byte[] buffer, short offset, short length, short token, short tokenLength, short scratch) {
        return tokenLength == 1 && buffer[token] == sum(buffer, offset, length);
    }

    @Override
    public boolean verifyDap(
            byte[] buffer, short hash, short hashLength, short signature, short signatureLength, short scratch) {
        return signatureLength == 1 && buffer[signature] == sum(buffer, hash, hashLength);
    }

    @Override
    public short confirm(byte[] buffer, short offset, short length, short out) {
        byte receipt = sum(buffer, offset, length);
        buffer[out] = 1;
        buffer[(short) (out + 1)] = receipt;
        buffer[(short) (out + 2)] = 2;
        Util.setShort(buffer, (short) (out + 3), counter);
        buffer[(short) (out + 5)] = 0;
        counter++;
        return (short) 6;
    }
}
