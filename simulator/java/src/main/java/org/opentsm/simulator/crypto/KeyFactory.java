// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.framework.JCSystem;
import javacard.security.Key;
import javacard.security.KeyBuilder;
import javacard.security.NamedParameterSpec;

/** Key objects by KeyBuilder's constants. */
public final class KeyFactory {

    private static final int MIN_RSA_BITS = 512;
    private static final int MAX_RSA_BITS = 4096;
    private static final int RSA_STEP_BITS = 32;
    private static final int MAX_SECRET_LENGTH = 2048;
    private static final byte RESET = JCSystem.MEMORY_TYPE_TRANSIENT_RESET;
    private static final byte DESELECT = JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT;
    private static final byte LASTING = JCSystem.MEMORY_TYPE_PERSISTENT;

    /** Key type, algorithmic type, memory. The first row of an algorithmic type is its persistent one. */
    private static final byte[][] TYPES = {
        {KeyBuilder.TYPE_DES, KeyBuilder.ALG_TYPE_DES, LASTING},
        {KeyBuilder.TYPE_DES_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_DES, RESET},
        {KeyBuilder.TYPE_DES_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_DES, DESELECT},
        {KeyBuilder.TYPE_AES, KeyBuilder.ALG_TYPE_AES, LASTING},
        {KeyBuilder.TYPE_AES_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_AES, RESET},
        {KeyBuilder.TYPE_AES_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_AES, DESELECT},
        {KeyBuilder.TYPE_KOREAN_SEED, KeyBuilder.ALG_TYPE_KOREAN_SEED, LASTING},
        {KeyBuilder.TYPE_KOREAN_SEED_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_KOREAN_SEED, RESET},
        {KeyBuilder.TYPE_KOREAN_SEED_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_KOREAN_SEED, DESELECT},
        {KeyBuilder.TYPE_HMAC, KeyBuilder.ALG_TYPE_HMAC, LASTING},
        {KeyBuilder.TYPE_HMAC_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_HMAC, RESET},
        {KeyBuilder.TYPE_HMAC_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_HMAC, DESELECT},
        {KeyBuilder.TYPE_GENERIC_SECRET, KeyBuilder.ALG_TYPE_GENERIC_SECRET, LASTING},
        {KeyBuilder.TYPE_SM4, KeyBuilder.ALG_TYPE_SM4, LASTING},
        {KeyBuilder.TYPE_RSA_PUBLIC, KeyBuilder.ALG_TYPE_RSA_PUBLIC, LASTING},
        {KeyBuilder.TYPE_RSA_PRIVATE, KeyBuilder.ALG_TYPE_RSA_PRIVATE, LASTING},
        {KeyBuilder.TYPE_RSA_PRIVATE_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_RSA_PRIVATE, RESET},
        {KeyBuilder.TYPE_RSA_PRIVATE_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_RSA_PRIVATE, DESELECT},
        {KeyBuilder.TYPE_RSA_CRT_PRIVATE, KeyBuilder.ALG_TYPE_RSA_CRT_PRIVATE, LASTING},
        {KeyBuilder.TYPE_RSA_CRT_PRIVATE_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_RSA_CRT_PRIVATE, RESET},
        {KeyBuilder.TYPE_RSA_CRT_PRIVATE_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_RSA_CRT_PRIVATE, DESELECT},
        {KeyBuilder.TYPE_DSA_PUBLIC, KeyBuilder.ALG_TYPE_DSA_PUBLIC, LASTING},
        {KeyBuilder.TYPE_DSA_PRIVATE, KeyBuilder.ALG_TYPE_DSA_PRIVATE, LASTING},
        {KeyBuilder.TYPE_DSA_PRIVATE_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_DSA_PRIVATE, RESET},
        {KeyBuilder.TYPE_DSA_PRIVATE_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_DSA_PRIVATE, DESELECT},
        {KeyBuilder.TYPE_DSA_PARAMETERS, KeyBuilder.ALG_TYPE_DSA_PARAMETERS, LASTING},
        {KeyBuilder.TYPE_EC_F2M_PUBLIC, KeyBuilder.ALG_TYPE_EC_F2M_PUBLIC, LASTING},
        {KeyBuilder.TYPE_EC_F2M_PRIVATE, KeyBuilder.ALG_TYPE_EC_F2M_PRIVATE, LASTING},
        {KeyBuilder.TYPE_EC_F2M_PRIVATE_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_EC_F2M_PRIVATE, RESET},
        {KeyBuilder.TYPE_EC_F2M_PRIVATE_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_EC_F2M_PRIVATE, DESELECT},
        {KeyBuilder.TYPE_EC_F2M_PARAMETERS, KeyBuilder.ALG_TYPE_EC_F2M_PARAMETERS, LASTING},
        {KeyBuilder.TYPE_EC_FP_PUBLIC, KeyBuilder.ALG_TYPE_EC_FP_PUBLIC, LASTING},
        {KeyBuilder.TYPE_EC_FP_PRIVATE, KeyBuilder.ALG_TYPE_EC_FP_PRIVATE, LASTING},
        {KeyBuilder.TYPE_EC_FP_PRIVATE_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_EC_FP_PRIVATE, RESET},
        {KeyBuilder.TYPE_EC_FP_PRIVATE_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_EC_FP_PRIVATE, DESELECT},
        {KeyBuilder.TYPE_EC_FP_PARAMETERS, KeyBuilder.ALG_TYPE_EC_FP_PARAMETERS, LASTING},
        {KeyBuilder.TYPE_DH_PUBLIC, KeyBuilder.ALG_TYPE_DH_PUBLIC, LASTING},
        {KeyBuilder.TYPE_DH_PUBLIC_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_DH_PUBLIC, RESET},
        {KeyBuilder.TYPE_DH_PUBLIC_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_DH_PUBLIC, DESELECT},
        {KeyBuilder.TYPE_DH_PRIVATE, KeyBuilder.ALG_TYPE_DH_PRIVATE, LASTING},
        {KeyBuilder.TYPE_DH_PRIVATE_TRANSIENT_RESET, KeyBuilder.ALG_TYPE_DH_PRIVATE, RESET},
        {KeyBuilder.TYPE_DH_PRIVATE_TRANSIENT_DESELECT, KeyBuilder.ALG_TYPE_DH_PRIVATE, DESELECT},
        {KeyBuilder.TYPE_DH_PARAMETERS, KeyBuilder.ALG_TYPE_DH_PARAMETERS, LASTING},
    };

    private KeyFactory() {}

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Key build(byte type, short length) {
        for (byte[] row : TYPES) {
            if (row[0] == type) {
                return make(type, row[1], row[2], length, null);
            }
        }
        throw Fault.noSuchAlgorithm();
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Key build(byte algorithmicType, byte memory, short length) {
        return make(keyType(algorithmicType, memory), algorithmicType, memory, length, null);
    }

    /**
     * A key that shares its domain parameters with another, or with a parameters object.
     *
     * @throws javacard.security.CryptoException NO_SUCH_ALGORITHM, ILLEGAL_VALUE when the domain is of another kind
     */
    public static Key buildShared(byte algorithmicType, byte memory, Key domain) {
        byte type = keyType(algorithmicType, memory);
        if (domain == null) {
            throw Fault.illegalValue();
        }
        return make(type, algorithmicType, memory, domain.getSize(), domain);
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Key buildNamed(NamedParameterSpec parameters, short attributes) {
        byte memory = (byte) attributes;
        if (!XecKey.supports(parameters.getName()) || !isMemory(memory)) {
            throw Fault.noSuchAlgorithm();
        }
        return (attributes & KeyBuilder.ATTR_PRIVATE) != 0
                ? new XecKey.Private(parameters.getName(), memory)
                : new XecKey.Public(parameters.getName(), memory);
    }

    /** True for a name of NamedParameterSpec. */
    public static boolean isNamed(short name) {
        return XecKey.supports(name);
    }

    private static boolean isMemory(byte memory) {
        return memory == LASTING || memory == RESET || memory == DESELECT;
    }

    /** The key type of an algorithmic type and a memory; one without constant has that of the persistent key. */
    private static byte keyType(byte algorithmicType, byte memory) {
        byte persistent = 0;
        for (byte[] row : TYPES) {
            if (row[1] == algorithmicType && row[2] == memory) {
                return row[0];
            }
            if (row[1] == algorithmicType && persistent == 0) {
                persistent = row[0];
            }
        }
        if (persistent == 0 || !isMemory(memory)) {
            throw Fault.noSuchAlgorithm();
        }
        return persistent;
    }

    private static Key make(byte type, byte algorithmicType, byte memory, short length, Key domain) {
        return switch (algorithmicType) {
            case KeyBuilder.ALG_TYPE_DES,
                    KeyBuilder.ALG_TYPE_AES,
                    KeyBuilder.ALG_TYPE_KOREAN_SEED,
                    KeyBuilder.ALG_TYPE_SM4,
                    KeyBuilder.ALG_TYPE_HMAC,
                    KeyBuilder.ALG_TYPE_GENERIC_SECRET -> secret(type, algorithmicType, memory, length, domain);
            case KeyBuilder.ALG_TYPE_RSA_PUBLIC, KeyBuilder.ALG_TYPE_RSA_PRIVATE, KeyBuilder.ALG_TYPE_RSA_CRT_PRIVATE ->
                rsa(type, algorithmicType, memory, length, domain);
            case KeyBuilder.ALG_TYPE_EC_FP_PUBLIC,
                    KeyBuilder.ALG_TYPE_EC_FP_PRIVATE,
                    KeyBuilder.ALG_TYPE_EC_FP_PARAMETERS -> curve(type, algorithmicType, memory, length, domain, false);
            case KeyBuilder.ALG_TYPE_EC_F2M_PUBLIC,
                    KeyBuilder.ALG_TYPE_EC_F2M_PRIVATE,
                    KeyBuilder.ALG_TYPE_EC_F2M_PARAMETERS -> curve(type, algorithmicType, memory, length, domain, true);
            default -> group(type, algorithmicType, memory, length, domain);
        };
    }

    private static void require(boolean supported) {
        if (!supported) {
            throw Fault.noSuchAlgorithm();
        }
    }

    private static Key secret(byte type, byte algorithmicType, byte memory, short length, Key domain) {
        require(domain == null);
        switch (algorithmicType) {
            case KeyBuilder.ALG_TYPE_DES:
                require(length == KeyBuilder.LENGTH_DES
                        || length == KeyBuilder.LENGTH_DES3_2KEY
                        || length == KeyBuilder.LENGTH_DES3_3KEY);
                return new SymmetricKey.Des(type, length, memory);
            case KeyBuilder.ALG_TYPE_AES:
                require(length == KeyBuilder.LENGTH_AES_128
                        || length == KeyBuilder.LENGTH_AES_192
                        || length == KeyBuilder.LENGTH_AES_256
                        || length == KeyBuilder.LENGTH_AES_512);
                return new SymmetricKey.Aes(type, length, memory);
            case KeyBuilder.ALG_TYPE_KOREAN_SEED:
                require(length == KeyBuilder.LENGTH_KOREAN_SEED_128);
                return new SymmetricKey.Seed(type, length, memory);
            case KeyBuilder.ALG_TYPE_SM4:
                require(length == KeyBuilder.LENGTH_SM4);
                return new SymmetricKey.Sm4(type, length, memory);
            case KeyBuilder.ALG_TYPE_HMAC:
                require(length >= 1 && length <= 8 * KeyBuilder.LENGTH_HMAC_SHA_512_BLOCK_128);
                return new SymmetricKey.Hmac(type, length, memory);
            default:
                require(length >= 1 && length <= 8 * MAX_SECRET_LENGTH);
                return new SymmetricKey.Generic(type, length, memory);
        }
    }

    private static Key rsa(byte type, byte algorithmicType, byte memory, short length, Key domain) {
        require(domain == null && length >= MIN_RSA_BITS && length <= MAX_RSA_BITS && length % RSA_STEP_BITS == 0);
        return switch (algorithmicType) {
            case KeyBuilder.ALG_TYPE_RSA_PUBLIC -> new RsaKey.Public(type, length, memory);
            case KeyBuilder.ALG_TYPE_RSA_PRIVATE -> new RsaKey.Private(type, length, memory);
            default -> new RsaKey.Crt(type, length, memory);
        };
    }

    private static Key curve(byte type, byte algorithmicType, byte memory, short length, Key domain, boolean binary) {
        require(Curves.supports(length, binary));
        EcKey shared = domain == null
                ? null
                : domain instanceof EcKey key && key.domain().isBinary() == binary ? key : mismatch();
        return switch (algorithmicType) {
            case KeyBuilder.ALG_TYPE_EC_FP_PUBLIC, KeyBuilder.ALG_TYPE_EC_F2M_PUBLIC ->
                new EcKey.Public(type, length, memory, binary, shared);
            case KeyBuilder.ALG_TYPE_EC_FP_PRIVATE, KeyBuilder.ALG_TYPE_EC_F2M_PRIVATE ->
                new EcKey.Private(type, length, memory, binary, shared);
            default -> new EcKey(type, length, memory, binary, shared, 0);
        };
    }

    private static Key group(byte type, byte algorithmicType, byte memory, short length, Key domain) {
        boolean dsa = algorithmicType == KeyBuilder.ALG_TYPE_DSA_PUBLIC
                || algorithmicType == KeyBuilder.ALG_TYPE_DSA_PRIVATE
                || algorithmicType == KeyBuilder.ALG_TYPE_DSA_PARAMETERS;
        require(dsa ? Groups.hasDsa(length) : Groups.hasDh(length));
        GroupKey shared =
                domain == null ? null : domain instanceof GroupKey key && key.needsQ() == dsa ? key : mismatch();
        return switch (algorithmicType) {
            case KeyBuilder.ALG_TYPE_DSA_PUBLIC -> new GroupKey.DsaPublic(type, length, memory, shared);
            case KeyBuilder.ALG_TYPE_DSA_PRIVATE -> new GroupKey.DsaPrivate(type, length, memory, shared);
            case KeyBuilder.ALG_TYPE_DSA_PARAMETERS -> new GroupKey.Dsa(type, length, memory, shared, false);
            case KeyBuilder.ALG_TYPE_DH_PUBLIC -> new GroupKey.DhPublic(type, length, memory, shared);
            case KeyBuilder.ALG_TYPE_DH_PRIVATE -> new GroupKey.DhPrivate(type, length, memory, shared);
            default -> new GroupKey.Dh(type, length, memory, shared, false);
        };
    }

    private static <T> T mismatch() {
        throw Fault.illegalValue();
    }
}
