// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.Key;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.engines.DESEngine;
import org.bouncycastle.crypto.engines.DESedeEngine;
import org.bouncycastle.crypto.engines.RijndaelEngine;
import org.bouncycastle.crypto.engines.SEEDEngine;
import org.bouncycastle.crypto.engines.SM4Engine;
import org.bouncycastle.crypto.params.KeyParameter;

/** Keyed block ciphers. */
enum BlockCiphers {
    DES(8),
    AES(16),
    SEED(16),
    SM4(16),
    /** What the API calls AES with a block of 192 or 256 bits is Rijndael. */
    RIJNDAEL_192(24),
    RIJNDAEL_256(32);

    private static final int SINGLE_DES_LENGTH = 8;

    final int blockLength;

    BlockCiphers(int blockLength) {
        this.blockLength = blockLength;
    }

    /**
     * @throws javacard.security.CryptoException ILLEGAL_VALUE when the key is of another algorithm, UNINITIALIZED_KEY
     */
    BlockCipher keyed(Key key, boolean encrypt) {
        byte[] bytes = key(key);
        BlockCipher cipher =
                switch (this) {
                    case DES -> bytes.length == SINGLE_DES_LENGTH ? new DESEngine() : new DESedeEngine();
                    case AES -> new AesBlocks();
                    case SEED -> new SEEDEngine();
                    case SM4 -> new SM4Engine();
                    case RIJNDAEL_192 -> new RijndaelEngine(192);
                    case RIJNDAEL_256 -> new RijndaelEngine(256);
                };
        return keyed(cipher, bytes, encrypt);
    }

    static BlockCipher keyed(BlockCipher cipher, byte[] key, boolean encrypt) {
        try {
            cipher.init(encrypt, new KeyParameter(key));
            return cipher;
        } catch (IllegalArgumentException e) {
            throw Fault.illegalValue();
        }
    }

    /** The key's bytes when it is one for this cipher. */
    byte[] key(Key key) {
        boolean fits =
                switch (this) {
                    case DES -> key instanceof SymmetricKey.Des;
                    case SEED -> key instanceof SymmetricKey.Seed;
                    case SM4 -> key instanceof SymmetricKey.Sm4;
                    default -> key instanceof SymmetricKey.Aes;
                };
        if (key == null) {
            throw new NullPointerException();
        }
        if (!fits) {
            throw Fault.illegalValue();
        }
        return ((SymmetricKey) key).bytes();
    }
}
