// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import org.bouncycastle.crypto.BlockCipher;

/** CCM, NIST SP 800-38C: all lengths are known at the start, so that text can come in parts. */
final class CcmWork implements AeadWork {

    private static final int BLOCK_LENGTH = 16;
    private static final int MIN_NONCE_LENGTH = 7;
    private static final int MAX_NONCE_LENGTH = 13;
    private static final int ADDITIONAL_DATA_FLAG = 0x40;

    private final BlockCipher cipher;
    private final boolean encrypt;
    private final int tagLength;
    private final byte[] mac = new byte[BLOCK_LENGTH];
    private final byte[] counter = new byte[BLOCK_LENGTH];
    private final byte[] mask = new byte[BLOCK_LENGTH];
    private final byte[] firstMask = new byte[BLOCK_LENGTH];
    private int macFill;
    private int maskUsed = BLOCK_LENGTH;
    private int additionalLeft;
    private int textLeft;
    private boolean textBegun;

    /**
     * @param cipher AES keyed for encryption
     * @throws javacard.security.CryptoException ILLEGAL_VALUE for lengths the mode does not have
     */
    CcmWork(BlockCipher cipher, boolean encrypt, byte[] nonce, int additionalLength, int textLength, int tagLength) {
        boolean tag = tagLength >= 4 && tagLength <= BLOCK_LENGTH && tagLength % 2 == 0;
        if (nonce.length < MIN_NONCE_LENGTH
                || nonce.length > MAX_NONCE_LENGTH
                || additionalLength < 0
                || textLength < 0
                || !tag) {
            throw Fault.illegalValue();
        }
        this.cipher = cipher;
        this.encrypt = encrypt;
        this.tagLength = tagLength;
        additionalLeft = additionalLength;
        textLeft = textLength;
        int lengthField = BLOCK_LENGTH - 1 - nonce.length;
        counter[0] = (byte) (lengthField - 1);
        System.arraycopy(nonce, 0, counter, 1, nonce.length);
        cipher.processBlock(counter, 0, firstMask, 0);
        byte[] first = counter.clone();
        first[0] |= (byte) ((tagLength - 2) / 2 << 3 | (additionalLength > 0 ? ADDITIONAL_DATA_FLAG : 0));
        first[BLOCK_LENGTH - 2] = (byte) (textLength >> 8);
        first[BLOCK_LENGTH - 1] = (byte) textLength;
        absorb(first, 0, BLOCK_LENGTH);
        if (additionalLength > 0) {
            absorb(new byte[] {(byte) (additionalLength >> 8), (byte) additionalLength}, 0, 2);
        }
    }

    @Override
    public void additional(byte[] in, int offset, int length) {
        if (length > additionalLeft) {
            throw Fault.illegalUse();
        }
        absorb(in, offset, length);
        additionalLeft -= length;
    }

    @Override
    public byte[] update(byte[] in, int offset, int length) {
        if (additionalLeft != 0 || length > textLeft) {
            throw Fault.illegalUse();
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
        if (length > 0) {
            absorbText(encrypt ? in : out, encrypt ? offset : 0, length);
        }
        textLeft -= length;
        return out;
    }

    @Override
    public byte[] finish(byte[] in, int offset, int length) {
        byte[] out = update(in, offset, length);
        if (textLeft != 0) {
            throw Fault.illegalUse();
        }
        endBlock();
        return out;
    }

    @Override
    public byte[] tag() {
        byte[] tag = Arrays.copyOf(mac, tagLength);
        for (int i = 0; i < tagLength; i++) {
            tag[i] ^= firstMask[i];
        }
        return tag;
    }

    @Override
    public boolean allowsTagLength(int lengthBytes) {
        return lengthBytes == tagLength;
    }

    /** Additional data are padded with zeros before the text. */
    private void absorbText(byte[] in, int offset, int length) {
        if (!textBegun) {
            endBlock();
            textBegun = true;
        }
        absorb(in, offset, length);
    }

    private void absorb(byte[] in, int offset, int length) {
        for (int i = 0; i < length; i++) {
            mac[macFill++] ^= in[offset + i];
            if (macFill == BLOCK_LENGTH) {
                cipher.processBlock(mac, 0, mac, 0);
                macFill = 0;
            }
        }
    }

    private void endBlock() {
        if (macFill != 0) {
            cipher.processBlock(mac, 0, mac, 0);
            macFill = 0;
        }
    }

    private void count() {
        for (int i = BLOCK_LENGTH - 1; i > 0 && ++counter[i] == 0; i--) {
            // The carry goes on to the next byte.
        }
    }
}
