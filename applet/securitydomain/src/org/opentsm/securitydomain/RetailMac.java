// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacardx.crypto.Cipher;

/**
 * Retail MAC (ISO 9797-1 algorithm 3 with padding 80 00..) on single DES blocks, begun in one command's opening and
 * ended in its answer: a state of 17 bytes in RAM carries it across.
 */
final class RetailMac {

    static final short BLOCK = (short) 8;
    /** Chain, block under way, its fill. */
    static final short STATE_SIZE = (short) (2 * BLOCK + 1);

    private static final byte PADDING = (byte) 0x80;

    private final byte[] ram;
    private final BlockCiphers ciphers;

    RetailMac(byte[] ram, BlockCiphers ciphers) {
        this.ram = ram;
        this.ciphers = ciphers;
    }

    /** Starts at {@code state} with the initial value that stands at {@code initial} in RAM. */
    void start(short state, short initial) {
        Util.arrayCopyNonAtomic(ram, initial, ram, state, BLOCK);
        Util.arrayFillNonAtomic(ram, (short) (state + BLOCK), (short) (BLOCK + 1), (byte) 0);
    }

    private void useFirstHalf(short key) {
        ciphers.desEcb.init(ciphers.des.key(ram, key, BLOCK), Cipher.MODE_ENCRYPT);
    }

    /** @param key offset of the 16-byte key in RAM */
    void update(short state, short key, byte[] buffer, short offset, short length) {
        short fill = (short) (state + 2 * BLOCK);
        useFirstHalf(key);
        for (short i = 0; i < length; i++) {
            if (ram[fill] == BLOCK) {
                absorb(state);
            }
            ram[(short) (state + BLOCK + ram[fill])] = buffer[(short) (offset + i)];
            ram[fill]++;
        }
    }

    private void absorb(short state) {
        for (short i = state; i < (short) (state + BLOCK); i++) {
            ram[i] ^= ram[(short) (i + BLOCK)];
        }
        ciphers.desEcb.doFinal(ram, state, BLOCK, ram, state);
        ram[(short) (state + 2 * BLOCK)] = 0;
    }

    /** Writes the eight bytes of the MAC, to RAM also, and clears the state. */
    void finish(short state, short key, byte[] out, short offset) {
        short fill = (short) (state + 2 * BLOCK);
        useFirstHalf(key);
        if (ram[fill] == BLOCK) {
            absorb(state);
        }
        short part = (short) (state + BLOCK);
        Util.arrayFillNonAtomic(ram, (short) (part + ram[fill]), (short) (BLOCK - ram[fill]), (byte) 0);
        ram[(short) (part + ram[fill])] = PADDING;
        absorb(state);
        ciphers.desEcb.init(ciphers.des.key(ram, (short) (key + BLOCK), BLOCK), Cipher.MODE_DECRYPT);
        ciphers.desEcb.doFinal(ram, state, BLOCK, ram, state);
        useFirstHalf(key);
        ciphers.desEcb.doFinal(ram, state, BLOCK, ram, state);
        Util.arrayCopyNonAtomic(ram, state, out, offset, BLOCK);
        Util.arrayFillNonAtomic(ram, state, STATE_SIZE, (byte) 0);
    }
}
