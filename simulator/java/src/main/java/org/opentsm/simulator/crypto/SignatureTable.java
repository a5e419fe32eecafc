// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.Key;
import javacard.security.MessageDigest;
import javacard.security.NamedParameterSpec;
import javacard.security.PrivateKey;
import javacard.security.PublicKey;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/** Which constants stand for which digest, cipher and padding. */
final class SignatureTable {

    /** Rijndael has an algorithm constant and no cipher constant; these two are never told. */
    private static final byte RIJNDAEL_192_MAC = 101;

    private static final byte RIJNDAEL_256_MAC = 102;

    private static final byte NO_DIGEST = MessageDigest.ALG_NULL;

    private SignatureTable() {}

    /** An algorithm constant with its parts. */
    record Row(byte algorithm, byte digest, byte cipher, byte padding) {
        byte reportedCipher() {
            return cipher >= RIJNDAEL_192_MAC ? 0 : cipher;
        }

        boolean recoversMessage() {
            return padding != Cipher.PAD_ISO9796 && Iso9796Scheme.isIts(padding);
        }
    }

    private static final Row[] ROWS = {
        mac(Signature.ALG_DES_MAC4_NOPAD, Signature.SIG_CIPHER_DES_MAC4, Cipher.PAD_NOPAD),
        mac(Signature.ALG_DES_MAC8_NOPAD, Signature.SIG_CIPHER_DES_MAC8, Cipher.PAD_NOPAD),
        mac(Signature.ALG_DES_MAC4_ISO9797_M1, Signature.SIG_CIPHER_DES_MAC4, Cipher.PAD_ISO9797_M1),
        mac(Signature.ALG_DES_MAC8_ISO9797_M1, Signature.SIG_CIPHER_DES_MAC8, Cipher.PAD_ISO9797_M1),
        mac(Signature.ALG_DES_MAC4_ISO9797_M2, Signature.SIG_CIPHER_DES_MAC4, Cipher.PAD_ISO9797_M2),
        mac(Signature.ALG_DES_MAC8_ISO9797_M2, Signature.SIG_CIPHER_DES_MAC8, Cipher.PAD_ISO9797_M2),
        mac(Signature.ALG_DES_MAC4_PKCS5, Signature.SIG_CIPHER_DES_MAC4, Cipher.PAD_PKCS5),
        mac(Signature.ALG_DES_MAC8_PKCS5, Signature.SIG_CIPHER_DES_MAC8, Cipher.PAD_PKCS5),
        mac(Signature.ALG_DES_MAC4_ISO9797_1_M1_ALG3, Signature.SIG_CIPHER_DES_MAC4, Cipher.PAD_ISO9797_1_M1_ALG3),
        mac(Signature.ALG_DES_MAC8_ISO9797_1_M1_ALG3, Signature.SIG_CIPHER_DES_MAC8, Cipher.PAD_ISO9797_1_M1_ALG3),
        mac(Signature.ALG_DES_MAC4_ISO9797_1_M2_ALG3, Signature.SIG_CIPHER_DES_MAC4, Cipher.PAD_ISO9797_1_M2_ALG3),
        mac(Signature.ALG_DES_MAC8_ISO9797_1_M2_ALG3, Signature.SIG_CIPHER_DES_MAC8, Cipher.PAD_ISO9797_1_M2_ALG3),
        mac(Signature.ALG_AES_MAC_128_NOPAD, Signature.SIG_CIPHER_AES_MAC128, Cipher.PAD_NOPAD),
        mac(Signature.ALG_AES_MAC_192_NOPAD, RIJNDAEL_192_MAC, Cipher.PAD_NOPAD),
        mac(Signature.ALG_AES_MAC_256_NOPAD, RIJNDAEL_256_MAC, Cipher.PAD_NOPAD),
        mac(Signature.ALG_KOREAN_SEED_MAC_NOPAD, Signature.SIG_CIPHER_KOREAN_SEED_MAC, Cipher.PAD_NOPAD),
        mac(Signature.ALG_AES_CMAC_128, Signature.SIG_CIPHER_AES_CMAC128, Cipher.PAD_NULL),
        rsa(Signature.ALG_RSA_SHA_ISO9796, MessageDigest.ALG_SHA, Cipher.PAD_ISO9796),
        rsa(Signature.ALG_RSA_RIPEMD160_ISO9796, MessageDigest.ALG_RIPEMD160, Cipher.PAD_ISO9796),
        rsa(Signature.ALG_RSA_SHA_ISO9796_MR, MessageDigest.ALG_SHA, Cipher.PAD_ISO9796_MR),
        rsa(Signature.ALG_RSA_RIPEMD160_ISO9796_MR, MessageDigest.ALG_RIPEMD160, Cipher.PAD_ISO9796_MR),
        rsa(Signature.ALG_RSA_SHA_RFC2409, MessageDigest.ALG_SHA, Cipher.PAD_RFC2409),
        rsa(Signature.ALG_RSA_MD5_RFC2409, MessageDigest.ALG_MD5, Cipher.PAD_RFC2409),
        rsa(Signature.ALG_RSA_SHA_PKCS1, MessageDigest.ALG_SHA, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_MD5_PKCS1, MessageDigest.ALG_MD5, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_RIPEMD160_PKCS1, MessageDigest.ALG_RIPEMD160, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_SHA_224_PKCS1, MessageDigest.ALG_SHA_224, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_SHA_256_PKCS1, MessageDigest.ALG_SHA_256, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_SHA_384_PKCS1, MessageDigest.ALG_SHA_384, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_SHA_512_PKCS1, MessageDigest.ALG_SHA_512, Cipher.PAD_PKCS1),
        rsa(Signature.ALG_RSA_SHA_PKCS1_PSS, MessageDigest.ALG_SHA, Cipher.PAD_PKCS1_PSS),
        rsa(Signature.ALG_RSA_MD5_PKCS1_PSS, MessageDigest.ALG_MD5, Cipher.PAD_PKCS1_PSS),
        rsa(Signature.ALG_RSA_RIPEMD160_PKCS1_PSS, MessageDigest.ALG_RIPEMD160, Cipher.PAD_PKCS1_PSS),
        rsa(Signature.ALG_RSA_SHA_224_PKCS1_PSS, MessageDigest.ALG_SHA_224, Cipher.PAD_PKCS1_PSS),
        rsa(Signature.ALG_RSA_SHA_256_PKCS1_PSS, MessageDigest.ALG_SHA_256, Cipher.PAD_PKCS1_PSS),
        rsa(Signature.ALG_RSA_SHA_384_PKCS1_PSS, MessageDigest.ALG_SHA_384, Cipher.PAD_PKCS1_PSS),
        rsa(Signature.ALG_RSA_SHA_512_PKCS1_PSS, MessageDigest.ALG_SHA_512, Cipher.PAD_PKCS1_PSS),
        hash(Signature.ALG_DSA_SHA, MessageDigest.ALG_SHA, Signature.SIG_CIPHER_DSA),
        hash(Signature.ALG_ECDSA_SHA, MessageDigest.ALG_SHA, Signature.SIG_CIPHER_ECDSA),
        hash(Signature.ALG_ECDSA_SHA_224, MessageDigest.ALG_SHA_224, Signature.SIG_CIPHER_ECDSA),
        hash(Signature.ALG_ECDSA_SHA_256, MessageDigest.ALG_SHA_256, Signature.SIG_CIPHER_ECDSA),
        hash(Signature.ALG_ECDSA_SHA_384, MessageDigest.ALG_SHA_384, Signature.SIG_CIPHER_ECDSA),
        hash(Signature.ALG_ECDSA_SHA_512, MessageDigest.ALG_SHA_512, Signature.SIG_CIPHER_ECDSA),
        hash(Signature.ALG_HMAC_SHA1, MessageDigest.ALG_SHA, Signature.SIG_CIPHER_HMAC),
        hash(Signature.ALG_HMAC_SHA_256, MessageDigest.ALG_SHA_256, Signature.SIG_CIPHER_HMAC),
        hash(Signature.ALG_HMAC_SHA_384, MessageDigest.ALG_SHA_384, Signature.SIG_CIPHER_HMAC),
        hash(Signature.ALG_HMAC_SHA_512, MessageDigest.ALG_SHA_512, Signature.SIG_CIPHER_HMAC),
        hash(Signature.ALG_HMAC_MD5, MessageDigest.ALG_MD5, Signature.SIG_CIPHER_HMAC),
        hash(Signature.ALG_HMAC_RIPEMD160, MessageDigest.ALG_RIPEMD160, Signature.SIG_CIPHER_HMAC),
    };

    private static Row mac(byte algorithm, byte cipher, byte padding) {
        return new Row(algorithm, NO_DIGEST, cipher, padding);
    }

    private static Row rsa(byte algorithm, byte digest, byte padding) {
        return new Row(algorithm, digest, Signature.SIG_CIPHER_RSA, padding);
    }

    private static Row hash(byte algorithm, byte digest, byte cipher) {
        return new Row(algorithm, digest, cipher, Cipher.PAD_NULL);
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    static Row find(byte algorithm) {
        for (Row row : ROWS) {
            if (row.algorithm == algorithm) {
                return row;
            }
        }
        throw Fault.noSuchAlgorithm();
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    static Row find(byte digest, byte cipher, byte padding) {
        if (!supports(digest, cipher, padding)) {
            throw Fault.noSuchAlgorithm();
        }
        for (Row row : ROWS) {
            if (row.digest == digest && row.cipher == cipher && row.padding == padding) {
                return row;
            }
        }
        return new Row((byte) 0, digest, cipher, padding);
    }

    private static boolean supports(byte digest, byte cipher, byte padding) {
        boolean hashed = Digests.supports(digest);
        return switch (cipher) {
            case Signature.SIG_CIPHER_DES_MAC4, Signature.SIG_CIPHER_DES_MAC8 ->
                digest == NO_DIGEST && (Padding.supports(padding) || retail(padding));
            case Signature.SIG_CIPHER_AES_MAC128,
                    Signature.SIG_CIPHER_KOREAN_SEED_MAC,
                    Signature.SIG_CIPHER_SM4_MAC128 -> digest == NO_DIGEST && Padding.supports(padding);
            case Signature.SIG_CIPHER_AES_CMAC128 ->
                digest == NO_DIGEST && (padding == Cipher.PAD_NULL || padding == Cipher.PAD_NOPAD);
            case Signature.SIG_CIPHER_EDDSA,
                    Signature.SIG_CIPHER_EDDSAPH,
                    Signature.SIG_CIPHER_EDDSA_ED25519,
                    Signature.SIG_CIPHER_EDDSA_ED448,
                    Signature.SIG_CIPHER_EDDSAPH_ED25519,
                    Signature.SIG_CIPHER_EDDSAPH_ED448 -> digest == NO_DIGEST && padding == Cipher.PAD_NULL;
            case Signature.SIG_CIPHER_HMAC,
                    Signature.SIG_CIPHER_DSA,
                    Signature.SIG_CIPHER_ECDSA,
                    Signature.SIG_CIPHER_ECDSA_PLAIN -> hashed && padding == Cipher.PAD_NULL;
            case Signature.SIG_CIPHER_RSA -> hashed && rsaPadding(digest, padding);
            default -> false;
        };
    }

    private static boolean rsaPadding(byte digest, byte padding) {
        return switch (padding) {
            case Cipher.PAD_PKCS1, Cipher.PAD_PKCS1_PSS -> true;
            case Cipher.PAD_RFC2409 -> digest == MessageDigest.ALG_SHA || digest == MessageDigest.ALG_MD5;
            case Cipher.PAD_ISO9796,
                    Cipher.PAD_ISO9796_MR,
                    Cipher.PAD_ISO9796_MR_SCHEME_2,
                    Cipher.PAD_ISO9796_MR_SCHEME_3,
                    Cipher.PAD_ISO9796_MR_SCHEME_1_OPT_2,
                    Cipher.PAD_ISO9796_MR_SCHEME_2_OPT_2,
                    Cipher.PAD_ISO9796_MR_SCHEME_3_OPT_2 ->
                digest == MessageDigest.ALG_SHA
                        || digest == MessageDigest.ALG_RIPEMD160
                        || digest == MessageDigest.ALG_SHA_256
                        || digest == MessageDigest.ALG_SHA_384
                        || digest == MessageDigest.ALG_SHA_512;
            default -> false;
        };
    }

    private static boolean retail(byte padding) {
        return padding == Cipher.PAD_ISO9797_1_M1_ALG3 || padding == Cipher.PAD_ISO9797_1_M2_ALG3;
    }

    /** Bytes of the initial vector; 0 where there is none. */
    static int vectorLength(Row row) {
        return switch (row.cipher) {
            case Signature.SIG_CIPHER_AES_MAC128,
                    Signature.SIG_CIPHER_KOREAN_SEED_MAC,
                    Signature.SIG_CIPHER_SM4_MAC128,
                    Signature.SIG_CIPHER_DES_MAC4,
                    Signature.SIG_CIPHER_DES_MAC8,
                    RIJNDAEL_192_MAC,
                    RIJNDAEL_256_MAC -> block(row.cipher).blockLength;
            default -> 0;
        };
    }

    private static BlockCiphers block(byte cipher) {
        return switch (cipher) {
            case Signature.SIG_CIPHER_DES_MAC4, Signature.SIG_CIPHER_DES_MAC8 -> BlockCiphers.DES;
            case Signature.SIG_CIPHER_KOREAN_SEED_MAC -> BlockCiphers.SEED;
            case Signature.SIG_CIPHER_SM4_MAC128 -> BlockCiphers.SM4;
            case RIJNDAEL_192_MAC -> BlockCiphers.RIJNDAEL_192;
            case RIJNDAEL_256_MAC -> BlockCiphers.RIJNDAEL_256;
            default -> BlockCiphers.AES;
        };
    }

    /**
     * @throws javacard.security.CryptoException ILLEGAL_VALUE when the key is not one for the algorithm and the mode
     */
    static SignatureScheme scheme(Row row, Key key, boolean sign, byte[] vector) {
        return switch (row.cipher) {
            case Signature.SIG_CIPHER_HMAC -> MacScheme.hmac(row.digest, MacScheme.secret(key));
            case Signature.SIG_CIPHER_AES_CMAC128 -> MacScheme.aesCmac(BlockCiphers.AES.key(key));
            case Signature.SIG_CIPHER_RSA -> rsaScheme(row, signing(RsaKey.class, key, sign), sign);
            case Signature.SIG_CIPHER_DSA ->
                new HashScheme(row.digest, DsaSigner.dsa(signing(GroupKey.Dsa.class, key, sign), sign));
            case Signature.SIG_CIPHER_ECDSA, Signature.SIG_CIPHER_ECDSA_PLAIN ->
                new HashScheme(
                        row.digest,
                        DsaSigner.ecdsa(
                                signing(CurveKey.class, key, sign),
                                sign,
                                row.cipher == Signature.SIG_CIPHER_ECDSA_PLAIN));
            case Signature.SIG_CIPHER_EDDSA,
                    Signature.SIG_CIPHER_EDDSAPH,
                    Signature.SIG_CIPHER_EDDSA_ED25519,
                    Signature.SIG_CIPHER_EDDSA_ED448,
                    Signature.SIG_CIPHER_EDDSAPH_ED25519,
                    Signature.SIG_CIPHER_EDDSAPH_ED448 -> edwards(row.cipher, signing(XecKey.class, key, sign));
            default -> blockMac(row, key, vector);
        };
    }

    /** Since 3.2 a constant may name the curve too. */
    private static SignatureScheme edwards(byte cipher, XecKey key) {
        boolean only25519 =
                cipher == Signature.SIG_CIPHER_EDDSA_ED25519 || cipher == Signature.SIG_CIPHER_EDDSAPH_ED25519;
        boolean only448 = cipher == Signature.SIG_CIPHER_EDDSA_ED448 || cipher == Signature.SIG_CIPHER_EDDSAPH_ED448;
        if (only25519 && key.name() != NamedParameterSpec.ED25519
                || only448 && key.name() != NamedParameterSpec.ED448) {
            throw Fault.illegalValue();
        }
        boolean prehash = cipher == Signature.SIG_CIPHER_EDDSAPH
                || cipher == Signature.SIG_CIPHER_EDDSAPH_ED25519
                || cipher == Signature.SIG_CIPHER_EDDSAPH_ED448;
        return new EdDsaScheme(key, prehash);
    }

    private static SignatureScheme rsaScheme(Row row, RsaKey key, boolean sign) {
        return Iso9796Scheme.isIts(row.padding)
                ? new Iso9796Scheme(row.digest, row.padding, key.numbers(), sign)
                : new HashScheme(row.digest, new RsaSigner(row.digest, row.padding, key.numbers()));
    }

    private static SignatureScheme blockMac(Row row, Key key, byte[] vector) {
        BlockCiphers block = block(row.cipher);
        int length = row.cipher == Signature.SIG_CIPHER_DES_MAC4 ? 4 : block.blockLength;
        if (retail(row.padding)) {
            byte padding = row.padding == Cipher.PAD_ISO9797_1_M1_ALG3 ? Cipher.PAD_ISO9797_M1 : Cipher.PAD_ISO9797_M2;
            return CbcMac.retail(block.key(key), padding, length, vector);
        }
        return CbcMac.plain(block.keyed(key, true), row.padding, length, vector);
    }

    /** Private keys sign, public keys verify. */
    private static <T> T signing(Class<T> type, Key key, boolean sign) {
        if (!type.isInstance(key) || !(sign ? key instanceof PrivateKey : key instanceof PublicKey)) {
            throw Fault.illegalValue();
        }
        return type.cast(key);
    }

    /** True for what is done with a secret key, in microseconds. */
    static boolean isMac(byte cipher) {
        return switch (cipher) {
            case Signature.SIG_CIPHER_DES_MAC4,
                    Signature.SIG_CIPHER_DES_MAC8,
                    Signature.SIG_CIPHER_AES_MAC128,
                    Signature.SIG_CIPHER_AES_CMAC128,
                    Signature.SIG_CIPHER_KOREAN_SEED_MAC,
                    Signature.SIG_CIPHER_SM4_MAC128,
                    Signature.SIG_CIPHER_HMAC -> true;
            default -> false;
        };
    }

    /** The longest signature before a key is known, as far as the algorithm tells. */
    static int lengthBytes(Row row) {
        return switch (row.cipher) {
            case Signature.SIG_CIPHER_DES_MAC4 -> 4;
            case Signature.SIG_CIPHER_HMAC -> Digests.make(row.digest).getDigestSize();
            case Signature.SIG_CIPHER_AES_CMAC128 -> BlockCiphers.AES.blockLength;
            default -> vectorLength(row);
        };
    }
}
