// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.MultiSelectable;

/** Writes down how it was selected and deselected, and on which channel it works. */
public class ChannelProbe extends Applet implements MultiSelectable {

    /** In the log: which method was called. */
    private static final byte SELECT = 0x01;

    private static final byte SELECT_MULTI = 0x10;
    private static final byte DESELECT = 0x02;
    private static final byte DESELECT_MULTI = 0x20;

    private final byte[] log = new byte[16];
    private final byte[] onDeselect = JCSystem.makeTransientByteArray((short) 1, JCSystem.CLEAR_ON_DESELECT);
    private byte entries;

    public static void install(byte[] parameters, short offset, byte length) {
        new ChannelProbe().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    private boolean note(byte what) {
        if (entries < (byte) log.length) {
            log[entries++] = what;
        }
        return true;
    }

    @Override
    public boolean select() {
        return note(SELECT);
    }

    @Override
    public boolean select(boolean active) {
        return note((byte) (SELECT_MULTI + (active ? 1 : 0)));
    }

    @Override
    public void deselect() {
        note(DESELECT);
    }

    @Override
    public void deselect(boolean active) {
        note((byte) (DESELECT_MULTI + (active ? 1 : 0)));
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x01:
                onDeselect[0] = buffer[ISO7816.OFFSET_P1];
                break;
            case 0x02:
                buffer[0] = onDeselect[0];
                buffer[1] = APDU.getCLAChannel();
                buffer[2] = JCSystem.getAssignedChannel();
                buffer[3] = (byte) ((apdu.isSecureMessagingCLA() ? 1 : 0)
                        + (apdu.isCommandChainingCLA() ? 2 : 0)
                        + (apdu.isISOInterindustryCLA() ? 4 : 0));
                apdu.setOutgoingAndSend((short) 0, (short) 4);
                break;
            case 0x03:
                apdu.setOutgoing();
                apdu.setOutgoingLength(entries);
                apdu.sendBytesLong(log, (short) 0, entries);
                entries = 0;
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }
}
