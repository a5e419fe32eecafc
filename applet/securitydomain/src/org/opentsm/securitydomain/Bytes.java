// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/** Zeros, comparison and ISO 9797-1 method 2 padding, for all protocols. */
final class Bytes {

    static final byte PADDING = (byte) 0x80;

    private Bytes() {}

    /** Fills with zeros, in no transaction. */
    static void wipe(byte[] buffer, short offset, short length) {
        Util.arrayFillNonAtomic(buffer, offset, length, (byte) 0);
    }

    /** Compares without an early end. */
    static boolean same(byte[] first, short firstOffset, byte[] second, short secondOffset, short length) {
        byte difference = 0;
        for (short i = 0; i < length; i++) {
            difference |= (byte) (first[(short) (firstOffset + i)] ^ second[(short) (secondOffset + i)]);
        }
        return difference == 0;
    }

    /** Puts 80 00.. behind {@code length} bytes, up to a whole block; returns the length of both. */
    static short pad(byte[] buffer, short offset, short length, short block) {
        short padding = (short) (block - (length & (short) (block - 1)));
        offset += length;
        wipe(buffer, offset, padding);
        buffer[offset] = PADDING;
        return (short) (length + padding);
    }

    /** Length of what stands before the padding, which is at most a block; NONE for another end. */
    static short unpadded(byte[] buffer, short offset, short length, short block) {
        short last = (short) (offset + length - 1);
        while (last > offset && buffer[last] == 0) {
            last--;
        }
        return buffer[last] != PADDING || (short) (offset + length - last) > block ? Tlv.NONE : (short) (last - offset);
    }
}
