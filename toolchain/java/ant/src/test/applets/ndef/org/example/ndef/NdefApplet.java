// SPDX-License-Identifier: Apache-2.0
package org.example.ndef;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** An NFC Forum Type 4 tag: a capability container and one NDEF file, written only while not locked. */
public final class NdefApplet extends Applet {
    private static final byte INS_UPDATE_BINARY = (byte) 0xD6;
    private static final byte INS_READ_BINARY = (byte) 0xB0;
    private static final short FILE_CAPABILITIES = (short) 0xE103;
    private static final short FILE_NDEF = (short) 0xE104;
    private static final byte TAG_INITIAL = (byte) 0x10;
    private static final byte TAG_SIZE = 0x11;
    private static final short DEFAULT_SIZE = 256;
    private static final short MAX_READ = 128;
    private static final byte SELECTED = 0;

    private static final byte[] CAPABILITIES = {
        0x00, 0x0F, 0x20, 0x00, (byte) 0x80, 0x00, (byte) 0x80, 0x04, 0x06, (byte) 0xE1, 0x04, 0x01, 0x00, 0x00, 0x00
    };

    private final byte[] capabilities;
    private final byte[] ndef;
    private final short[] state;
    private boolean locked;

    private NdefApplet(byte[] parameters, short offset, byte length) {
        short size = DEFAULT_SIZE;
        short initial = -1;
        short initialLength = 0;
        short end = (short) (offset + (length & 0xFF));
        short at = offset;
        while ((short) (at + 1) < end) {
            byte tag = parameters[at++];
            short valueLength = (short) (parameters[at++] & 0xFF);
            if ((short) (end - at) < valueLength) {
                ISOException.throwIt(ISO7816.SW_DATA_INVALID);
            }
            switch (tag) {
                case TAG_INITIAL:
                    initial = at;
                    initialLength = valueLength;
                    break;
                case TAG_SIZE:
                    if (valueLength != 2) {
                        ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
                    }
                    size = Util.getShort(parameters, at);
                    break;
                default:
                    ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            at += valueLength;
        }
        capabilities = new byte[(short) CAPABILITIES.length];
        Util.arrayCopyNonAtomic(CAPABILITIES, (short) 0, capabilities, (short) 0, (short) CAPABILITIES.length);
        Util.setShort(capabilities, (short) 11, size);
        ndef = new byte[size];
        state = JCSystem.makeTransientShortArray((short) 1, JCSystem.CLEAR_ON_DESELECT);
        if (initial >= 0) {
            Util.setShort(ndef, (short) 0, initialLength);
            Util.arrayCopyNonAtomic(parameters, initial, ndef, (short) 2, initialLength);
            locked = true;
            capabilities[14] = (byte) 0xFF;
        }
    }

    public static void install(byte[] buffer, short offset, byte length) {
        short at = offset;
        at += (short) (1 + (buffer[at] & 0xFF));
        at += (short) (1 + (buffer[at] & 0xFF));
        byte dataLength = buffer[at++];
        new NdefApplet(buffer, at, dataLength).register(buffer, (short) (offset + 1), buffer[offset]);
    }

    public boolean select() {
        state[SELECTED] = 0;
        return true;
    }

    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            return;
        }
        switch (buffer[ISO7816.OFFSET_INS]) {
            case ISO7816.INS_SELECT:
                selectFile(apdu, buffer);
                break;
            case INS_READ_BINARY:
                readBinary(apdu, buffer);
                break;
            case INS_UPDATE_BINARY:
                updateBinary(apdu, buffer);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    private void selectFile(APDU apdu, byte[] buffer) {
        short length = apdu.setIncomingAndReceive();
        if (length != 2) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        short file = Util.getShort(buffer, ISO7816.OFFSET_CDATA);
        if (file != FILE_CAPABILITIES && file != FILE_NDEF) {
            ISOException.throwIt(ISO7816.SW_FILE_NOT_FOUND);
        }
        state[SELECTED] = file;
    }

    private byte[] selected() {
        switch (state[SELECTED]) {
            case FILE_CAPABILITIES:
                return capabilities;
            case FILE_NDEF:
                return ndef;
            default:
                ISOException.throwIt(ISO7816.SW_COMMAND_NOT_ALLOWED);
                return null;
        }
    }

    private static short checkedOffset(byte[] file, byte[] buffer) {
        short offset = Util.getShort(buffer, ISO7816.OFFSET_P1);
        if (offset < 0 || offset >= file.length) {
            ISOException.throwIt(ISO7816.SW_WRONG_P1P2);
        }
        return offset;
    }

    private void readBinary(APDU apdu, byte[] buffer) {
        byte[] file = selected();
        short offset = checkedOffset(file, buffer);
        short wanted = apdu.setOutgoing();
        short available = (short) (file.length - offset);
        short length = wanted > available ? available : wanted > MAX_READ ? MAX_READ : wanted;
        apdu.setOutgoingLength(length);
        apdu.sendBytesLong(file, offset, length);
    }

    private void updateBinary(APDU apdu, byte[] buffer) {
        if (locked || state[SELECTED] != FILE_NDEF) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        short offset = checkedOffset(ndef, buffer);
        short received = apdu.setIncomingAndReceive();
        short total = (short) (buffer[ISO7816.OFFSET_LC] & 0xFF);
        if ((short) (ndef.length - offset) < total) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        do {
            Util.arrayCopy(buffer, ISO7816.OFFSET_CDATA, ndef, offset, received);
            offset += received;
            total -= received;
            received = total > 0 ? apdu.receiveBytes(ISO7816.OFFSET_CDATA) : 0;
        } while (received > 0);
    }
}
