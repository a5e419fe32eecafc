// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.security.GeneralSecurityException;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.params.KeyParameter;

/**
 * AES block by block: BouncyCastle's for a key that is new, since it is ready at once, and the Java machine's, which
 * has the processor's instructions and takes longer to begin, for one that stays in use.
 */
final class AesBlocks implements BlockCipher {

    private static final int LENGTH = 16;
    /** What the other one takes to begin is about what it saves in so many blocks. */
    private static final int NEW = 32;

    private final BlockCipher ready = AESEngine.newInstance();
    private javax.crypto.Cipher quick;
    private boolean encrypt;
    private byte[] key;
    private int seen;

    @Override
    public void init(boolean forEncryption, CipherParameters parameters) {
        ready.init(forEncryption, parameters);
        encrypt = forEncryption;
        key = ((KeyParameter) parameters).getKey();
        quick = null;
        seen = 0;
    }

    @Override
    public String getAlgorithmName() {
        return ready.getAlgorithmName();
    }

    @Override
    public int getBlockSize() {
        return LENGTH;
    }

    @Override
    public int processBlock(byte[] in, int inOffset, byte[] out, int outOffset) {
        if (seen <= NEW && ++seen > NEW) {
            quick = begin();
        }
        if (quick == null) {
            return ready.processBlock(in, inOffset, out, outOffset);
        }
        try {
            return quick.update(in, inOffset, LENGTH, out, outOffset);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Null on a machine that has none. */
    private javax.crypto.Cipher begin() {
        try {
            javax.crypto.Cipher made = javax.crypto.Cipher.getInstance("AES/ECB/NoPadding");
            int mode = encrypt ? javax.crypto.Cipher.ENCRYPT_MODE : javax.crypto.Cipher.DECRYPT_MODE;
            made.init(mode, new SecretKeySpec(key, "AES"));
            return made;
        } catch (GeneralSecurityException e) {
            return null;
        }
    }

    @Override
    public void reset() {
        ready.reset();
    }
}
