// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacardx.crypto.Cipher;

/** Paddings of block ciphers, by Cipher's PAD constants. */
final class Padding {

    private static final byte MARK = (byte) 0x80;

    private Padding() {}

    static boolean supports(byte padding) {
        return padding == Cipher.PAD_NOPAD
                || padding == Cipher.PAD_ISO9797_M1
                || padding == Cipher.PAD_ISO9797_M2
                || padding == Cipher.PAD_PKCS5;
    }

    /** @param length of the text in {@code rest}, which is all that remains after whole blocks */
    static byte[] pad(byte padding, byte[] rest, int length, int blockLength) {
        int padded = padding == Cipher.PAD_NOPAD || padding == Cipher.PAD_ISO9797_M1
                ? (length + blockLength - 1) / blockLength * blockLength
                : (length / blockLength + 1) * blockLength;
        if (padding == Cipher.PAD_NOPAD && padded != length) {
            throw Fault.illegalUse();
        }
        byte[] out = Arrays.copyOf(Arrays.copyOf(rest, length), padded);
        if (padding == Cipher.PAD_ISO9797_M2) {
            out[length] = MARK;
        } else if (padding == Cipher.PAD_PKCS5) {
            Arrays.fill(out, length, padded, (byte) (padded - length));
        }
        return out;
    }

    /** The length of the text in deciphered blocks; zeros of method 1 cannot be told from text and stay. */
    static int unpaddedLength(byte padding, byte[] text, int length, int blockLength) {
        if (padding == Cipher.PAD_NOPAD || padding == Cipher.PAD_ISO9797_M1) {
            return length;
        }
        if (length == 0) {
            throw Fault.illegalUse();
        }
        int last = length - 1;
        if (padding == Cipher.PAD_ISO9797_M2) {
            while (last > length - blockLength && text[last] == 0) {
                last--;
            }
            if (text[last] != MARK) {
                throw Fault.illegalUse();
            }
            return last;
        }
        int count = text[last] & 0xFF;
        boolean good = count >= 1 && count <= blockLength;
        for (int i = 0; good && i < count; i++) {
            good = text[last - i] == count;
        }
        if (!good) {
            throw Fault.illegalUse();
        }
        return length - count;
    }
}
