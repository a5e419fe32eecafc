// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.MessageDigest;

/** HMAC with SHA-256 by the digest alone, which more cards have than the signature (RFC 2104). */
final class Hmac {

    static final short LENGTH = (short) 32;

    private static final short BLOCK = (short) 64;
    private static final byte INNER = (byte) 0x36;
    private static final byte INNER_TO_OUTER = (byte) (0x36 ^ 0x5C);

    private static final short PAD = (short) 0;
    private static final short SUM = BLOCK;
    private static final short RAM = (short) (SUM + LENGTH);

    private final MessageDigest digest;
    private final byte[] ram;

    Hmac() {
        digest = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);
        ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
    }

    void begin(byte[] key, short offset, short length) {
        digest.reset();
        Util.arrayFillNonAtomic(ram, PAD, BLOCK, (byte) 0);
        if (length > BLOCK) {
            digest.doFinal(key, offset, length, ram, PAD);
        } else {
            Util.arrayCopyNonAtomic(key, offset, ram, PAD, length);
        }
        change(INNER);
        digest.update(ram, PAD, BLOCK);
    }

    void update(byte[] data, short offset, short length) {
        digest.update(data, offset, length);
    }

    void finish(byte[] out, short offset) {
        digest.doFinal(ram, SUM, (short) 0, ram, SUM);
        change(INNER_TO_OUTER);
        digest.update(ram, PAD, BLOCK);
        digest.doFinal(ram, SUM, LENGTH, out, offset);
        Util.arrayFillNonAtomic(ram, PAD, RAM, (byte) 0);
    }

    /** Takes the time that so many bytes more would have taken. */
    void spend(byte[] data, short offset, short length) {
        digest.doFinal(data, offset, length, ram, SUM);
        Util.arrayFillNonAtomic(ram, PAD, RAM, (byte) 0);
    }

    private void change(byte mask) {
        for (short i = PAD; i < BLOCK; i++) {
            ram[i] ^= mask;
        }
    }
}
