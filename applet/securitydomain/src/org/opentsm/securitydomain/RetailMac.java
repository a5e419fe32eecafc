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

    private final byte[] ram;
    private final BlockCiphers ciphers;

    RetailMac(byte[] ram, BlockCiphers ciphers) {
        this.ram = ram;
        this.ciphers = ciphers;
    }

    /** Starts at {@code state} with the initial value that stands at {@code initial} in RAM. */
    void start(short state, short initial) {
        Util.arrayCopyNonAtomic(ram, initial, ram, state, BLOCK);
        Bytes.wipe(ram, (short) (state + BLOCK), (short) (BLOCK + 1));
    }

    private void useFirstHalf(short key) {
        ciphers.desEcb.init(ciphers.des.key(ram, key, BLOCK), Cipher.MODE_ENCRYPT);
    }

    /** @param key offset of the 16-byte key in RAM */
    void update(short state, short key, byte[] buffer, short offset, short length) {
        short fill = (short) (state + 2 * BLOCK);
        useFirstHalf(key);
        while (length > 0) {
            if (ram[fill] == BLOCK) {
                absorb(state);
            }
            short part = (short) (BLOCK - ram[fill]);
            part = part < length ? part : length;
            Util.arrayCopyNonAtomic(buffer, offset, ram, (short) (state + BLOCK + ram[fill]), part);
            ram[fill] += (byte) part;
            offset += part;
            length -= part;
        }
    }

    private void absorb(short state) {
        for (short i = state; i < (short) (state + BLOCK); i++) {
            ram[i] ^= ram[(short) (i + BLOCK)];
        }
        ciphers.desEcb.doFinal(ram, state, BLOCK, ram, state);
        ram[(short) (state + 2 * BLOCK)] = 0;
    }

    /**
     * Writes the eight bytes of the MAC, to RAM also, and clears the state.
     *
     * @param last offset of the last single key: the first one's, or the third one's of a key of 24 bytes
     */
    void finish(short state, short key, short last, byte[] out, short offset) {
        short fill = (short) (state + 2 * BLOCK);
        useFirstHalf(key);
        if (ram[fill] == BLOCK) {
            absorb(state);
        }
        short part = (short) (state + BLOCK);
        Bytes.pad(ram, part, ram[fill], BLOCK);
        absorb(state);
        ciphers.desEcb.init(ciphers.des.key(ram, (short) (key + BLOCK), BLOCK), Cipher.MODE_DECRYPT);
        ciphers.desEcb.doFinal(ram, state, BLOCK, ram, state);
        useFirstHalf(last);
        ciphers.desEcb.doFinal(ram, state, BLOCK, ram, state);
        Util.arrayCopyNonAtomic(ram, state, out, offset, BLOCK);
        Bytes.wipe(ram, state, STATE_SIZE);
    }
}
