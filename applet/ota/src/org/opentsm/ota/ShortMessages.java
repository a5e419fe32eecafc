// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.TerminalProfile;
import uicc.toolkit.ToolkitException;

/**
 * Sends response packets to whom a message came from, in as many SMS-SUBMITs as it takes, by SEND SHORT MESSAGE (TS 102
 * 223 6.4.10, TS 23.040 9.2.2.2).
 */
final class ShortMessages {

    private static final byte SEND_SHORT_MESSAGE = (byte) 0x13;
    /** Bit of TERMINAL PROFILE. */
    private static final short SENDS_SHORT_MESSAGES = (short) 25;

    private static final byte NETWORK = (byte) 0x83;
    private static final byte TAG_ADDRESS = (byte) 0x86;
    private static final byte TAG_TPDU = (byte) 0x8B;
    /** SMS-SUBMIT with a user data header and no validity period. */
    private static final byte SUBMIT = (byte) 0x41;

    private static final byte PROTOCOL = (byte) 0x7F;
    private static final byte CODING = (byte) 0xF6;
    private static final short USER_DATA_MAX = (short) 140;
    /** {@code 02 71 00}, which stands before the packet as it was made. */
    private static final short HEADER = (short) 3;
    /** {@code 07 00 03 reference total sequence 71 00} of the first part, and of those behind it. */
    private static final short FIRST_HEADER = (short) 8;

    private static final short LATER_HEADER = (short) 6;

    // General results of the terminal (TS 102 223 8.12)
    private static final byte KINDS = (byte) 0xF0;
    /** The kind of what may be worth another try. */
    private static final byte TEMPORARY = (byte) 0x20;

    private static final byte RP_ERROR = (byte) 0x35;
    private static final byte REFUSED = (byte) 0x30;
    /** How often a part is tried again. */
    private static final byte RETRIES = (byte) 10;

    // RAM: both addresses with their lengths, what stands where a part is to be tried again, the message being made
    private static final short CENTRE = (short) 0;
    private static final short CENTRE_LENGTH = (short) (CENTRE + MessageParts.ADDRESS_MAX);
    private static final short ADDRESS = (short) (CENTRE_LENGTH + 1);
    private static final short ADDRESS_LENGTH = (short) (ADDRESS + MessageParts.ADDRESS_MAX);
    private static final short REFERENCE = (short) (ADDRESS_LENGTH + 1);
    /** Number of the part that is to go next, 0 when none is to go again; and how often it may still be tried. */
    private static final short PART = (short) (REFERENCE + 1);

    private static final short LEFT = (short) (PART + 1);
    private static final short TPDU = (short) (LEFT + 1);
    private static final short RAM = (short) (TPDU + 5 + MessageParts.ADDRESS_MAX + USER_DATA_MAX);

    private final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);

    /** Where the answer goes: to the sender, by the service centre that the message came from. */
    void answers(MessageParts parts, byte[] centre, short length) {
        Util.arrayCopyNonAtomic(centre, (short) 0, ram, CENTRE, length);
        ram[CENTRE_LENGTH] = (byte) length;
        ram[ADDRESS_LENGTH] = (byte) parts.sender(ram, ADDRESS);
    }

    /** True while the terminal takes proactive commands from here. */
    static boolean canSend() {
        try {
            ProactiveHandlerSystem.getTheHandler();
            return true;
        } catch (ToolkitException e) {
            return false;
        }
    }

    /** True where the terminal takes messages, once no other application waits for it (TS 102 223 5.2, byte 4 b2). */
    static boolean canSendLater() {
        try {
            return TerminalProfile.check(SENDS_SHORT_MESSAGES);
        } catch (ToolkitException e) {
            return false;
        }
    }

    /** False once what waits has been tried often enough: each question is a try, as soon as one has failed. */
    boolean mayTry() {
        if (ram[PART] == 0) {
            return true;
        }
        boolean may = ram[LEFT]-- > 0;
        if (!may) {
            ram[PART] = (byte) 0;
        }
        return may;
    }

    /**
     * Sends {@code 02 71 00, response packet}. Behind a part that cannot be sent at all no other goes.
     *
     * @return false when the network may take the rest later: the same call goes on there
     */
    boolean send(byte[] data, short offset, short length) {
        short first = (short) (USER_DATA_MAX - FIRST_HEADER);
        short later = (short) (USER_DATA_MAX - LATER_HEADER);
        short behind = (short) (length - HEADER - first);
        byte total = length <= USER_DATA_MAX ? (byte) 1 : (byte) (1 + (short) ((short) (behind + later - 1) / later));
        byte part = ram[PART];
        if (part == 0) {
            ram[REFERENCE]++;
            ram[LEFT] = RETRIES;
            part++;
        }
        for (ram[PART] = (byte) 0; part <= total; part++) {
            short userData = length;
            if (total == 1) {
                Util.arrayCopyNonAtomic(data, offset, ram, head(), length);
            } else {
                short sent = part == 1 ? (short) 0 : (short) (first + (short) ((short) (part - 2) * later));
                short left = (short) (length - HEADER - sent);
                short room = part == 1 ? first : later;
                short at = (short) (offset + HEADER + sent);
                userData = part(data, offset, total, part, at, left < room ? left : room);
            }
            byte result = submit(userData);
            if ((byte) (result & KINDS) == TEMPORARY || result == RP_ERROR) {
                ram[PART] = part;
                return false;
            }
            if ((byte) (result & KINDS) != 0) {
                break;
            }
            ram[LEFT] = RETRIES;
        }
        return true;
    }

    /** Writes one part of several with {@code size} bytes of the packet; length of its user data. */
    private short part(byte[] data, short offset, byte total, byte part, short at, short size) {
        boolean begins = part == 1;
        short to = head();
        short start = to;
        ram[to++] = (byte) ((begins ? FIRST_HEADER : LATER_HEADER) - 1);
        ram[to++] = (byte) 0;
        ram[to++] = (byte) 3;
        ram[to++] = ram[REFERENCE];
        ram[to++] = total;
        ram[to++] = part;
        if (begins) {
            to = Util.arrayCopyNonAtomic(data, (short) (offset + 1), ram, to, (short) 2);
        }
        return (short) (Util.arrayCopyNonAtomic(data, at, ram, to, size) - start);
    }

    /** Writes the message to its user data; returns where that begins. */
    private short head() {
        short at = TPDU;
        ram[at++] = SUBMIT;
        // the terminal gives the reference
        ram[at++] = (byte) 0;
        at = Util.arrayCopyNonAtomic(ram, ADDRESS, ram, at, (short) (ram[ADDRESS_LENGTH] & 0xFF));
        ram[at++] = PROTOCOL;
        ram[at++] = CODING;
        return (short) (at + 1);
    }

    /** Sends what {@link #head} began and the caller has put the user data behind; the terminal's result. */
    private byte submit(short userData) {
        short length = (short) (5 + (ram[ADDRESS_LENGTH] & 0xFF));
        ram[(short) (TPDU + length - 1)] = (byte) userData;
        try {
            ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
            handler.init(SEND_SHORT_MESSAGE, (byte) 0, NETWORK);
            if (ram[CENTRE_LENGTH] != 0) {
                handler.appendTLV(TAG_ADDRESS, ram, CENTRE, (short) (ram[CENTRE_LENGTH] & 0xFF));
            }
            handler.appendTLV(TAG_TPDU, ram, TPDU, (short) (length + userData));
            return handler.send();
        } catch (ToolkitException e) {
            // a response without a result
            return REFUSED;
        }
    }
}
