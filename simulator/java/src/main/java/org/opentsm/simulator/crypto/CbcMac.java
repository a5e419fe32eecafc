// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.security.MessageDigest;
import java.util.Arrays;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.engines.DESEngine;

/** CBC-MAC over blocks, ISO/IEC 9797-1 algorithm 1, and algorithm 3 with single DES and a triple end. */
final class CbcMac implements SignatureScheme {

    private static final int DES_KEY_LENGTH = 8;

    private final BlockCipher cipher;
    /** Algorithm 3: deciphers, then enciphers the last block; null for algorithm 1. */
    private final BlockCipher[] end;

    private final byte padding;
    private final int length;
    private final byte[] chain;
    private final byte[] kept;
    private int keptLength;
    private boolean begun;

    private CbcMac(BlockCipher cipher, BlockCipher[] end, byte padding, int length, byte[] vector) {
        this.cipher = cipher;
        this.end = end;
        this.padding = padding;
        this.length = length;
        this.chain = vector == null ? new byte[cipher.getBlockSize()] : vector.clone();
        this.kept = new byte[cipher.getBlockSize()];
    }

    static CbcMac plain(BlockCipher cipher, byte padding, int length, byte[] vector) {
        return new CbcMac(cipher, null, padding, length, vector);
    }

    /** @throws javacard.security.CryptoException ILLEGAL_VALUE for a key of single DES */
    static CbcMac retail(byte[] key, byte padding, int length, byte[] vector) {
        if (key.length == DES_KEY_LENGTH) {
            throw Fault.illegalValue();
        }
        byte[] first = Arrays.copyOf(key, DES_KEY_LENGTH);
        byte[] second = Arrays.copyOfRange(key, DES_KEY_LENGTH, 2 * DES_KEY_LENGTH);
        byte[] third =
                key.length > 2 * DES_KEY_LENGTH ? Arrays.copyOfRange(key, 2 * DES_KEY_LENGTH, key.length) : first;
        BlockCipher[] end = {
            BlockCiphers.keyed(new DESEngine(), second, false), BlockCiphers.keyed(new DESEngine(), third, true)
        };
        return new CbcMac(BlockCiphers.keyed(new DESEngine(), first, true), end, padding, length, vector);
    }

    @Override
    public void update(byte[] in, int offset, int inLength) {
        for (int i = 0; i < inLength; i++) {
            if (keptLength == kept.length) {
                block(kept);
                keptLength = 0;
            }
            kept[keptLength++] = in[offset + i];
        }
    }

    private void block(byte[] text) {
        for (int i = 0; i < chain.length; i++) {
            chain[i] ^= text[i];
        }
        cipher.processBlock(chain, 0, chain, 0);
        begun = true;
    }

    @Override
    public byte[] sign() {
        try {
            byte[] last = Padding.pad(padding, kept, keptLength, kept.length);
            if (last.length == 0) {
                last = emptyMessage();
            }
            for (int at = 0; at < last.length; at += kept.length) {
                block(Arrays.copyOfRange(last, at, at + kept.length));
            }
            for (int i = 0; end != null && i < end.length; i++) {
                end[i].processBlock(chain, 0, chain, 0);
            }
            return Arrays.copyOf(chain, length);
        } finally {
            keptLength = 0;
            begun = false;
            Arrays.fill(chain, (byte) 0);
        }
    }

    /** Method 1 makes a block of zeros of no text at all; without padding there is nothing to authenticate. */
    private byte[] emptyMessage() {
        if (padding == javacardx.crypto.Cipher.PAD_NOPAD || begun) {
            throw Fault.illegalUse();
        }
        return new byte[kept.length];
    }

    @Override
    public boolean verify(byte[] signature) {
        return MessageDigest.isEqual(sign(), signature);
    }

    @Override
    public int lengthBytes() {
        return length;
    }
}
