// SPDX-License-Identifier: Apache-2.0
package javacardx.crypto;

import javacard.security.CryptoException;
import javacard.security.Key;
import org.opentsm.simulator.crypto.CipherEngine;
import org.opentsm.simulator.crypto.Lacking;

/**
 * A cipher.
 *
 * <p>What came with later versions of the class is not abstract: subclasses of applets do not have it.
 */
public abstract class Cipher {

    public static final byte ALG_DES_CBC_NOPAD = 1;
    public static final byte ALG_DES_CBC_ISO9797_M1 = 2;
    public static final byte ALG_DES_CBC_ISO9797_M2 = 3;
    public static final byte ALG_DES_CBC_PKCS5 = 4;
    public static final byte ALG_DES_ECB_NOPAD = 5;
    public static final byte ALG_DES_ECB_ISO9797_M1 = 6;
    public static final byte ALG_DES_ECB_ISO9797_M2 = 7;
    public static final byte ALG_DES_ECB_PKCS5 = 8;
    public static final byte ALG_RSA_ISO14888 = 9;
    public static final byte ALG_RSA_PKCS1 = 10;
    public static final byte ALG_RSA_ISO9796 = 11;
    public static final byte MODE_DECRYPT = 1;
    public static final byte MODE_ENCRYPT = 2;
    public static final byte ALG_RSA_NOPAD = 12;
    public static final byte ALG_AES_BLOCK_128_CBC_NOPAD = 13;
    public static final byte ALG_AES_BLOCK_128_ECB_NOPAD = 14;
    public static final byte ALG_RSA_PKCS1_OAEP = 15;
    public static final byte ALG_KOREAN_SEED_ECB_NOPAD = 16;
    public static final byte ALG_KOREAN_SEED_CBC_NOPAD = 17;
    public static final byte ALG_AES_BLOCK_192_CBC_NOPAD = 18;
    public static final byte ALG_AES_BLOCK_192_ECB_NOPAD = 19;
    public static final byte ALG_AES_BLOCK_256_CBC_NOPAD = 20;
    public static final byte ALG_AES_BLOCK_256_ECB_NOPAD = 21;
    public static final byte ALG_AES_CBC_ISO9797_M1 = 22;
    public static final byte ALG_AES_CBC_ISO9797_M2 = 23;
    public static final byte ALG_AES_CBC_PKCS5 = 24;
    public static final byte ALG_AES_ECB_ISO9797_M1 = 25;
    public static final byte ALG_AES_ECB_ISO9797_M2 = 26;
    public static final byte ALG_AES_ECB_PKCS5 = 27;
    public static final byte CIPHER_AES_CBC = 1;
    public static final byte CIPHER_AES_ECB = 2;
    public static final byte CIPHER_DES_CBC = 3;
    public static final byte CIPHER_DES_ECB = 4;
    public static final byte CIPHER_KOREAN_SEED_CBC = 5;
    public static final byte CIPHER_KOREAN_SEED_ECB = 6;
    public static final byte CIPHER_RSA = 7;
    public static final byte PAD_NULL = 0;
    public static final byte PAD_NOPAD = 1;
    public static final byte PAD_ISO9797_M1 = 2;
    public static final byte PAD_ISO9797_M2 = 3;
    public static final byte PAD_ISO9797_1_M1_ALG3 = 4;
    public static final byte PAD_ISO9797_1_M2_ALG3 = 5;
    public static final byte PAD_PKCS5 = 6;
    public static final byte PAD_PKCS1 = 7;
    public static final byte PAD_PKCS1_PSS = 8;
    public static final byte PAD_PKCS1_OAEP = 9;
    public static final byte PAD_ISO9796 = 10;
    public static final byte PAD_ISO9796_MR = 11;
    public static final byte PAD_RFC2409 = 12;
    public static final byte PAD_PKCS1_OAEP_SHA224 = 13;
    public static final byte PAD_PKCS1_OAEP_SHA256 = 14;
    public static final byte PAD_PKCS1_OAEP_SHA384 = 15;
    public static final byte PAD_PKCS1_OAEP_SHA512 = 16;
    public static final byte PAD_PKCS1_OAEP_SHA3_224 = 17;
    public static final byte PAD_PKCS1_OAEP_SHA3_256 = 18;
    public static final byte PAD_PKCS1_OAEP_SHA3_384 = 19;
    public static final byte PAD_PKCS1_OAEP_SHA3_512 = 20;
    public static final byte ALG_AES_CTR = -16;
    public static final byte CIPHER_AES_CTR = 8;
    public static final byte CIPHER_AES_CFB = 9;
    public static final byte CIPHER_AES_XTS = 10;
    public static final byte CIPHER_SM4_ECB = 11;
    public static final byte CIPHER_SM4_CBC = 12;
    public static final byte CIPHER_SM2 = 13;
    public static final byte PAD_ISO9796_MR_SCHEME_2 = 21;
    public static final byte PAD_ISO9796_MR_SCHEME_3 = 22;
    public static final byte PAD_PKCS1_PSS_EXT_PARAMETERS = 23;
    public static final byte PAD_PKCS1_OAEP_EXT_PARAMETERS = 24;
    public static final byte PAD_ISO9796_MR_SCHEME_1_OPT_2 = 25;
    public static final byte PAD_ISO9796_MR_SCHEME_2_OPT_2 = 26;
    public static final byte PAD_ISO9796_MR_SCHEME_3_OPT_2 = 27;
    public static final byte ALG_AES_CFB = 28;
    public static final byte ALG_AES_XTS = 29;

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Cipher getInstance(byte algorithm, boolean externalAccess) {
        Lacking.refuse(Cipher.class, "ALG_", algorithm);
        return CipherEngine.make(algorithm);
    }

    protected Cipher() {}

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Cipher getInstance(byte cipherAlgorithm, byte paddingAlgorithm, boolean externalAccess) {
        return CipherEngine.make(cipherAlgorithm, paddingAlgorithm);
    }

    public abstract short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset);

    public abstract byte getAlgorithm();

    public abstract void init(Key key, byte mode);

    public abstract void init(Key key, byte mode, byte[] buffer, short offset, short length);

    public abstract short update(byte[] in, short inOffset, short inLength, byte[] out, short outOffset);

    public byte getCipherAlgorithm() {
        throw new CryptoException(CryptoException.ILLEGAL_USE);
    }

    public byte getPaddingAlgorithm() {
        throw new CryptoException(CryptoException.ILLEGAL_USE);
    }

    /** A cipher for one use. */
    public static final class OneShot extends Cipher {

        private Cipher engine;

        private OneShot(Cipher engine) {
            this.engine = engine;
        }

        /** @throws CryptoException NO_SUCH_ALGORITHM */
        public static OneShot open(byte cipherAlgorithm, byte paddingAlgorithm) {
            return new OneShot(Cipher.getInstance(cipherAlgorithm, paddingAlgorithm, false));
        }

        @Override
        public byte getAlgorithm() {
            return engine.getAlgorithm();
        }

        @Override
        public byte getCipherAlgorithm() {
            return engine.getCipherAlgorithm();
        }

        @Override
        public byte getPaddingAlgorithm() {
            return engine.getPaddingAlgorithm();
        }

        @Override
        public void init(Key key, byte mode) {
            engine.init(key, mode);
        }

        @Override
        public void init(Key key, byte mode, byte[] buffer, short offset, short length) {
            engine.init(key, mode, buffer, offset, length);
        }

        /** Always ILLEGAL_USE: the whole text goes to doFinal(). */
        @Override
        public short update(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
            throw new CryptoException(CryptoException.ILLEGAL_USE);
        }

        @Override
        public short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
            return engine.doFinal(in, inOffset, inLength, out, outOffset);
        }

        /** Gives the object back; it must not be used after this. */
        public void close() {
            engine = null;
        }
    }
}
