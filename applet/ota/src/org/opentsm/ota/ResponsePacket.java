// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.Util;

/**
 * Form of a response packet, {@code 02 71 00 | RPL(2) RHL TAR(3) | CNTR(5) PCNTR STS RC/CC data padding}, its user data
 * header with it, which the checksum covers (TS 102 225 5.2, TS 31.115 4.3).
 */
final class ResponsePacket {

    /** Where data must stand for {@link Packet#respond}. */
    static final short DATA = (short) 24;
    /** Where the head stands while the checksum, which goes behind it, is not known yet. */
    static final short HEAD = (short) 8;
    /** CNTR, from the packet's first byte. */
    static final short SECURED = (short) 9;

    private static final short HEAD_LENGTH = (short) (DATA - HEAD);
    private static final byte RESPONSE_ELEMENT = (byte) 0x71;
    /** CNTR, PCNTR and STS. */
    private static final short FIXED = (short) 7;
    /** TAR to STS: what RHL counts besides the checksum. */
    private static final byte RHL = (byte) 0x0A;

    private ResponsePacket() {}

    /** Bytes that bring checksum and data to whole blocks with what is enciphered before them. */
    static short padding(short length, short block) {
        short over = (short) ((short) (FIXED + length) & (short) (block - 1));
        return over == 0 ? (short) 0 : (short) (block - over);
    }

    /** Writes all before the checksum; {@code end} is that of the padding. */
    static void head(
            byte[] out, short end, short checksum, byte[] ram, short tar, short counter, short padding, byte status) {
        short at = HEAD;
        out[at++] = (byte) 2;
        out[at++] = RESPONSE_ELEMENT;
        out[at++] = (byte) 0;
        // RHL to the end
        at = Util.setShort(out, at, (short) (end - HEAD - 5 + checksum));
        out[at++] = (byte) (RHL + checksum);
        at = Util.arrayCopyNonAtomic(ram, tar, out, at, (short) 3);
        at = Util.arrayCopyNonAtomic(ram, counter, out, at, PacketCounters.LENGTH);
        out[at++] = (byte) padding;
        out[at] = status;
    }

    /** Moves the head to make room, and puts the checksum in; returns where the packet begins. */
    static short insert(byte[] out, byte[] checksum, short offset, short length) {
        short start = (short) (HEAD - length);
        Util.arrayCopyNonAtomic(out, HEAD, out, start, HEAD_LENGTH);
        Util.arrayCopyNonAtomic(checksum, offset, out, (short) (DATA - length), length);
        return start;
    }
}
