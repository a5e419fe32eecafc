// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkitapplet;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.Shareable;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;
import uicc.usim.toolkit.USATEnvelopeHandler;
import uicc.usim.toolkit.USATEnvelopeHandlerSystem;

/**
 * Hears of all short messages and cell broadcasts, and tells of each {@code event, envelope tag, device identities(2),
 * getTPUDLOffset, getUserDataLength, getShortMessageOffset, getShortMessageLength, getSecuredDataOffset,
 * getSecuredDataLength, length of the AID element}, a byte each; 80 and the reason where one throws. Any command asks
 * for that, and forgets it.
 */
public final class Messenger extends Applet implements ToolkitInterface {

    private static final short[] EVENTS = {2, 3, 4, 5, 6, 24};
    private static final byte DEVICE_IDENTITIES = 0x02;
    private static final byte AID_ELEMENT = 0x2F;
    private static final byte QUESTIONS = 7;
    private final byte[] heard = new byte[64];
    private byte length;

    private Messenger(byte[] buffer, short offset) {
        register(buffer, (short) (offset + 1), buffer[offset]);
        ToolkitRegistry registry = ToolkitRegistrySystem.getEntry();
        registry.setEventList(EVENTS, (short) 0, (short) EVENTS.length);
    }

    public static void install(byte[] buffer, short offset, byte length) {
        new Messenger(buffer, offset);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return client == null && parameter == (byte) 1 ? this : null;
    }

    @Override
    public void processToolkit(short event) {
        USATEnvelopeHandler message = USATEnvelopeHandlerSystem.getTheHandler();
        heard[length++] = (byte) event;
        heard[length++] = message.getTag();
        message.findAndCopyValue(DEVICE_IDENTITIES, heard, length);
        length += 2;
        for (byte question = 0; question < QUESTIONS; question++) {
            byte answer;
            try {
                answer = (byte) ask(message, question);
            } catch (ToolkitException e) {
                answer = (byte) (0x80 | e.getReason());
            }
            heard[length++] = answer;
        }
    }

    private static short ask(USATEnvelopeHandler message, byte question) {
        switch (question) {
            case 0:
                return message.getTPUDLOffset();
            case 1:
                return message.getUserDataLength();
            case 2:
                return message.getShortMessageOffset();
            case 3:
                return message.getShortMessageLength();
            case 4:
                return message.getSecuredDataOffset();
            case 5:
                return message.getSecuredDataLength();
            default:
                return message.findTLV(AID_ELEMENT, (byte) 1) == 0 ? 0 : message.getValueLength();
        }
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        short told = length;
        length = 0;
        apdu.setOutgoing();
        apdu.setOutgoingLength(told);
        apdu.sendBytesLong(heard, (short) 0, told);
    }
}
