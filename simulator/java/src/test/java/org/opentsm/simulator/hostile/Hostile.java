// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.hostile;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import org.opentsm.securitydomain.Open;

/** An applet that asks OPEN for what only the issuer may do, in the issuer's name or its own. */
public class Hostile extends Applet {

    static final short SW_NO_OPEN = 0x6F01;
    private static final byte[] OPEN_AID = {(byte) 0xF0, 0x6F, 0x70, 0x65, 0x6E, 0x74, 0x73, 0x6D, 0x00};
    /** An instance with a reference leaves it here for one without. */
    private static Open stolen;

    private final byte[] named = new byte[17];

    public static void install(byte[] parameters, short offset, byte length) {
        new Hostile().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    /** INS 01: take OPEN's reference. Others, P1 and data: what to ask; INS 02 names the AID to act for. */
    @Override
    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            return;
        }
        short length = apdu.setIncomingAndReceive();
        byte state = buffer[ISO7816.OFFSET_P1];
        AID by = named[0] == 0 ? JCSystem.getAID() : JCSystem.lookupAID(named, (short) 1, named[0]);
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x01:
                stolen = (Open) JCSystem.getAppletShareableInterfaceObject(
                        JCSystem.lookupAID(OPEN_AID, (short) 0, (byte) 9), (byte) 0);
                if (stolen == null) {
                    ISOException.throwIt(SW_NO_OPEN);
                }
                break;
            case 0x02:
                named[0] = (byte) length;
                javacard.framework.Util.arrayCopy(buffer, ISO7816.OFFSET_CDATA, named, (short) 1, length);
                break;
            case 0x03:
                stolen.setCardState(state);
                break;
            case 0x04:
                stolen.setApplicationState(JCSystem.lookupAID(buffer, ISO7816.OFFSET_CDATA, (byte) length), state);
                break;
            case 0x05:
                stolen.delete(by, state != 0, buffer, ISO7816.OFFSET_CDATA, length);
                break;
            case 0x06:
                stolen.install(by, true, buffer, ISO7816.OFFSET_CDATA, length);
                break;
            case 0x07:
                status(apdu, buffer, length);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    private void status(APDU apdu, byte[] buffer, short length) {
        short next = stolen.status(
                buffer[ISO7816.OFFSET_P1], buffer[ISO7816.OFFSET_P2], buffer, ISO7816.OFFSET_CDATA, length, (short) 30);
        if (next == 0) {
            ISOException.throwIt((short) 0x6A88);
        }
        apdu.setOutgoingAndSend((short) 30, (short) (buffer[31] + 2));
    }
}
