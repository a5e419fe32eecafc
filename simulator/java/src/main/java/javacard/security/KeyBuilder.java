// SPDX-License-Identifier: Apache-2.0
package javacard.security;

import org.opentsm.simulator.crypto.CardKey;
import org.opentsm.simulator.crypto.KeyFactory;
import org.opentsm.simulator.crypto.Lacking;

/** Makes key objects. */
public class KeyBuilder {

    public static final byte TYPE_DES_TRANSIENT_RESET = 1;
    public static final byte TYPE_DES_TRANSIENT_DESELECT = 2;
    public static final byte TYPE_DES = 3;
    public static final byte TYPE_RSA_PUBLIC = 4;
    public static final byte TYPE_RSA_PRIVATE = 5;
    public static final byte TYPE_RSA_CRT_PRIVATE = 6;
    public static final byte TYPE_DSA_PUBLIC = 7;
    public static final byte TYPE_DSA_PRIVATE = 8;
    public static final short LENGTH_DES = 64;
    public static final short LENGTH_DES3_2KEY = 128;
    public static final short LENGTH_DES3_3KEY = 192;
    public static final short LENGTH_RSA_512 = 512;
    public static final short LENGTH_RSA_768 = 768;
    public static final short LENGTH_RSA_1024 = 1024;
    public static final short LENGTH_RSA_2048 = 2048;
    public static final short LENGTH_DSA_512 = 512;
    public static final short LENGTH_DSA_768 = 768;
    public static final short LENGTH_DSA_1024 = 1024;
    public static final byte TYPE_EC_F2M_PUBLIC = 9;
    public static final byte TYPE_EC_F2M_PRIVATE = 10;
    public static final byte TYPE_EC_FP_PUBLIC = 11;
    public static final byte TYPE_EC_FP_PRIVATE = 12;
    public static final byte TYPE_AES_TRANSIENT_RESET = 13;
    public static final byte TYPE_AES_TRANSIENT_DESELECT = 14;
    public static final byte TYPE_AES = 15;
    public static final short LENGTH_RSA_736 = 736;
    public static final short LENGTH_RSA_896 = 896;
    public static final short LENGTH_RSA_1280 = 1280;
    public static final short LENGTH_RSA_1536 = 1536;
    public static final short LENGTH_RSA_1984 = 1984;
    public static final short LENGTH_EC_FP_112 = 112;
    public static final short LENGTH_EC_F2M_113 = 113;
    public static final short LENGTH_EC_FP_128 = 128;
    public static final short LENGTH_EC_F2M_131 = 131;
    public static final short LENGTH_EC_FP_160 = 160;
    public static final short LENGTH_EC_F2M_163 = 163;
    public static final short LENGTH_EC_FP_192 = 192;
    public static final short LENGTH_EC_F2M_193 = 193;
    public static final short LENGTH_AES_128 = 128;
    public static final short LENGTH_AES_192 = 192;
    public static final short LENGTH_AES_256 = 256;
    public static final byte TYPE_KOREAN_SEED_TRANSIENT_RESET = 16;
    public static final byte TYPE_KOREAN_SEED_TRANSIENT_DESELECT = 17;
    public static final byte TYPE_KOREAN_SEED = 18;
    public static final byte TYPE_HMAC_TRANSIENT_RESET = 19;
    public static final byte TYPE_HMAC_TRANSIENT_DESELECT = 20;
    public static final byte TYPE_HMAC = 21;
    public static final short LENGTH_KOREAN_SEED_128 = 128;
    public static final short LENGTH_HMAC_SHA_1_BLOCK_64 = 64;
    public static final short LENGTH_HMAC_SHA_256_BLOCK_64 = 64;
    public static final short LENGTH_HMAC_SHA_384_BLOCK_128 = 128;
    public static final short LENGTH_HMAC_SHA_512_BLOCK_128 = 128;
    public static final byte TYPE_RSA_PRIVATE_TRANSIENT_RESET = 22;
    public static final byte TYPE_RSA_PRIVATE_TRANSIENT_DESELECT = 23;
    public static final byte TYPE_RSA_CRT_PRIVATE_TRANSIENT_RESET = 24;
    public static final byte TYPE_RSA_CRT_PRIVATE_TRANSIENT_DESELECT = 25;
    public static final byte TYPE_DSA_PRIVATE_TRANSIENT_RESET = 26;
    public static final byte TYPE_DSA_PRIVATE_TRANSIENT_DESELECT = 27;
    public static final byte TYPE_EC_F2M_PRIVATE_TRANSIENT_RESET = 28;
    public static final byte TYPE_EC_F2M_PRIVATE_TRANSIENT_DESELECT = 29;
    public static final byte TYPE_EC_FP_PRIVATE_TRANSIENT_RESET = 30;
    public static final byte TYPE_EC_FP_PRIVATE_TRANSIENT_DESELECT = 31;
    public static final short LENGTH_RSA_4096 = 4096;
    public static final short LENGTH_EC_FP_224 = 224;
    public static final short LENGTH_EC_FP_256 = 256;
    public static final short LENGTH_EC_FP_384 = 384;
    public static final byte ALG_TYPE_DES = 1;
    public static final byte ALG_TYPE_AES = 2;
    public static final byte ALG_TYPE_DSA_PUBLIC = 3;
    public static final byte ALG_TYPE_DSA_PRIVATE = 4;
    public static final byte ALG_TYPE_EC_F2M_PUBLIC = 5;
    public static final byte ALG_TYPE_EC_F2M_PRIVATE = 6;
    public static final byte ALG_TYPE_EC_FP_PUBLIC = 7;
    public static final byte ALG_TYPE_EC_FP_PRIVATE = 8;
    public static final byte ALG_TYPE_HMAC = 9;
    public static final byte ALG_TYPE_KOREAN_SEED = 10;
    public static final byte ALG_TYPE_RSA_PUBLIC = 11;
    public static final byte ALG_TYPE_RSA_PRIVATE = 12;
    public static final byte ALG_TYPE_RSA_CRT_PRIVATE = 13;
    public static final short LENGTH_EC_FP_521 = 521;
    public static final byte TYPE_DH_PUBLIC = 32;
    public static final byte TYPE_DH_PUBLIC_TRANSIENT_DESELECT = 33;
    public static final byte TYPE_DH_PUBLIC_TRANSIENT_RESET = 34;
    public static final byte TYPE_DH_PRIVATE = 35;
    public static final byte TYPE_DH_PRIVATE_TRANSIENT_DESELECT = 36;
    public static final byte TYPE_DH_PRIVATE_TRANSIENT_RESET = 37;
    public static final byte ALG_TYPE_DH_PUBLIC = 14;
    public static final byte ALG_TYPE_DH_PRIVATE = 15;
    public static final byte ALG_TYPE_EC_F2M_PARAMETERS = 16;
    public static final byte ALG_TYPE_EC_FP_PARAMETERS = 17;
    public static final byte ALG_TYPE_DSA_PARAMETERS = 18;
    public static final byte ALG_TYPE_DH_PARAMETERS = 19;
    public static final short LENGTH_RSA_3072 = 3072;
    public static final short LENGTH_DH_1024 = 1024;
    public static final short LENGTH_DH_2048 = 2048;
    public static final byte TYPE_DH_PARAMETERS = 38;
    public static final byte TYPE_DSA_PARAMETERS = 39;
    public static final byte TYPE_EC_F2M_PARAMETERS = 40;
    public static final byte TYPE_EC_FP_PARAMETERS = 41;
    public static final byte TYPE_GENERIC_SECRET = 42;
    public static final byte TYPE_SM4 = 43;
    public static final byte TYPE_XEC = -1;
    public static final byte ALG_TYPE_GENERIC_SECRET = 20;
    public static final byte ALG_TYPE_SM4 = 21;
    public static final short LENGTH_AES_512 = 512;
    public static final short LENGTH_SM4 = 128;
    public static final short ATTR_PUBLIC = 0;
    public static final short ATTR_PRIVATE = -32768;

    KeyBuilder() {}

    /**
     * @param keyEncryption asks for a key with KeyEncryption, which all keys here have
     * @throws CryptoException NO_SUCH_ALGORITHM
     */
    public static Key buildKey(byte keyType, short keyLength, boolean keyEncryption) {
        Lacking.refuse(KeyBuilder.class, "TYPE_", keyType);
        if (keyType == TYPE_RSA_PUBLIC || keyType == TYPE_RSA_PRIVATE || keyType == TYPE_RSA_CRT_PRIVATE) {
            Lacking.refuse(KeyBuilder.class, "LENGTH_RSA_", keyLength);
        } else if (keyType >= TYPE_AES_TRANSIENT_RESET && keyType <= TYPE_AES) {
            Lacking.refuse(KeyBuilder.class, "LENGTH_AES_", keyLength);
        } else if (keyType >= TYPE_DES_TRANSIENT_RESET && keyType <= TYPE_DES) {
            Lacking.refuse(KeyBuilder.class, "LENGTH_DES", keyLength);
        }
        return KeyFactory.build(keyType, keyLength);
    }

    /** @throws CryptoException NO_SUCH_ALGORITHM */
    public static Key buildKey(byte algorithmicKeyType, byte keyMemoryType, short keyLength, boolean keyEncryption) {
        return KeyFactory.build(algorithmicKeyType, keyMemoryType, keyLength);
    }

    /** @throws CryptoException NO_SUCH_ALGORITHM, or ILLEGAL_VALUE for domain parameters of another kind */
    public static Key buildKeyWithSharedDomain(
            byte algorithmicKeyType, byte keyMemoryType, Key domainParameters, boolean keyEncryption) {
        return KeyFactory.buildShared(algorithmicKeyType, keyMemoryType, domainParameters);
    }

    /** @throws CryptoException NO_SUCH_ALGORITHM */
    public static Key buildXECKey(NamedParameterSpec params, short attributes, boolean keyEncryption) {
        return KeyFactory.buildNamed(params, attributes);
    }

    /** One of JCSystem's MEMORY_TYPE values. */
    public static byte getMemoryType(Key key) {
        return ((CardKey) key).memoryType();
    }
}
