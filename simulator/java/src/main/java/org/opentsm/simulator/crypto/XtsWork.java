// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.bouncycastle.crypto.BlockCipher;

/** XTS of IEEE 1619 with ciphertext stealing; the text is one data unit and is given out at its end. */
final class XtsWork implements CipherWork {

    private static final int BLOCK_LENGTH = 16;
    private static final int REDUCTION = 0x87;

    private final BlockCipher data;
    private final BlockCipher tweaks;
    private final boolean encrypt;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private byte[] vector;

    XtsWork(BlockCipher data, BlockCipher tweaks, boolean encrypt, byte[] vector) {
        this.data = data;
        this.tweaks = tweaks;
        this.encrypt = encrypt;
        this.vector = vector;
    }

    @Override
    public byte[] update(byte[] in, int offset, int length) {
        text.write(in, offset, length);
        return new byte[0];
    }

    @Override
    public byte[] finish(byte[] in, int offset, int length) {
        text.write(in, offset, length);
        byte[] unit = text.toByteArray();
        text.reset();
        if (unit.length < BLOCK_LENGTH) {
            throw Fault.illegalUse();
        }
        byte[] tweak = new byte[BLOCK_LENGTH];
        tweaks.processBlock(vector, 0, tweak, 0);
        vector = new byte[BLOCK_LENGTH];
        int rest = unit.length % BLOCK_LENGTH;
        int plain = rest == 0 ? unit.length : unit.length - rest - BLOCK_LENGTH;
        for (int at = 0; at < plain; at += BLOCK_LENGTH) {
            block(unit, at, tweak);
            tweak = next(tweak);
        }
        if (rest != 0) {
            steal(unit, plain, rest, tweak);
        }
        return unit;
    }

    /** The last whole block lends its end to the short one. */
    private void steal(byte[] unit, int at, int rest, byte[] tweak) {
        byte[] following = next(tweak);
        block(unit, at, encrypt ? tweak : following);
        byte[] lent = Arrays.copyOfRange(unit, at, at + rest);
        System.arraycopy(unit, at + BLOCK_LENGTH, unit, at, rest);
        System.arraycopy(lent, 0, unit, at + BLOCK_LENGTH, rest);
        block(unit, at, encrypt ? following : tweak);
    }

    private void block(byte[] unit, int at, byte[] tweak) {
        for (int i = 0; i < BLOCK_LENGTH; i++) {
            unit[at + i] ^= tweak[i];
        }
        data.processBlock(unit, at, unit, at);
        for (int i = 0; i < BLOCK_LENGTH; i++) {
            unit[at + i] ^= tweak[i];
        }
    }

    private static byte[] next(byte[] tweak) {
        byte[] out = new byte[BLOCK_LENGTH];
        int carry = 0;
        for (int i = 0; i < BLOCK_LENGTH; i++) {
            out[i] = (byte) (tweak[i] << 1 | carry);
            carry = tweak[i] >> 7 & 1;
        }
        out[0] ^= (byte) (carry * REDUCTION);
        return out;
    }
}
