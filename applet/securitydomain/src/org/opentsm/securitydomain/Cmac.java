// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.Key;
import javacardx.crypto.Cipher;

/**
 * AES-CMAC (NIST SP 800-38B, RFC 4493) on single AES blocks: cards that lack Signature.ALG_AES_CMAC_128 are many. Its
 * state stands in RAM of the caller's from start to finish.
 */
final class Cmac {

    static final short BLOCK = (short) 16;

    /** Chain, block under way, its fill. */
    static final short STATE_SIZE = (short) (2 * BLOCK + 1);

    private static final byte REDUCTION = (byte) 0x87;

    private final byte[] ram;
    private final short chain;
    private final short part;
    private final short fill;
    /** Offset in RAM of a block for the subkey. */
    private final short subkey;

    private final Cipher ecb;

    /**
     * @param state offset in RAM of the state
     * @param ecb nobody else uses it from start to finish
     */
    Cmac(byte[] ram, short state, short subkey, Cipher ecb) {
        this.ecb = ecb;
        this.ram = ram;
        chain = state;
        part = (short) (state + BLOCK);
        fill = (short) (part + BLOCK);
        this.subkey = subkey;
    }

    void start(Key key) {
        ecb.init(key, Cipher.MODE_ENCRYPT);
        Bytes.wipe(ram, chain, STATE_SIZE);
    }

    void update(byte[] buffer, short offset, short length) {
        while (length > 0) {
            if (ram[fill] == BLOCK) {
                absorb();
            }
            short taken = (short) (BLOCK - ram[fill]);
            taken = taken < length ? taken : length;
            Util.arrayCopyNonAtomic(buffer, offset, ram, (short) (part + ram[fill]), taken);
            ram[fill] += (byte) taken;
            offset += taken;
            length -= taken;
        }
    }

    private void absorb() {
        xor(chain, part);
        ecb.doFinal(ram, chain, BLOCK, ram, chain);
        ram[fill] = 0;
    }

    private void xor(short to, short from) {
        for (short i = 0; i < BLOCK; i++) {
            ram[(short) (to + i)] ^= ram[(short) (from + i)];
        }
    }

    /** Writes the 16 bytes of the MAC; {@code out} may be RAM of the caller's. */
    void finish(byte[] out, short offset) {
        Bytes.wipe(ram, subkey, BLOCK);
        ecb.doFinal(ram, subkey, BLOCK, ram, subkey);
        twice();
        short filled = ram[fill];
        if (filled < BLOCK) {
            Bytes.pad(ram, part, filled, BLOCK);
            twice();
        }
        xor(part, subkey);
        absorb();
        Util.arrayCopyNonAtomic(ram, chain, out, offset, BLOCK);
        Bytes.wipe(ram, chain, STATE_SIZE);
        Bytes.wipe(ram, subkey, BLOCK);
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
