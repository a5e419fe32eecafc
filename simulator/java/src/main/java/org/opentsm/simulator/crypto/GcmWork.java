// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.modes.gcm.GCMMultiplier;
import org.bouncycastle.crypto.modes.gcm.Tables4kGCMMultiplier;

/**
 * Galois/Counter Mode, NIST SP 800-38D. The library's own gives out a deciphered text only with its
 * tag in the input; a card's cipher is asked for the tag afterwards.
 */
final class GcmWork implements AeadWork {

    private static final int BLOCK_LENGTH = 16;
    private static final int SHORT_NONCE_LENGTH = 12;
    private static final int MIN_TAG_LENGTH = 4;

    private final BlockCipher cipher;
    private final boolean encrypt;
    private final GCMMultiplier multiplier = new Tables4kGCMMultiplier();
    private final byte[] hash = new byte[BLOCK_LENGTH];
    private final byte[] counter;
    private final byte[] firstMask = new byte[BLOCK_LENGTH];
    private final byte[] mask = new byte[BLOCK_LENGTH];
    private int hashFill;
    private int maskUsed = BLOCK_LENGTH;
    private long additionalLength;
    private long textLength;

    /** @param cipher AES keyed for encryption */
    GcmWork(BlockCipher cipher, boolean encrypt, byte[] nonce) {
        this.cipher = cipher;
        this.encrypt = encrypt;
        byte[] subkey = new byte[BLOCK_LENGTH];
        cipher.processBlock(subkey, 0, subkey, 0);
        multiplier.init(subkey);
        if (nonce.length == SHORT_NONCE_LENGTH) {
            counter = Arrays.copyOf(nonce, BLOCK_LENGTH);
            counter[BLOCK_LENGTH - 1] = 1;
        } else {
            absorb(nonce, 0, nonce.length);
            absorbLengths(0, nonce.length);
            counter = hash.clone();
            Arrays.fill(hash, (byte) 0);
        }
        cipher.processBlock(counter, 0, firstMask, 0);
    }

    @Override
    public void additional(byte[] in, int offset, int length) {
        absorb(in, offset, length);
        additionalLength += length;
    }

    @Override
    public byte[] update(byte[] in, int offset, int length) {
        if (textLength == 0) {
            endBlock();
        }
        byte[] out = new byte[length];
        for (int i = 0; i < length; i++) {
            if (maskUsed == BLOCK_LENGTH) {
                count();
                cipher.processBlock(counter, 0, mask, 0);
                maskUsed = 0;
            }
            out[i] = (byte) (in[offset + i] ^ mask[maskUsed++]);
        }
        if (encrypt) {
            absorb(out, 0, length);
        } else {
            absorb(in, offset, length);
        }
        textLength += length;
        return out;
    }

    @Override
    public byte[] finish(byte[] in, int offset, int length) {
        byte[] out = update(in, offset, length);
        absorbLengths(additionalLength, textLength);
        return out;
    }

    @Override
    public byte[] tag() {
        byte[] tag = hash.clone();
        for (int i = 0; i < BLOCK_LENGTH; i++) {
            tag[i] ^= firstMask[i];
        }
        return tag;
    }

    @Override
    public boolean allowsTagLength(int lengthBytes) {
        return lengthBytes >= MIN_TAG_LENGTH && lengthBytes <= BLOCK_LENGTH;
    }

    private void absorb(byte[] in, int offset, int length) {
        for (int i = 0; i < length; i++) {
            hash[hashFill++] ^= in[offset + i];
            if (hashFill == BLOCK_LENGTH) {
                multiplier.multiplyH(hash);
                hashFill = 0;
            }
        }
    }

    /** Zeros up to the block's end. */
    private void endBlock() {
        if (hashFill != 0) {
            multiplier.multiplyH(hash);
            hashFill = 0;
        }
    }

    private void absorbLengths(long first, long second) {
        endBlock();
        absorb(
                ByteBuffer.allocate(BLOCK_LENGTH)
                        .putLong(8 * first)
                        .putLong(8 * second)
                        .array(),
                0,
                BLOCK_LENGTH);
    }

    private void count() {
        for (int i = BLOCK_LENGTH - 1; i >= SHORT_NONCE_LENGTH && ++counter[i] == 0; i--) {
            // The carry goes on to the next byte.
        }
    }
}
