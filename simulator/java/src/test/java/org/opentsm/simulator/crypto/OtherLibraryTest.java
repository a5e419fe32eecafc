// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.spec.DSAPublicKeySpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.EdDSAParameterSpec;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import javacard.framework.JCSystem;
import javacard.security.Checksum;
import javacard.security.DSAPublicKey;
import javacard.security.ECPrivateKey;
import javacard.security.ECPublicKey;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.MessageDigest;
import javacard.security.NamedParameterSpec;
import javacard.security.PrivateKey;
import javacard.security.PublicKey;
import javacard.security.RSAPublicKey;
import javacard.security.Signature;
import javacard.security.XECKey;
import javacardx.crypto.Cipher;
import org.junit.jupiter.api.Test;

/** What the card makes with randomness, taken by the JDK's own providers or by arithmetic written out here. */
class OtherLibraryTest {

    private static final byte[] TEXT = "what the card says".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private static byte[] sign(Signature signature, PrivateKey key) {
        byte[] out = new byte[512];
        signature.init(key, Signature.MODE_SIGN);
        return Arrays.copyOf(out, signature.sign(TEXT, (short) 0, (short) TEXT.length, out, (short) 0));
    }

    private static void verify(java.security.Signature other, java.security.PublicKey key, byte[] value)
            throws GeneralSecurityException {
        other.initVerify(key);
        other.update(TEXT);
        assertTrue(other.verify(value));
    }

    private static BigInteger number(byte[] bytes, int length) {
        return new BigInteger(1, bytes, 0, length);
    }

    @Test
    void theJdkVerifiesOurRsaSignatures() throws GeneralSecurityException {
        KeyPair pair = new KeyPair(KeyPair.ALG_RSA_CRT, KeyBuilder.LENGTH_RSA_1024);
        pair.genKeyPair();
        RSAPublicKey shown = (RSAPublicKey) pair.getPublic();
        byte[] out = new byte[128];
        BigInteger modulus = number(out, shown.getModulus(out, (short) 0));
        BigInteger exponent = number(out, shown.getExponent(out, (short) 0));
        java.security.PublicKey theirs =
                KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(modulus, exponent));
        verify(
                java.security.Signature.getInstance("SHA256withRSA"),
                theirs,
                sign(Signature.getInstance(Signature.ALG_RSA_SHA_256_PKCS1, false), pair.getPrivate()));
        java.security.Signature pss = java.security.Signature.getInstance("RSASSA-PSS");
        pss.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        verify(pss, theirs, sign(Signature.getInstance(Signature.ALG_RSA_SHA_256_PKCS1_PSS, false), pair.getPrivate()));
    }

    @Test
    void theJdkVerifiesOurCurveAndGroupSignatures() throws GeneralSecurityException {
        for (String curve : new String[] {"secp256r1", "secp384r1", "secp521r1"}) {
            int bits = Integer.parseInt(curve.substring(4, 7));
            KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, (short) bits);
            pair.genKeyPair();
            byte[] point = new byte[200];
            int length = (((ECPublicKey) pair.getPublic()).getW(point, (short) 0) - 1) / 2;
            AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
            parameters.init(new ECGenParameterSpec(curve));
            ECPoint w = new ECPoint(new BigInteger(1, point, 1, length), new BigInteger(1, point, 1 + length, length));
            java.security.PublicKey theirs = KeyFactory.getInstance("EC")
                    .generatePublic(new ECPublicKeySpec(w, parameters.getParameterSpec(ECParameterSpec.class)));
            verify(
                    java.security.Signature.getInstance("SHA256withECDSA"),
                    theirs,
                    sign(Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false), pair.getPrivate()));
            byte[] plain = sign(
                    Signature.getInstance(
                            MessageDigest.ALG_SHA_256, Signature.SIG_CIPHER_ECDSA_PLAIN, Cipher.PAD_NULL, false),
                    pair.getPrivate());
            assertEquals(2 * length, plain.length);
            verify(java.security.Signature.getInstance("SHA256withECDSAinP1363Format"), theirs, plain);
        }
        KeyPair pair = new KeyPair(KeyPair.ALG_DSA, KeyBuilder.LENGTH_DSA_1024);
        pair.genKeyPair();
        DSAPublicKey shown = (DSAPublicKey) pair.getPublic();
        byte[] out = new byte[200];
        BigInteger p = number(out, shown.getP(out, (short) 0));
        BigInteger q = number(out, shown.getQ(out, (short) 0));
        BigInteger g = number(out, shown.getG(out, (short) 0));
        BigInteger y = number(out, shown.getY(out, (short) 0));
        verify(
                java.security.Signature.getInstance("SHA1withDSA"),
                KeyFactory.getInstance("DSA").generatePublic(new DSAPublicKeySpec(y, p, q, g)),
                sign(Signature.getInstance(Signature.ALG_DSA_SHA, false), pair.getPrivate()));
    }

    @Test
    void theJdkVerifiesOurPrehashedEdwardsSignatures() throws GeneralSecurityException {
        for (short name : new short[] {NamedParameterSpec.ED25519, NamedParameterSpec.ED448}) {
            KeyPair pair = named(name);
            pair.genKeyPair();
            byte[] encoded = new byte[57];
            int length = ((XECKey) pair.getPublic()).getEncoded(encoded, (short) 0);
            boolean odd = (encoded[length - 1] & 0x80) != 0;
            encoded[length - 1] &= 0x7F;
            byte[] bigEndian = new byte[length];
            for (int i = 0; i < length; i++) {
                bigEndian[i] = encoded[length - 1 - i];
            }
            String title = name == NamedParameterSpec.ED25519 ? "Ed25519" : "Ed448";
            java.security.PublicKey theirs = KeyFactory.getInstance(title)
                    .generatePublic(new EdECPublicKeySpec(
                            new java.security.spec.NamedParameterSpec(title),
                            new EdECPoint(odd, new BigInteger(1, bigEndian))));
            for (boolean prehash : new boolean[] {false, true}) {
                java.security.Signature other = java.security.Signature.getInstance(title);
                other.setParameter(new EdDSAParameterSpec(prehash));
                byte cipher = prehash ? Signature.SIG_CIPHER_EDDSAPH : Signature.SIG_CIPHER_EDDSA;
                verify(
                        other,
                        theirs,
                        sign(
                                Signature.getInstance(MessageDigest.ALG_NULL, cipher, Cipher.PAD_NULL, false),
                                pair.getPrivate()));
            }
        }
    }

    private static KeyPair named(short name) {
        NamedParameterSpec spec = NamedParameterSpec.getInstance(name);
        return new KeyPair((PublicKey) KeyBuilder.buildXECKey(spec, KeyBuilder.ATTR_PUBLIC, false), (PrivateKey)
                KeyBuilder.buildXECKey(
                        spec, (short) (KeyBuilder.ATTR_PRIVATE | JCSystem.MEMORY_TYPE_PERSISTENT), false));
    }

    /** CRC-32 of Ethernet runs over the bits the other way round and begins with ones. */
    @Test
    void checksumsAreThoseOfOtherPrograms() {
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            byte[] text = new byte[random.nextInt(60)];
            random.nextBytes(text);
            CRC32 other = new CRC32();
            for (byte part : text) {
                other.update(Integer.reverse(part) >>> 24);
            }
            Checksum checksum = Checksum.getInstance(Checksum.ALG_ISO3309_CRC32, false);
            checksum.init(new byte[] {-1, -1, -1, -1}, (short) 0, (short) 4);
            byte[] out = new byte[4];
            assertEquals(4, checksum.doFinal(text, (short) 0, (short) text.length, out, (short) 0));
            assertEquals(Integer.reverse((int) other.getValue()), new BigInteger(out).intValue());
        }
        // binascii.crc_hqx(b"123456789", 0) of Python is 31C3; the card complements.
        Checksum checksum = Checksum.getInstance(Checksum.ALG_ISO3309_CRC16, false);
        byte[] out = new byte[2];
        checksum.doFinal(
                "123456789".getBytes(java.nio.charset.StandardCharsets.US_ASCII), (short) 0, (short) 9, out, (short) 0);
        assertEquals((short) ~0x31C3, new BigInteger(out).shortValue());
    }

    /** y^2 = x^3 + ax + b by the schoolbook, points as x and y. */
    private record Curve(BigInteger p, BigInteger a) {
        BigInteger[] add(BigInteger[] one, BigInteger[] other) {
            if (one == null || other == null) {
                return one == null ? other : one;
            }
            if (one[0].equals(other[0]) && one[1].add(other[1]).mod(p).signum() == 0) {
                return null;
            }
            BigInteger slope = one[0].equals(other[0])
                    ? one[0].pow(2)
                            .multiply(BigInteger.valueOf(3))
                            .add(a)
                            .multiply(one[1].shiftLeft(1).modInverse(p))
                    : other[1].subtract(one[1])
                            .multiply(other[0].subtract(one[0]).modInverse(p));
            BigInteger x = slope.pow(2).subtract(one[0]).subtract(other[0]).mod(p);
            return new BigInteger[] {
                x, slope.multiply(one[0].subtract(x)).subtract(one[1]).mod(p)
            };
        }

        BigInteger[] multiply(BigInteger scalar, BigInteger[] point) {
            BigInteger[] sum = null;
            for (int bit = scalar.bitLength() - 1; bit >= 0; bit--) {
                sum = add(sum, sum);
                sum = scalar.testBit(bit) ? add(sum, point) : sum;
            }
            return sum;
        }
    }

    private static BigInteger[] point(byte[] bytes, int length) {
        int half = (length - 1) / 2;
        return new BigInteger[] {new BigInteger(1, bytes, 1, half), new BigInteger(1, bytes, 1 + half, half)};
    }

    private static byte[] agree(byte algorithm, PrivateKey key, byte[] point, int length) {
        KeyAgreement agreement = KeyAgreement.getInstance(algorithm, false);
        agreement.init(key);
        byte[] out = new byte[200];
        return Arrays.copyOf(out, agreement.generateSecret(point, (short) 0, (short) length, out, (short) 0));
    }

    @Test
    void wholePointsAreThoseOfTheSchoolbook() {
        for (short bits : new short[] {112, 128, 160, 192, 224, 239, 255, 256, 320, 384, 512, 521}) {
            KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, bits);
            KeyPair other = new KeyPair(KeyPair.ALG_EC_FP, bits);
            pair.genKeyPair();
            other.genKeyPair();
            ECPrivateKey key = (ECPrivateKey) pair.getPrivate();
            byte[] out = new byte[200];
            Curve curve = new Curve(number(out, key.getField(out, (short) 0)), number(out, key.getA(out, (short) 0)));
            BigInteger scalar = number(out, key.getS(out, (short) 0));
            BigInteger[] generator = point(out, key.getG(out, (short) 0));
            BigInteger[] own = point(out, ((ECPublicKey) pair.getPublic()).getW(out, (short) 0));
            assertArrayEquals(curve.multiply(scalar, generator), own);
            int length = ((ECPublicKey) other.getPublic()).getW(out, (short) 0);
            BigInteger[] theirs = point(out, length);
            byte[] whole = agree(KeyAgreement.ALG_EC_SVDP_DH_PLAIN_XY, key, out, length);
            assertArrayEquals(curve.multiply(scalar, theirs), point(whole, whole.length), "size " + bits);
            byte[] mapped = agree(KeyAgreement.ALG_EC_PACE_GM, key, out, length);
            assertArrayEquals(curve.add(own, theirs), point(mapped, mapped.length), "PACE");
        }
    }
}
