// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.util.Arrays;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.RSAPublicKey;
import javacard.security.Signature;
import javacard.security.SignatureMessageRecovery;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Schemes 2 and 3 of ISO/IEC 9796-2, taken apart with the JDK's arithmetic and hashes, as clauses 9 and 10 say. */
class Iso9796Test {

    private static final int BYTES = 128;
    private static KeyPair pair;
    private static BigInteger modulus;
    private static BigInteger exponent;

    @BeforeAll
    static void makeKeys() {
        pair = new KeyPair(KeyPair.ALG_RSA_CRT, KeyBuilder.LENGTH_RSA_1024);
        pair.genKeyPair();
        RSAPublicKey key = (RSAPublicKey) pair.getPublic();
        byte[] out = new byte[BYTES];
        modulus = new BigInteger(1, Arrays.copyOf(out, key.getModulus(out, (short) 0)));
        exponent = new BigInteger(1, Arrays.copyOf(out, key.getExponent(out, (short) 0)));
    }

    @ParameterizedTest(name = "padding {0}, {1}")
    @CsvSource({
        "21, SHA-1,   20, BC",
        "21, SHA-256, 32, BC",
        "22, SHA-1,   0,  BC",
        "22, SHA-256, 0,  BC",
        "26, SHA-1,   20, 33CC",
        "26, SHA-256, 32, 34CC",
        "27, SHA-256, 0,  34CC",
    })
    void carriesTheMessageAsTheStandardHasIt(byte padding, String hash, int salt, String trailer) throws Exception {
        byte digest = hash.equals("SHA-1")
                ? javacard.security.MessageDigest.ALG_SHA
                : javacard.security.MessageDigest.ALG_SHA_256;
        for (int length : new int[] {20, 200}) {
            byte[] message = new byte[length];
            for (int i = 0; i < length; i++) {
                message[i] = (byte) (i * 7 + 1);
            }
            byte[] signature = new byte[BYTES];
            int recovered = sign(digest, padding, message, signature);
            byte[] block = opened(signature);
            int hashLength = MessageDigest.getInstance(hash).getDigestLength();
            int end = block.length - trailer.length() / 2;
            assertEquals(trailer, hex(Arrays.copyOfRange(block, end, block.length)));
            byte[] h = Arrays.copyOfRange(block, end - hashLength, end);
            byte[] masked = Arrays.copyOf(block, end - hashLength);
            byte[] data = xor(masked, mgf1(hash, h, masked.length));
            data[0] &= 0x7F;
            int start = 0;
            while (data[start] == 0) {
                start++;
            }
            assertEquals(1, data[start]);
            byte[] carried = Arrays.copyOfRange(data, start + 1, data.length - salt);
            byte[] salted = Arrays.copyOfRange(data, data.length - salt, data.length);
            assertEquals(recovered, carried.length);
            assertArrayEquals(Arrays.copyOf(message, carried.length), carried);
            byte[] rest = Arrays.copyOfRange(message, carried.length, message.length);
            assertArrayEquals(hashed(hash, carried, rest, salted), h);
            verify(digest, padding, message, signature, recovered);
        }
    }

    @ParameterizedTest(name = "padding {0}")
    @CsvSource({"21", "22", "25", "26", "27"})
    void recoversWhatItSigned(byte padding) {
        byte[] message = new byte[150];
        Arrays.fill(message, (byte) 0x5A);
        byte[] signature = new byte[BYTES];
        int recovered = sign(javacard.security.MessageDigest.ALG_SHA_256, padding, message, signature);
        assertTrue(recovered > 0 && recovered < message.length);
        verify(javacard.security.MessageDigest.ALG_SHA_256, padding, message, signature, recovered);
    }

    private static SignatureMessageRecovery engine(byte digest, byte padding) {
        return (SignatureMessageRecovery) Signature.getInstance(digest, Signature.SIG_CIPHER_RSA, padding, false);
    }

    private static int sign(byte digest, byte padding, byte[] message, byte[] signature) {
        SignatureMessageRecovery engine = engine(digest, padding);
        engine.init(pair.getPrivate(), Signature.MODE_SIGN);
        short[] recovered = new short[1];
        assertEquals(
                BYTES,
                engine.sign(message, (short) 0, (short) message.length, signature, (short) 0, recovered, (short) 0));
        return recovered[0];
    }

    private static void verify(byte digest, byte padding, byte[] message, byte[] signature, int recovered) {
        for (boolean right : new boolean[] {true, false}) {
            SignatureMessageRecovery engine = engine(digest, padding);
            engine.init(pair.getPublic(), Signature.MODE_VERIFY);
            byte[] buffer = signature.clone();
            int length = engine.beginVerify(buffer, (short) 0, (short) BYTES);
            assertEquals(recovered, length);
            assertArrayEquals(Arrays.copyOf(message, length), Arrays.copyOf(buffer, length));
            byte[] rest = Arrays.copyOfRange(message, length, message.length);
            if (rest.length == 0 && !right) {
                return;
            }
            if (!right) {
                rest[0] ^= 1;
            }
            boolean found = engine.verify(rest, (short) 0, (short) rest.length);
            if (right) {
                assertTrue(found);
            } else {
                assertFalse(found);
            }
        }
    }

    /** The block that was signed, as long as the modulus. */
    private static byte[] opened(byte[] signature) {
        byte[] number = new BigInteger(1, signature).modPow(exponent, modulus).toByteArray();
        byte[] block = new byte[BYTES];
        int from = Math.max(0, number.length - BYTES);
        System.arraycopy(number, from, block, BYTES - number.length + from, number.length - from);
        return block;
    }

    /** {@code H(bits of M1 in 8 bytes, M1, H(M2), salt)}. */
    private static byte[] hashed(String hash, byte[] carried, byte[] rest, byte[] salt) throws Exception {
        MessageDigest outer = MessageDigest.getInstance(hash);
        outer.update(
                java.nio.ByteBuffer.allocate(8).putLong(carried.length * 8L).array());
        outer.update(carried);
        outer.update(MessageDigest.getInstance(hash).digest(rest));
        return outer.digest(salt);
    }

    private static byte[] mgf1(String hash, byte[] seed, int length) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; out.size() < length; i++) {
            MessageDigest digest = MessageDigest.getInstance(hash);
            digest.update(seed);
            out.writeBytes(digest.digest(new byte[] {0, 0, 0, (byte) i}));
        }
        return Arrays.copyOf(out.toByteArray(), length);
    }

    private static byte[] xor(byte[] one, byte[] other) {
        byte[] made = one.clone();
        for (int i = 0; i < made.length; i++) {
            made[i] ^= other[i];
        }
        return made;
    }

    private static String hex(byte[] bytes) {
        return java.util.HexFormat.of().withUpperCase().formatHex(bytes);
    }
}
