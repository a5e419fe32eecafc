// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HexFormat;
import javacard.security.CryptoException;
import javacard.security.ECPrivateKey;
import javacard.security.ECPublicKey;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.PrivateKey;
import javacard.security.PublicKey;
import javacard.security.RSAPrivateCrtKey;
import javacard.security.RSAPublicKey;
import javacard.security.Signature;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A key object holds what was set last and nothing else. */
class KeyReuseTest {

    /** x of S*G on secp256r1 for S of 31 bytes 33, computed with OpenSSL's EC_POINT_mul. */
    private static final String X_OF_SHORT_SCALAR = "BE1267A56F6728B33DEC32C02DF6D3EC176995F28D72078551037928B5FDD580";

    private static final String SECP256R1_G = "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
            + "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";
    /** {@code npm run soak} multiplies them. */
    private static final int PAIRS = 50 * Integer.getInteger("opentsm.soak", 1);

    @Test
    void aShorterScalarLeavesNothingOfTheLongerOne() {
        ECPrivateKey key =
                (ECPrivateKey) KeyBuilder.buildKey(KeyBuilder.TYPE_EC_FP_PRIVATE, KeyBuilder.LENGTH_EC_FP_256, false);
        key.setS(filled(32, 0x22), (short) 0, (short) 32);
        key.setS(filled(32, 0x33), (short) 0, (short) 31);
        KeyAgreement agreement = KeyAgreement.getInstance(KeyAgreement.ALG_EC_SVDP_DH_PLAIN, false);
        agreement.init(key);
        byte[] generator = HexFormat.of().parseHex(SECP256R1_G);
        byte[] out = new byte[32];
        assertEquals(32, agreement.generateSecret(generator, (short) 0, (short) generator.length, out, (short) 0));
        assertEquals(X_OF_SHORT_SCALAR, HexFormat.of().withUpperCase().formatHex(out));
        byte[] value = new byte[40];
        assertEquals(31, key.getS(value, (short) 3));
        assertArrayEquals(filled(31, 0x33), Arrays.copyOfRange(value, 3, 34));
    }

    @Test
    void everyComponentIsAnsweredAsItWasSet() {
        RSAPublicKey key =
                (RSAPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PUBLIC, KeyBuilder.LENGTH_RSA_512, false);
        byte[] out = new byte[64];
        for (int length : new int[] {3, 1, 64, 2}) {
            byte[] value = filled(length, length);
            key.setExponent(value, (short) 0, (short) length);
            assertEquals(length, key.getExponent(out, (short) 0));
            assertArrayEquals(value, Arrays.copyOf(out, length));
        }
        RSAPrivateCrtKey crt = (RSAPrivateCrtKey)
                KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_CRT_PRIVATE, KeyBuilder.LENGTH_RSA_512, false);
        crt.setDP1(filled(32, 7), (short) 0, (short) 32);
        crt.setDP1(filled(32, 9), (short) 0, (short) 30);
        assertEquals(30, crt.getDP1(out, (short) 0));
        CryptoException tooLong =
                assertThrows(CryptoException.class, () -> crt.setP(filled(33, 1), (short) 0, (short) 33));
        assertEquals(CryptoException.ILLEGAL_VALUE, tooLong.getReason());
    }

    @Test
    void aClearedKeyIsUninitialized() {
        ECPublicKey key =
                (ECPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_EC_FP_PUBLIC, KeyBuilder.LENGTH_EC_FP_256, false);
        assertFalse(key.isInitialized());
        byte[] point = HexFormat.of().parseHex(SECP256R1_G);
        key.setW(point, (short) 0, (short) point.length);
        assertTrue(key.isInitialized());
        key.clearKey();
        assertFalse(key.isInitialized());
        CryptoException thrown = assertThrows(CryptoException.class, () -> key.getW(new byte[65], (short) 0));
        assertEquals(CryptoException.UNINITIALIZED_KEY, thrown.getReason());
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "1,512,10,false",
        "2,512,10,false",
        "5,256,33,false",
        "5,192,17,true",
        "4,163,17,false",
        "3,512,14,false"
    })
    void everyGeneratedPairVerifiesItsOwnSignature(byte algorithm, short bits, byte signature, boolean separate) {
        KeyPair pair = new KeyPair(algorithm, bits);
        if (separate) {
            pair = new KeyPair((PublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_EC_FP_PUBLIC, bits, false), (PrivateKey)
                    KeyBuilder.buildKey(KeyBuilder.TYPE_EC_FP_PRIVATE_TRANSIENT_RESET, bits, false));
        }
        Signature engine = Signature.getInstance(signature, false);
        byte[] out = new byte[128];
        byte[] previous = new byte[0];
        for (int i = 0; i < PAIRS; i++) {
            pair.genKeyPair();
            engine.init(pair.getPrivate(), Signature.MODE_SIGN);
            short length = engine.sign(out, (short) 0, (short) 20, out, (short) 20);
            byte[] made = Arrays.copyOfRange(out, 20, 20 + length);
            engine.init(pair.getPublic(), Signature.MODE_VERIFY);
            assertTrue(engine.verify(out, (short) 0, (short) 20, out, (short) 20, length), "pair " + i);
            assertFalse(Arrays.equals(previous, made), "pairs differ");
            previous = made;
        }
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
