// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacardx.crypto.Cipher;
import org.bouncycastle.crypto.BlockCipher;

/** ECB and CBC, with padding. */
final class BlockWork implements CipherWork {

    private final BlockCipher cipher;
    private final boolean encrypt;
    private final byte padding;
    private final int blockLength;
    /** The last ciphertext block, or null for ECB. */
    private final byte[] chain;

    private final byte[] kept;
    private int keptLength;

    /** @param vector null for ECB, else the initial vector, which is copied */
    BlockWork(BlockCipher cipher, boolean encrypt, byte padding, byte[] vector) {
        this.cipher = cipher;
        this.encrypt = encrypt;
        this.padding = padding;
        this.blockLength = cipher.getBlockSize();
        this.chain = vector == null ? null : vector.clone();
        this.kept = new byte[blockLength];
    }

    @Override
    public byte[] update(byte[] in, int offset, int length) {
        byte[] text = joined(in, offset, length);
        // The last block of a padded text holds its padding: it waits for the end.
        boolean holdsBack = !encrypt && padding != Cipher.PAD_NOPAD && padding != Cipher.PAD_ISO9797_M1;
        int whole = text.length / blockLength * blockLength;
        if (holdsBack && whole == text.length && whole > 0) {
            whole -= blockLength;
        }
        byte[] out = new byte[whole];
        process(text, 0, out, whole);
        keptLength = text.length - whole;
        System.arraycopy(text, whole, kept, 0, keptLength);
        return out;
    }

    @Override
    public byte[] finish(byte[] in, int offset, int length) {
        try {
            if (keptLength == 0 && padding == Cipher.PAD_NOPAD && length % blockLength == 0) {
                byte[] out = new byte[length];
                process(in, offset, out, length);
                return out;
            }
            byte[] text = joined(in, offset, length);
            if (encrypt) {
                text = Padding.pad(padding, text, text.length, blockLength);
            } else if (text.length % blockLength != 0) {
                throw Fault.illegalUse();
            }
            byte[] out = new byte[text.length];
            process(text, 0, out, text.length);
            return encrypt ? out : Arrays.copyOf(out, Padding.unpaddedLength(padding, out, out.length, blockLength));
        } finally {
            keptLength = 0;
            if (chain != null) {
                Arrays.fill(chain, (byte) 0);
            }
        }
    }

    private byte[] joined(byte[] in, int offset, int length) {
        byte[] text = new byte[keptLength + length];
        System.arraycopy(kept, 0, text, 0, keptLength);
        System.arraycopy(in, offset, text, keptLength, length);
        return text;
    }

    private void process(byte[] text, int from, byte[] out, int length) {
        for (int at = 0; at < length; at += blockLength) {
            if (chain != null && encrypt) {
                for (int i = 0; i < blockLength; i++) {
                    chain[i] ^= text[from + at + i];
                }
                cipher.processBlock(chain, 0, out, at);
                System.arraycopy(out, at, chain, 0, blockLength);
            } else {
                cipher.processBlock(text, from + at, out, at);
                for (int i = 0; chain != null && i < blockLength; i++) {
                    out[at + i] ^= chain[i];
                    chain[i] = text[from + at + i];
                }
            }
        }
    }
}
