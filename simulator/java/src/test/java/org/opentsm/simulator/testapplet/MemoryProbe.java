// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import javacard.framework.TransactionException;
import javacard.framework.Util;

/**
 * Takes memory of each kind and says what is left; P1 P2 is a number of bytes, and the answer 0000 or the reason of the
 * exception.
 */
public class MemoryProbe extends Applet {

    private final byte[] store = new byte[100];
    private Object held;

    public static void install(byte[] parameters, short offset, byte length) {
        new MemoryProbe().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        short bytes = Util.getShort(buffer, ISO7816.OFFSET_P1);
        short reason = 0;
        short length = 2;
        try {
            switch (buffer[ISO7816.OFFSET_INS]) {
                case 0x01:
                    held = new byte[bytes];
                    break;
                case 0x02:
                    held = JCSystem.makeTransientByteArray(bytes, JCSystem.CLEAR_ON_RESET);
                    break;
                case 0x03:
                    held = JCSystem.makeTransientByteArray(bytes, JCSystem.CLEAR_ON_DESELECT);
                    break;
                case 0x04:
                    Util.setShort(buffer, (short) 2, JCSystem.getAvailableMemory(JCSystem.MEMORY_TYPE_PERSISTENT));
                    Util.setShort(buffer, (short) 4, JCSystem.getAvailableMemory(JCSystem.MEMORY_TYPE_TRANSIENT_RESET));
                    Util.setShort(
                            buffer, (short) 6, JCSystem.getAvailableMemory(JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT));
                    length = 8;
                    break;
                case 0x05:
                    held = null;
                    JCSystem.requestObjectDeletion();
                    break;
                case 0x07:
                    JCSystem.beginTransaction();
                    held = new byte[bytes];
                    JCSystem.abortTransaction();
                    break;
                case 0x06:
                    write(bytes);
                    Util.setShort(buffer, (short) 2, JCSystem.getUnusedCommitCapacity());
                    length = 4;
                    JCSystem.commitTransaction();
                    break;
                default:
                    ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
            }
        } catch (SystemException e) {
            reason = e.getReason();
        } catch (TransactionException e) {
            reason = (short) (0x0100 + e.getReason());
            JCSystem.abortTransaction();
        }
        Util.setShort(buffer, (short) 0, reason);
        apdu.setOutgoingAndSend((short) 0, length);
    }

    private void write(short bytes) {
        JCSystem.beginTransaction();
        for (short i = 0; i < bytes; i++) {
            store[i]++;
        }
    }
}
