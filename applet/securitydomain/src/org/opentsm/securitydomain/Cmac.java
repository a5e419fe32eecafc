// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.AESKey;
import javacardx.crypto.Cipher;

/**
 * AES-CMAC (NIST SP 800-38B, RFC 4493) on single AES blocks: cards that lack Signature.ALG_AES_CMAC_128 are many. Its
 * state stands in SCRATCH from start to finish.
 */
final class Cmac {

    static final short BLOCK = (short) 16;

    private static final short CHAIN = Transients.SCRATCH;
    private static final short PART = (short) (CHAIN + BLOCK);
    private static final short FILL = (short) (PART + BLOCK);
    private static final byte REDUCTION = (byte) 0x87;
    private static final byte PADDING = (byte) 0x80;

    private final byte[] ram;
    /** Offset in RAM of a block for the subkey. */
    private final short subkey;

    private final Cipher ecb;

    /** @param ecb nobody else uses it from start to finish */
    Cmac(byte[] ram, short subkey, Cipher ecb) {
        this.ecb = ecb;
        this.ram = ram;
        this.subkey = subkey;
    }

    void start(AESKey key) {
        ecb.init(key, Cipher.MODE_ENCRYPT);
        Util.arrayFillNonAtomic(ram, CHAIN, (short) (FILL + 1 - CHAIN), (byte) 0);
    }

    void update(byte[] buffer, short offset, short length) {
        for (short i = 0; i < length; i++) {
            if (ram[FILL] == BLOCK) {
                absorb();
            }
            ram[(short) (PART + ram[FILL])] = buffer[(short) (offset + i)];
            ram[FILL]++;
        }
    }

    private void absorb() {
        xor(CHAIN, PART);
        ecb.doFinal(ram, CHAIN, BLOCK, ram, CHAIN);
        ram[FILL] = 0;
    }

    private void xor(short to, short from) {
        for (short i = 0; i < BLOCK; i++) {
            ram[(short) (to + i)] ^= ram[(short) (from + i)];
        }
    }

    /** Writes the 16 bytes of the MAC; {@code out} may be RAM of the caller's. */
    void finish(byte[] out, short offset) {
        Util.arrayFillNonAtomic(ram, subkey, BLOCK, (byte) 0);
        ecb.doFinal(ram, subkey, BLOCK, ram, subkey);
        twice();
        short fill = ram[FILL];
        if (fill < BLOCK) {
            Util.arrayFillNonAtomic(ram, (short) (PART + fill), (short) (BLOCK - fill), (byte) 0);
            ram[(short) (PART + fill)] = PADDING;
            twice();
        }
        xor(PART, subkey);
        absorb();
        Util.arrayCopyNonAtomic(ram, CHAIN, out, offset, BLOCK);
        Util.arrayFillNonAtomic(ram, CHAIN, (short) (FILL + 1 - CHAIN), (byte) 0);
        Util.arrayFillNonAtomic(ram, subkey, BLOCK, (byte) 0);
    }

    /** Doubles the subkey in GF(2^128). */
    private void twice() {
        byte carry = (byte) 0;
        for (short i = (short) (subkey + BLOCK - 1); i >= subkey; i--) {
            byte high = (byte) ((ram[i] & 0x80) == 0 ? 0 : 1);
            ram[i] = (byte) ((byte) (ram[i] << 1) | carry);
            carry = high;
        }
        if (carry != 0) {
            ram[(short) (subkey + BLOCK - 1)] ^= REDUCTION;
        }
    }
}
