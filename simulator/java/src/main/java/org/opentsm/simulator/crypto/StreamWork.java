// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.StreamBlockCipher;
import org.bouncycastle.crypto.modes.CFBBlockCipher;
import org.bouncycastle.crypto.modes.SICBlockCipher;
import org.bouncycastle.crypto.params.ParametersWithIV;

/** CTR and CFB with full blocks of feedback (NIST SP 800-38A): any length, each byte as it comes. */
final class StreamWork implements CipherWork {

    private final StreamBlockCipher cipher;
    private final boolean encrypt;
    private final int blockLength;

    private StreamWork(StreamBlockCipher cipher, boolean encrypt, byte[] vector) {
        this.cipher = cipher;
        this.encrypt = encrypt;
        this.blockLength = vector.length;
        begin(vector);
    }

    /** @param block keyed for encryption */
    static StreamWork counter(BlockCipher block, byte[] vector) {
        return new StreamWork((StreamBlockCipher) SICBlockCipher.newInstance(block), true, vector);
    }

    /** @param block keyed for encryption */
    static StreamWork feedback(BlockCipher block, boolean encrypt, byte[] vector) {
        return new StreamWork(
                (StreamBlockCipher) CFBBlockCipher.newInstance(block, 8 * block.getBlockSize()), encrypt, vector);
    }

    private void begin(byte[] vector) {
        cipher.init(encrypt, new ParametersWithIV(null, vector));
    }

    @Override
    public byte[] update(byte[] in, int offset, int length) {
        byte[] out = new byte[length];
        cipher.processBytes(in, offset, length, out, 0);
        return out;
    }

    @Override
    public byte[] finish(byte[] in, int offset, int length) {
        byte[] out = update(in, offset, length);
        begin(new byte[blockLength]);
        return out;
    }
}
