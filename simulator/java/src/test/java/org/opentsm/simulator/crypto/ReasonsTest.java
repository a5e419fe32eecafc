// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import javacard.framework.JCSystem;
import javacard.security.AESKey;
import javacard.security.Checksum;
import javacard.security.CryptoException;
import javacard.security.ECPrivateKey;
import javacard.security.ECPublicKey;
import javacard.security.Key;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.MessageDigest;
import javacard.security.NamedParameterSpec;
import javacard.security.RandomData;
import javacard.security.Signature;
import javacardx.crypto.AEADCipher;
import javacardx.crypto.Cipher;
import javacardx.security.derivation.DerivationFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What the API refuses it refuses with a CryptoException and the right reason, and with nothing else. */
class ReasonsTest {

    private static final byte[] BUFFER = new byte[300];

    private static void refuses(short reason, Executable use) {
        assertEquals(reason, assertThrows(CryptoException.class, use).getReason());
    }

    /** True when it is there; anything but NO_SUCH_ALGORITHM fails. */
    private static boolean isThere(Runnable make) {
        try {
            make.run();
            return true;
        } catch (CryptoException e) {
            assertEquals(CryptoException.NO_SUCH_ALGORITHM, e.getReason());
            return false;
        }
    }

    @Test
    void everyByteIsAnAlgorithmOrNoSuchAlgorithm() {
        int[] found = new int[7];
        for (int i = Byte.MIN_VALUE; i <= Byte.MAX_VALUE; i++) {
            byte algorithm = (byte) i;
            found[0] += isThere(() -> MessageDigest.getInstance(algorithm, false)) ? 1 : 0;
            found[1] += isThere(() -> Signature.getInstance(algorithm, false)) ? 1 : 0;
            found[2] += isThere(() -> Cipher.getInstance(algorithm, false)) ? 1 : 0;
            found[3] += isThere(() -> KeyAgreement.getInstance(algorithm, false)) ? 1 : 0;
            found[4] += isThere(() -> RandomData.getInstance(algorithm)) ? 1 : 0;
            found[5] += isThere(() -> Checksum.getInstance(algorithm, false)) ? 1 : 0;
            found[6] += isThere(() -> MessageDigest.getInitializedMessageDigestInstance(algorithm, false)) ? 1 : 0;
            isThere(() -> DerivationFunction.getInstance(algorithm, false));
            for (int j = -20; j < 40; j++) {
                byte padding = (byte) j;
                isThere(() -> Cipher.getInstance(algorithm, padding, false));
                isThere(() -> Signature.getInstance(MessageDigest.ALG_SHA_256, algorithm, padding, false));
                isThere(() -> Signature.getInstance(MessageDigest.ALG_NULL, algorithm, padding, false));
            }
        }
        assertEquals(
                List.of(12, 49, 31, 8, 6, 2, 6),
                List.of(found[0], found[1], found[2], found[3], found[4], found[5], found[6]));
    }

    @Test
    void everyKeyTypeAndSizeIsAKeyOrNoSuchAlgorithm() {
        List<Integer> types = new ArrayList<>();
        for (int type = Byte.MIN_VALUE; type <= Byte.MAX_VALUE; type++) {
            boolean any = false;
            for (int bits : new int[] {-1, 0, 1, 64, 100, 128, 163, 192, 256, 512, 1000, 1024, 2048, 4096, 4097}) {
                byte keyType = (byte) type;
                short length = (short) bits;
                boolean there = isThere(() -> {
                    Key key = KeyBuilder.buildKey(keyType, length, false);
                    assertEquals(keyType, key.getType());
                    assertEquals(length, key.getSize());
                });
                any |= there;
                isThere(() -> KeyBuilder.buildKey(keyType, JCSystem.MEMORY_TYPE_TRANSIENT_RESET, length, false));
                isThere(() -> new KeyPair(keyType, length));
            }
            if (any) {
                types.add(type);
            }
        }
        assertEquals(43, types.size(), types.toString());
        isThere(() -> assertFalse(isThere(() -> NamedParameterSpec.getInstance((short) 77))));
    }

    @Test
    void anEngineWithoutInitIsInvalidInit() throws Exception {
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_CBC_PKCS5, false);
        refuses(CryptoException.INVALID_INIT, () -> cipher.update(BUFFER, (short) 0, (short) 16, BUFFER, (short) 0));
        refuses(CryptoException.INVALID_INIT, () -> cipher.doFinal(BUFFER, (short) 0, (short) 16, BUFFER, (short) 0));
        Signature signature = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);
        refuses(CryptoException.INVALID_INIT, () -> signature.update(BUFFER, (short) 0, (short) 16));
        refuses(CryptoException.INVALID_INIT, () -> signature.sign(BUFFER, (short) 0, (short) 16, BUFFER, (short) 0));
        refuses(
                CryptoException.INVALID_INIT,
                () -> signature.verify(BUFFER, (short) 0, (short) 16, BUFFER, (short) 0, (short) 70));
        KeyAgreement agreement = KeyAgreement.getInstance(KeyAgreement.ALG_EC_SVDP_DH_PLAIN, false);
        refuses(
                CryptoException.INVALID_INIT,
                () -> agreement.generateSecret(BUFFER, (short) 0, (short) 65, BUFFER, (short) 0));
        AEADCipher aead = (AEADCipher) Cipher.getInstance(AEADCipher.ALG_AES_GCM, false);
        refuses(CryptoException.INVALID_INIT, () -> aead.updateAAD(BUFFER, (short) 0, (short) 5));
        refuses(CryptoException.INVALID_INIT, () -> aead.retrieveTag(BUFFER, (short) 0, (short) 16));
    }

    @Test
    void anUninitializedKeyIsUninitializedKey() {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
        refuses(CryptoException.UNINITIALIZED_KEY, () -> key.getKey(BUFFER, (short) 0));
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_CBC_PKCS5, false);
        refuses(CryptoException.UNINITIALIZED_KEY, () -> cipher.init(key, Cipher.MODE_ENCRYPT));
        key.setKey(BUFFER, (short) 0);
        cipher.init(key, Cipher.MODE_ENCRYPT);
        cipher.doFinal(BUFFER, (short) 0, (short) 16, new byte[32], (short) 0);
        key.clearKey();
        refuses(
                CryptoException.UNINITIALIZED_KEY,
                () -> cipher.doFinal(BUFFER, (short) 0, (short) 16, BUFFER, (short) 0));
        KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, KeyBuilder.LENGTH_EC_FP_256);
        Signature signature = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);
        refuses(CryptoException.UNINITIALIZED_KEY, () -> signature.init(pair.getPrivate(), Signature.MODE_SIGN));
        refuses(CryptoException.UNINITIALIZED_KEY, () -> KeyAgreement.getInstance(KeyAgreement.ALG_EC_SVDP_DH, false)
                .init(pair.getPrivate()));
    }

    @Test
    void aKeyOrModeOfAnotherKindIsIllegalValue() {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
        key.setKey(BUFFER, (short) 0);
        refuses(CryptoException.ILLEGAL_VALUE, () -> Cipher.getInstance(Cipher.ALG_DES_CBC_NOPAD, false)
                .init(key, Cipher.MODE_ENCRYPT));
        refuses(CryptoException.ILLEGAL_VALUE, () -> Cipher.getInstance(Cipher.ALG_RSA_PKCS1, false)
                .init(key, Cipher.MODE_ENCRYPT));
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        refuses(CryptoException.ILLEGAL_VALUE, () -> cipher.init(key, (byte) 3));
        refuses(
                CryptoException.ILLEGAL_VALUE,
                () -> cipher.init(key, Cipher.MODE_ENCRYPT, BUFFER, (short) 0, (short) 15));
        refuses(CryptoException.ILLEGAL_VALUE, () -> Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false)
                .init(key, Cipher.MODE_ENCRYPT, BUFFER, (short) 0, (short) 16));
        KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, KeyBuilder.LENGTH_EC_FP_256);
        pair.genKeyPair();
        Signature signature = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);
        refuses(CryptoException.ILLEGAL_VALUE, () -> signature.init(pair.getPublic(), Signature.MODE_SIGN));
        refuses(CryptoException.ILLEGAL_VALUE, () -> signature.init(pair.getPrivate(), Signature.MODE_VERIFY));
        refuses(CryptoException.ILLEGAL_VALUE, () -> signature.init(key, Signature.MODE_SIGN));
        refuses(CryptoException.ILLEGAL_VALUE, () -> RandomData.getInstance(RandomData.ALG_TRNG)
                .nextBytes(BUFFER, (short) 0, (short) 0));
    }

    @Test
    void aTextThatDoesNotFitIsIllegalUse() {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
        key.setKey(BUFFER, (short) 0);
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        cipher.init(key, Cipher.MODE_ENCRYPT);
        refuses(CryptoException.ILLEGAL_USE, () -> cipher.doFinal(BUFFER, (short) 0, (short) 17, BUFFER, (short) 0));
        Cipher padded = Cipher.getInstance(Cipher.ALG_AES_CBC_PKCS5, false);
        padded.init(key, Cipher.MODE_DECRYPT);
        refuses(CryptoException.ILLEGAL_USE, () -> padded.doFinal(BUFFER, (short) 0, (short) 32, BUFFER, (short) 0));
        Signature mac = Signature.getInstance(Signature.ALG_AES_MAC_128_NOPAD, false);
        mac.init(key, Signature.MODE_SIGN);
        refuses(CryptoException.ILLEGAL_USE, () -> mac.sign(BUFFER, (short) 0, (short) 15, BUFFER, (short) 0));
        KeyPair pair = new KeyPair(KeyPair.ALG_RSA_CRT, KeyBuilder.LENGTH_RSA_512);
        pair.genKeyPair();
        Cipher rsa = Cipher.getInstance(Cipher.ALG_RSA_PKCS1, false);
        rsa.init(pair.getPublic(), Cipher.MODE_ENCRYPT);
        refuses(CryptoException.ILLEGAL_USE, () -> rsa.doFinal(BUFFER, (short) 0, (short) 54, BUFFER, (short) 0));
        rsa.init(pair.getPrivate(), Cipher.MODE_DECRYPT);
        refuses(CryptoException.ILLEGAL_USE, () -> rsa.doFinal(BUFFER, (short) 0, (short) 64, BUFFER, (short) 0));
        Signature tooShort = Signature.getInstance(Signature.ALG_RSA_SHA_512_PKCS1, false);
        tooShort.init(pair.getPrivate(), Signature.MODE_SIGN);
        refuses(CryptoException.ILLEGAL_USE, () -> tooShort.sign(BUFFER, (short) 0, (short) 5, BUFFER, (short) 0));
    }

    @Test
    void aPointOffTheCurveIsIllegalValue() {
        KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, KeyBuilder.LENGTH_EC_FP_256);
        pair.genKeyPair();
        byte[] point = new byte[65];
        ((ECPublicKey) pair.getPublic()).getW(point, (short) 0);
        point[64] ^= 1;
        KeyAgreement agreement = KeyAgreement.getInstance(KeyAgreement.ALG_EC_SVDP_DH_PLAIN, false);
        agreement.init(pair.getPrivate());
        refuses(
                CryptoException.ILLEGAL_VALUE,
                () -> agreement.generateSecret(point, (short) 0, (short) 65, BUFFER, (short) 0));
        refuses(
                CryptoException.ILLEGAL_VALUE,
                () -> agreement.generateSecret(point, (short) 0, (short) 0, BUFFER, (short) 0));
        refuses(
                CryptoException.ILLEGAL_VALUE,
                () -> agreement.generateSecret(new byte[1], (short) 0, (short) 1, BUFFER, (short) 0));
        ((ECPublicKey) pair.getPublic()).setW(point, (short) 0, (short) 65);
        refuses(CryptoException.ILLEGAL_VALUE, () -> Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false)
                .init(pair.getPublic(), Signature.MODE_VERIFY));
        ECPrivateKey secret = (ECPrivateKey) pair.getPrivate();
        secret.setS(new byte[32], (short) 0, (short) 32);
        refuses(CryptoException.ILLEGAL_VALUE, () -> Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false)
                .init(secret, Signature.MODE_SIGN));
        byte[] composite = new byte[32];
        composite[0] = (byte) 0xF0;
        secret.setFieldFP(composite, (short) 0, (short) 32);
        refuses(CryptoException.ILLEGAL_VALUE, () -> agreement.init(secret));
    }

    @Test
    void arraysAreCheckedAsTheLanguageDoes() {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
        assertThrows(ArrayIndexOutOfBoundsException.class, () -> key.setKey(new byte[15], (short) 0));
        assertThrows(NullPointerException.class, () -> key.setKey(null, (short) 0));
        key.setKey(BUFFER, (short) 0);
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        assertThrows(NullPointerException.class, () -> cipher.init(null, Cipher.MODE_ENCRYPT));
        cipher.init(key, Cipher.MODE_ENCRYPT);
        assertThrows(
                ArrayIndexOutOfBoundsException.class,
                () -> cipher.doFinal(BUFFER, (short) 290, (short) 16, BUFFER, (short) 0));
        assertThrows(
                ArrayIndexOutOfBoundsException.class,
                () -> cipher.doFinal(BUFFER, (short) 0, (short) 16, BUFFER, (short) 290));
        assertTrue(key.isInitialized());
    }
}
