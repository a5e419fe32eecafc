// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Takes command packets out of SMS-DELIVERs and joins the parts of a long one (3GPP TS 23.040 9.2.2.1, 9.2.3.24, TS
 * 31.115 4). One message at a time: a part of another one drops those so far; one that comes twice is taken once.
 */
final class MessageParts {

    /** Parts of one message, with this room each. */
    static final short MOST = (short) 16;

    static final short PART = (short) 134;
    static final short CAPACITY = (short) (MOST * PART);
    /** Address of the sender as it stands in the message: length in digits, type, digits. */
    static final short ADDRESS_MAX = (short) 12;

    private static final byte TYPE_MASK = (byte) 0x03;
    private static final byte USER_DATA_HEADER = (byte) 0x40;
    private static final short PROTOCOL_CODING_TIME = (short) 9;
    private static final byte CONCATENATED = (byte) 0x00;
    private static final byte CONCATENATED_WIDE = (byte) 0x08;
    private static final byte COMMAND_PACKET = (byte) 0x70;
    /** {@code serial number(2) message identifier(2) coding, page and pages} of a cell broadcast. */
    private static final short PAGE_HEADER = (short) 6;

    // RAM: what the message at hand says
    private static final short SENDER = (short) 0;
    private static final short SENDER_LENGTH = (short) (SENDER + ADDRESS_MAX);
    private static final short REFERENCE = (short) (SENDER_LENGTH + 1);
    private static final short TOTAL = (short) (REFERENCE + 2);
    private static final short SEQUENCE = (short) (TOTAL + 1);
    private static final short IS_PACKET = (short) (SEQUENCE + 1);
    private static final short HEAD = (short) (IS_PACKET + 1);
    // and the same of the one that parts are there of
    private static final short KNOWN = HEAD;
    private static final short KNOWN_LENGTH = (short) (TOTAL + 1);
    private static final short LENGTHS = (short) (KNOWN + KNOWN_LENGTH);
    private static final short RAM = (short) (LENGTHS + MOST);

    private final byte[] ram;
    private final byte[] packet;

    /** @param packet where packets are put together, with room for {@link #CAPACITY} bytes */
    MessageParts(byte[] packet) {
        this.packet = packet;
        ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
    }

    /** Writes the sender's address as it came; returns its length. */
    short sender(byte[] out, short offset) {
        Util.arrayCopyNonAtomic(ram, SENDER, out, offset, ADDRESS_MAX);
        return (short) (ram[SENDER_LENGTH] & 0xFF);
    }

    /**
     * Takes one message.
     *
     * @return length of the packet, which is whole now, from its CPL on; 0 while parts are missing, and for a message
     *     that is none of remote management's
     */
    short take(byte[] tpdu, short offset, short length) {
        Util.arrayFillNonAtomic(ram, (short) 0, HEAD, (byte) 0);
        short end = (short) (offset + length);
        short data = readHead(tpdu, offset, end);
        if (data < 0) {
            return (short) 0;
        }
        return takeData(tpdu, data, (short) (end - data));
    }

    /** Takes one page of a cell broadcast (3GPP TS 23.041 9.4.1.2, TS 31.115 5); answers as {@link #take} does. */
    short takePage(byte[] page, short offset, short length) {
        Util.arrayFillNonAtomic(ram, (short) 0, HEAD, (byte) 0);
        if (length <= PAGE_HEADER) {
            return (short) 0;
        }
        byte pages = page[(short) (offset + PAGE_HEADER - 1)];
        ram[SEQUENCE] = (byte) (pages >> 4 & 0x0F);
        ram[TOTAL] = (byte) (pages & 0x0F);
        ram[IS_PACKET] = ram[SEQUENCE] <= 1 ? (byte) 1 : (byte) 0;
        // another message, and another edition of the same one, are others
        Util.arrayCopyNonAtomic(page, offset, ram, SENDER, (short) 4);
        if (ram[TOTAL] <= 1) {
            ram[TOTAL] = (byte) 0;
        }
        short joined = takeData(page, (short) (offset + PAGE_HEADER), (short) (length - PAGE_HEADER));
        // pages are of one size, so that the packet says where it ends
        short said = joined < 2 ? (short) 0 : (short) (Util.getShort(packet, (short) 0) + 2);
        return said > 0 && said < joined ? said : joined;
    }

    private short takeData(byte[] from, short data, short size) {
        if (ram[TOTAL] == 0) {
            if (ram[IS_PACKET] == 0 || size > CAPACITY) {
                return (short) 0;
            }
            forget();
            Util.arrayCopyNonAtomic(from, data, packet, (short) 0, size);
            return size;
        }
        return takePart(from, data, size);
    }

    /** Reads to the user data's header; returns where the data behind it begins, or -1. */
    private short readHead(byte[] tpdu, short offset, short end) {
        if ((short) (end - offset) < 2 || (tpdu[offset] & TYPE_MASK) != 0 || (tpdu[offset] & USER_DATA_HEADER) == 0) {
            return (short) -1;
        }
        short address = (short) (2 + (short) ((short) ((tpdu[(short) (offset + 1)] & 0xFF) + 1) / 2));
        short userData = (short) (offset + 1 + address + PROTOCOL_CODING_TIME);
        if (address > ADDRESS_MAX || (short) (userData + 1) >= end) {
            return (short) -1;
        }
        Util.arrayCopyNonAtomic(tpdu, (short) (offset + 1), ram, SENDER, address);
        ram[SENDER_LENGTH] = (byte) address;
        short length = (short) (tpdu[userData] & 0xFF);
        short header = (short) (userData + 1);
        short data = (short) (header + 1 + (tpdu[header] & 0xFF));
        boolean whole = (short) (header + length) == end && data <= end;
        return whole && readElements(tpdu, (short) (header + 1), data) ? data : (short) -1;
    }

    private boolean readElements(byte[] tpdu, short from, short end) {
        short at = from;
        while (at < end) {
            short value = (short) (at + 2);
            if (value > end || (short) (tpdu[(short) (at + 1)] & 0xFF) > (short) (end - value)) {
                return false;
            }
            byte size = tpdu[(short) (at + 1)];
            if (tpdu[at] == CONCATENATED && size == 3) {
                ram[(short) (REFERENCE + 1)] = tpdu[value];
                Util.arrayCopyNonAtomic(tpdu, (short) (value + 1), ram, TOTAL, (short) 2);
            } else if (tpdu[at] == CONCATENATED_WIDE && size == 4) {
                Util.arrayCopyNonAtomic(tpdu, value, ram, REFERENCE, (short) 4);
            } else if (tpdu[at] == COMMAND_PACKET && size == 0) {
                ram[IS_PACKET] = (byte) 1;
            }
            at = (short) (value + (size & 0xFF));
        }
        return true;
    }

    private short takePart(byte[] tpdu, short data, short size) {
        byte total = ram[TOTAL];
        byte sequence = ram[SEQUENCE];
        boolean sound = total > 0 && total <= MOST && sequence > 0 && sequence <= total && size > 0 && size <= PART;
        // the first part alone says what the message is
        if (!sound || (ram[IS_PACKET] != 0) != (sequence == 1)) {
            return (short) 0;
        }
        if (Util.arrayCompare(ram, (short) 0, ram, KNOWN, KNOWN_LENGTH) != 0) {
            forget();
            Util.arrayCopyNonAtomic(ram, (short) 0, ram, KNOWN, KNOWN_LENGTH);
        }
        short slot = (short) (LENGTHS + sequence - 1);
        if (ram[slot] == 0) {
            Util.arrayCopyNonAtomic(tpdu, data, packet, (short) ((short) (sequence - 1) * PART), size);
            ram[slot] = (byte) size;
        }
        return joined(total);
    }

    /** Moves the parts together when all are there; returns the length, else 0. */
    private short joined(byte total) {
        for (short part = 0; part < total; part++) {
            if (ram[(short) (LENGTHS + part)] == 0) {
                return (short) 0;
            }
        }
        short end = (short) 0;
        for (short part = 0; part < total; part++) {
            short size = (short) (ram[(short) (LENGTHS + part)] & 0xFF);
            end = Util.arrayCopyNonAtomic(packet, (short) (part * PART), packet, end, size);
        }
        forget();
        return end;
    }

    private void forget() {
        Util.arrayFillNonAtomic(ram, KNOWN, (short) (RAM - KNOWN), (byte) 0);
    }
}
