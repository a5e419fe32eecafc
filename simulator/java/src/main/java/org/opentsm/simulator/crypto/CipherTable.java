// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.security.Key;
import javacardx.crypto.Cipher;
import org.bouncycastle.crypto.BlockCipher;

/** Which constants stand for which cipher and padding. */
final class CipherTable {

    /** Rijndael has an algorithm constant and no cipher constant; these two are never told. */
    private static final byte RIJNDAEL_192_CBC = 101;

    private static final byte RIJNDAEL_192_ECB = 102;
    private static final byte RIJNDAEL_256_CBC = 103;
    private static final byte RIJNDAEL_256_ECB = 104;

    /** Algorithm, cipher, padding. */
    static final byte[][] ROWS = {
        {Cipher.ALG_DES_CBC_NOPAD, Cipher.CIPHER_DES_CBC, Cipher.PAD_NOPAD},
        {Cipher.ALG_DES_CBC_ISO9797_M1, Cipher.CIPHER_DES_CBC, Cipher.PAD_ISO9797_M1},
        {Cipher.ALG_DES_CBC_ISO9797_M2, Cipher.CIPHER_DES_CBC, Cipher.PAD_ISO9797_M2},
        {Cipher.ALG_DES_CBC_PKCS5, Cipher.CIPHER_DES_CBC, Cipher.PAD_PKCS5},
        {Cipher.ALG_DES_ECB_NOPAD, Cipher.CIPHER_DES_ECB, Cipher.PAD_NOPAD},
        {Cipher.ALG_DES_ECB_ISO9797_M1, Cipher.CIPHER_DES_ECB, Cipher.PAD_ISO9797_M1},
        {Cipher.ALG_DES_ECB_ISO9797_M2, Cipher.CIPHER_DES_ECB, Cipher.PAD_ISO9797_M2},
        {Cipher.ALG_DES_ECB_PKCS5, Cipher.CIPHER_DES_ECB, Cipher.PAD_PKCS5},
        {Cipher.ALG_RSA_PKCS1, Cipher.CIPHER_RSA, Cipher.PAD_PKCS1},
        {Cipher.ALG_RSA_ISO9796, Cipher.CIPHER_RSA, Cipher.PAD_ISO9796},
        {Cipher.ALG_RSA_NOPAD, Cipher.CIPHER_RSA, Cipher.PAD_NOPAD},
        {Cipher.ALG_RSA_PKCS1_OAEP, Cipher.CIPHER_RSA, Cipher.PAD_PKCS1_OAEP},
        {Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, Cipher.CIPHER_AES_CBC, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, Cipher.CIPHER_AES_ECB, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_BLOCK_192_CBC_NOPAD, RIJNDAEL_192_CBC, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_BLOCK_192_ECB_NOPAD, RIJNDAEL_192_ECB, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_BLOCK_256_CBC_NOPAD, RIJNDAEL_256_CBC, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_BLOCK_256_ECB_NOPAD, RIJNDAEL_256_ECB, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_CBC_ISO9797_M1, Cipher.CIPHER_AES_CBC, Cipher.PAD_ISO9797_M1},
        {Cipher.ALG_AES_CBC_ISO9797_M2, Cipher.CIPHER_AES_CBC, Cipher.PAD_ISO9797_M2},
        {Cipher.ALG_AES_CBC_PKCS5, Cipher.CIPHER_AES_CBC, Cipher.PAD_PKCS5},
        {Cipher.ALG_AES_ECB_ISO9797_M1, Cipher.CIPHER_AES_ECB, Cipher.PAD_ISO9797_M1},
        {Cipher.ALG_AES_ECB_ISO9797_M2, Cipher.CIPHER_AES_ECB, Cipher.PAD_ISO9797_M2},
        {Cipher.ALG_AES_ECB_PKCS5, Cipher.CIPHER_AES_ECB, Cipher.PAD_PKCS5},
        {Cipher.ALG_KOREAN_SEED_ECB_NOPAD, Cipher.CIPHER_KOREAN_SEED_ECB, Cipher.PAD_NOPAD},
        {Cipher.ALG_KOREAN_SEED_CBC_NOPAD, Cipher.CIPHER_KOREAN_SEED_CBC, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_CTR, Cipher.CIPHER_AES_CTR, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_CFB, Cipher.CIPHER_AES_CFB, Cipher.PAD_NOPAD},
        {Cipher.ALG_AES_XTS, Cipher.CIPHER_AES_XTS, Cipher.PAD_NOPAD},
    };

    private CipherTable() {}

    static boolean supports(byte cipher, byte padding) {
        return switch (cipher) {
            case Cipher.CIPHER_AES_CBC,
                    Cipher.CIPHER_AES_ECB,
                    Cipher.CIPHER_DES_CBC,
                    Cipher.CIPHER_DES_ECB,
                    Cipher.CIPHER_KOREAN_SEED_CBC,
                    Cipher.CIPHER_KOREAN_SEED_ECB,
                    Cipher.CIPHER_SM4_ECB,
                    Cipher.CIPHER_SM4_CBC -> Padding.supports(padding);
            case Cipher.CIPHER_AES_CTR, Cipher.CIPHER_AES_CFB, Cipher.CIPHER_AES_XTS ->
                padding == Cipher.PAD_NOPAD || padding == Cipher.PAD_NULL;
            case Cipher.CIPHER_RSA -> RsaWork.supports(padding);
            default -> false;
        };
    }

    /** The algorithm constant of a pair, or 0. */
    static byte algorithm(byte cipher, byte padding) {
        for (byte[] row : ROWS) {
            if (row[1] == cipher && row[2] == padding) {
                return row[0];
            }
        }
        return 0;
    }

    static byte reported(byte cipher) {
        return cipher >= RIJNDAEL_192_CBC ? 0 : cipher;
    }

    /** Bytes of the initial vector; 0 where there is none. */
    static int vectorLength(byte cipher) {
        return switch (cipher) {
            case Cipher.CIPHER_AES_CTR, Cipher.CIPHER_AES_CFB, Cipher.CIPHER_AES_XTS -> BlockCiphers.AES.blockLength;
            case Cipher.CIPHER_AES_CBC,
                    Cipher.CIPHER_DES_CBC,
                    Cipher.CIPHER_KOREAN_SEED_CBC,
                    Cipher.CIPHER_SM4_CBC,
                    RIJNDAEL_192_CBC,
                    RIJNDAEL_256_CBC -> block(cipher).blockLength;
            default -> 0;
        };
    }

    private static BlockCiphers block(byte cipher) {
        return switch (cipher) {
            case Cipher.CIPHER_DES_CBC, Cipher.CIPHER_DES_ECB -> BlockCiphers.DES;
            case Cipher.CIPHER_KOREAN_SEED_CBC, Cipher.CIPHER_KOREAN_SEED_ECB -> BlockCiphers.SEED;
            case Cipher.CIPHER_SM4_CBC, Cipher.CIPHER_SM4_ECB -> BlockCiphers.SM4;
            case RIJNDAEL_192_CBC, RIJNDAEL_192_ECB -> BlockCiphers.RIJNDAEL_192;
            case RIJNDAEL_256_CBC, RIJNDAEL_256_ECB -> BlockCiphers.RIJNDAEL_256;
            default -> BlockCiphers.AES;
        };
    }

    /** @param given the initial vector, or null for zeros where there is one */
    static CipherWork work(byte cipher, byte padding, Key key, boolean encrypt, byte[] given) {
        if (cipher == Cipher.CIPHER_RSA) {
            if (!(key instanceof RsaKey rsa)) {
                throw Fault.illegalValue();
            }
            return new RsaWork(rsa.numbers(), padding, encrypt);
        }
        int vectorLength = vectorLength(cipher);
        byte[] vector = vectorLength == 0 ? null : given == null ? new byte[vectorLength] : given;
        BlockCiphers block = block(cipher);
        return switch (cipher) {
            case Cipher.CIPHER_AES_CTR -> StreamWork.counter(block.keyed(key, true), vector);
            case Cipher.CIPHER_AES_CFB -> StreamWork.feedback(block.keyed(key, true), encrypt, vector);
            case Cipher.CIPHER_AES_XTS -> xts(block.key(key), encrypt, vector);
            default -> new BlockWork(block.keyed(key, encrypt), encrypt, padding, vector);
        };
    }

    private static CipherWork xts(byte[] key, boolean encrypt, byte[] vector) {
        int half = key.length / 2;
        BlockCipher data = BlockCiphers.keyed(new AesBlocks(), Arrays.copyOf(key, half), encrypt);
        BlockCipher tweaks = BlockCiphers.keyed(new AesBlocks(), Arrays.copyOfRange(key, half, key.length), true);
        return new XtsWork(data, tweaks, encrypt, vector);
    }
}
