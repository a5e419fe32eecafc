// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import javacard.framework.JCSystem;
import javacard.security.DHPrivateKey;
import javacard.security.DSAPrivateKey;
import javacard.security.DSAPublicKey;
import javacard.security.ECKey;
import javacard.security.ECPrivateKey;
import javacard.security.ECPublicKey;
import javacard.security.Key;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.MessageDigest;
import javacard.security.NamedParameterSpec;
import javacard.security.PrivateKey;
import javacard.security.RSAPrivateCrtKey;
import javacard.security.RSAPrivateKey;
import javacard.security.RSAPublicKey;
import javacard.security.Signature;
import javacard.security.SignatureMessageRecovery;
import javacard.security.XECKey;
import javacardx.crypto.Cipher;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** RSA, elliptic curves and groups against other libraries. */
class AsymmetricVectorsTest {

    private static RSAPublicKey rsaPublic(Vectors.Row row) {
        RSAPublicKey key =
                (RSAPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PUBLIC, (short) row.number("bits"), false);
        key.setModulus(row.bytes("n"), (short) 0, (short) row.bytes("n").length);
        key.setExponent(row.bytes("e"), (short) 0, (short) row.bytes("e").length);
        return key;
    }

    /** The same private key as modulus and exponent, as primes, and in RAM. */
    static PrivateKey[] rsaPrivate(Vectors.Row row) {
        RSAPrivateKey plain =
                (RSAPrivateKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PRIVATE, (short) row.number("bits"), false);
        plain.setModulus(row.bytes("n"), (short) 0, (short) row.bytes("n").length);
        plain.setExponent(row.bytes("d"), (short) 0, (short) row.bytes("d").length);
        PrivateKey[] keys = {
            plain, crt(row, KeyBuilder.TYPE_RSA_CRT_PRIVATE), crt(row, KeyBuilder.TYPE_RSA_CRT_PRIVATE_TRANSIENT_RESET)
        };
        return keys;
    }

    private static RSAPrivateCrtKey crt(Vectors.Row row, byte type) {
        RSAPrivateCrtKey crt = (RSAPrivateCrtKey) KeyBuilder.buildKey(type, (short) row.number("bits"), false);
        crt.setP(row.bytes("p"), (short) 0, (short) row.bytes("p").length);
        crt.setQ(row.bytes("q"), (short) 0, (short) row.bytes("q").length);
        crt.setDP1(row.bytes("dp"), (short) 0, (short) row.bytes("dp").length);
        crt.setDQ1(row.bytes("dq"), (short) 0, (short) row.bytes("dq").length);
        crt.setPQ(row.bytes("pq"), (short) 0, (short) row.bytes("pq").length);
        return crt;
    }

    @TestFactory
    Stream<DynamicTest> rsaSignatures() {
        return Vectors.each(
                "rsa-signatures",
                row -> {
                    byte digest = Vectors.constant(MessageDigest.class, "ALG_" + row.text("digest"));
                    Signature signature = Signature.getInstance(
                            digest,
                            Signature.SIG_CIPHER_RSA,
                            Vectors.constant(Cipher.class, "PAD_" + row.text("padding")),
                            false);
                    verify(signature, rsaPublic(row), row.bytes("text"), row.bytes("signature"));
                    for (PrivateKey key : rsaPrivate(row)) {
                        byte[] made = sign(signature, key, row.bytes("text"));
                        assertEquals(row.number("bits") / 8, made.length);
                        verify(signature, rsaPublic(row), row.bytes("text"), made);
                        if (!row.has("random")) {
                            assertArrayEquals(row.bytes("signature"), made);
                        }
                    }
                },
                "padding",
                "digest",
                "rsa");
    }

    @TestFactory
    Stream<DynamicTest> messageRecovery() {
        return Vectors.rows("rsa-signatures")
                .filter(row -> row.has("recovered"))
                .map(row -> DynamicTest.dynamicTest(
                        row.text("digest") + " recovers " + row.number("recovered"), () -> recover(row)));
    }

    private static void recover(Vectors.Row row) {
        byte digest = Vectors.constant(MessageDigest.class, "ALG_" + row.text("digest"));
        SignatureMessageRecovery engine = (SignatureMessageRecovery)
                Signature.getInstance(digest, Signature.SIG_CIPHER_RSA, Cipher.PAD_ISO9796_MR, false);
        byte[] text = row.bytes("text");
        byte[] out = new byte[row.number("bits") / 8];
        short[] recovered = new short[2];
        engine.init(rsaPrivate(row)[1], Signature.MODE_SIGN);
        assertEquals(
                out.length, engine.sign(text, (short) 0, (short) text.length, out, (short) 0, recovered, (short) 1));
        assertArrayEquals(row.bytes("signature"), out);
        assertEquals(row.number("recovered"), recovered[1]);
        engine.init(rsaPublic(row), Signature.MODE_VERIFY);
        int length = engine.beginVerify(out, (short) 0, (short) out.length);
        assertEquals(row.number("recovered"), length);
        assertArrayEquals(Arrays.copyOf(text, length), Arrays.copyOf(out, length));
        assertTrue(engine.verify(text, (short) length, (short) (text.length - length)));
    }

    @TestFactory
    Stream<DynamicTest> rsaEncryption() {
        return Vectors.each(
                "rsa-encryption",
                row -> {
                    Cipher cipher = Cipher.getInstance(
                            Cipher.CIPHER_RSA, Vectors.constant(Cipher.class, "PAD_" + row.text("padding")), false);
                    byte[] text = row.bytes("text");
                    byte[] result = row.bytes("result");
                    if (row.has("byPrivate")) {
                        assertArrayEquals(result, run(cipher, rsaPrivate(row)[1], Cipher.MODE_ENCRYPT, text));
                        assertArrayEquals(text, run(cipher, rsaPublic(row), Cipher.MODE_DECRYPT, result));
                        return;
                    }
                    byte[] own = run(cipher, rsaPublic(row), Cipher.MODE_ENCRYPT, text);
                    assertEquals(!row.has("random"), Arrays.equals(result, own));
                    for (PrivateKey key : rsaPrivate(row)) {
                        assertArrayEquals(text, run(cipher, key, Cipher.MODE_DECRYPT, result));
                        assertArrayEquals(text, run(cipher, key, Cipher.MODE_DECRYPT, own));
                    }
                },
                "padding",
                "rsa");
    }

    private static byte[] run(Cipher cipher, Key key, byte mode, byte[] text) {
        cipher.init(key, mode);
        byte[] out = new byte[512];
        int half = text.length / 2;
        assertEquals(0, cipher.update(text, (short) 0, (short) half, out, (short) 0));
        return Arrays.copyOf(out, cipher.doFinal(text, (short) half, (short) (text.length - half), out, (short) 0));
    }

    private static byte[] sign(Signature signature, Key key, byte[] text) {
        byte[] out = new byte[600];
        signature.init(key, Signature.MODE_SIGN);
        int half = text.length / 2;
        signature.update(text, (short) 0, (short) half);
        return Arrays.copyOf(out, signature.sign(text, (short) half, (short) (text.length - half), out, (short) 0));
    }

    private static void verify(Signature signature, Key key, byte[] text, byte[] value) {
        signature.init(key, Signature.MODE_VERIFY);
        assertTrue(signature.verify(text, (short) 0, (short) text.length, value, (short) 0, (short) value.length));
        byte[] wrong = value.clone();
        wrong[wrong.length - 1] ^= 1;
        assertFalse(signature.verify(text, (short) 0, (short) text.length, wrong, (short) 0, (short) wrong.length));
        assertFalse(
                signature.verify(text, (short) 0, (short) text.length, value, (short) 0, (short) (value.length - 1)));
    }

    @TestFactory
    Stream<DynamicTest> curves() {
        return Vectors.each(
                "curves",
                row -> {
                    Key[] keys = curveKeys(row);
                    agree(
                            KeyAgreement.ALG_EC_SVDP_DH_PLAIN,
                            (PrivateKey) keys[0],
                            row.bytes("otherW"),
                            row.bytes("secret"));
                    agree(
                            KeyAgreement.ALG_EC_SVDP_DHC_PLAIN,
                            (PrivateKey) keys[0],
                            row.bytes("otherW"),
                            row.text("kind").equals("F2M") ? null : row.bytes("secret"));
                    agree(
                            KeyAgreement.ALG_EC_SVDP_DH,
                            (PrivateKey) keys[0],
                            row.bytes("otherW"),
                            Digests.hash(MessageDigest.ALG_SHA, row.bytes("secret")));
                    for (String digest : new String[] {"SHA", "SHA_256", "SHA_384", "SHA_512", "SHA3_256"}) {
                        Signature signature = Signature.getInstance(
                                Vectors.constant(MessageDigest.class, "ALG_" + digest),
                                Signature.SIG_CIPHER_ECDSA,
                                Cipher.PAD_NULL,
                                false);
                        verify(signature, keys[1], row.bytes("text"), row.bytes("ecdsa_" + digest));
                        byte[] made = sign(signature, keys[0], row.bytes("text"));
                        verify(signature, keys[1], row.bytes("text"), made);
                        assertTrue(made.length <= signature.getLength(), "the longest signature");
                    }
                },
                "kind",
                "bits",
                "name",
                "curve");
    }

    private static void agree(byte algorithm, PrivateKey key, byte[] other, byte[] secret) {
        if (secret == null) {
            return;
        }
        KeyAgreement agreement = KeyAgreement.getInstance(algorithm, false);
        agreement.init(key);
        byte[] out = new byte[300];
        assertArrayEquals(
                secret,
                Arrays.copyOf(out, agreement.generateSecret(other, (short) 0, (short) other.length, out, (short) 0)));
    }

    private static Key[] curveKeys(Vectors.Row row) {
        if (row.has("name")) {
            return named(row.text("name"), row.bytes("s"), row.bytes("w"));
        }
        boolean binary = row.text("kind").equals("F2M");
        short bits = (short) row.number("bits");
        ECPrivateKey secret = (ECPrivateKey) KeyBuilder.buildKey(
                binary ? KeyBuilder.TYPE_EC_F2M_PRIVATE : KeyBuilder.TYPE_EC_FP_PRIVATE, bits, false);
        ECPublicKey shown = (ECPublicKey)
                KeyBuilder.buildKey(binary ? KeyBuilder.TYPE_EC_F2M_PUBLIC : KeyBuilder.TYPE_EC_FP_PUBLIC, bits, false);
        if (row.has("p")) {
            setCurve(secret, row);
            shown.copyDomainParametersFrom(secret);
        }
        secret.setS(row.bytes("s"), (short) 0, (short) row.bytes("s").length);
        shown.setW(row.bytes("w"), (short) 0, (short) row.bytes("w").length);
        return new Key[] {secret, shown};
    }

    private static void setCurve(ECKey key, Vectors.Row row) {
        key.setFieldFP(row.bytes("p"), (short) 0, (short) row.bytes("p").length);
        key.setA(row.bytes("a"), (short) 0, (short) row.bytes("a").length);
        key.setB(row.bytes("b"), (short) 0, (short) row.bytes("b").length);
        key.setG(row.bytes("g"), (short) 0, (short) row.bytes("g").length);
        key.setR(row.bytes("r"), (short) 0, (short) row.bytes("r").length);
        key.setK((short) 1);
    }

    private static Key[] named(String name, byte[] secret, byte[] shown) {
        try {
            NamedParameterSpec spec = NamedParameterSpec.getInstance(
                    NamedParameterSpec.class.getField(name).getShort(null));
            Key privateKey = KeyBuilder.buildXECKey(
                    spec, (short) (KeyBuilder.ATTR_PRIVATE | JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT), false);
            Key publicKey = KeyBuilder.buildXECKey(
                    spec, (short) (KeyBuilder.ATTR_PUBLIC | JCSystem.MEMORY_TYPE_PERSISTENT), false);
            ((XECKey) privateKey).setEncoded(secret, (short) 0, (short) secret.length);
            ((XECKey) publicKey).setEncoded(shown, (short) 0, (short) shown.length);
            return new Key[] {privateKey, publicKey};
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @TestFactory
    Stream<DynamicTest> edwardsAndMontgomeryCurves() {
        return Vectors.each(
                "edwards",
                row -> {
                    Key[] keys = named(row.text("name"), row.bytes("private"), row.bytes("public"));
                    if (row.has("secret")) {
                        agree(KeyAgreement.ALG_XDH, (PrivateKey) keys[0], row.bytes("other"), row.bytes("secret"));
                        return;
                    }
                    Signature signature = Signature.getInstance(
                            MessageDigest.ALG_NULL, Signature.SIG_CIPHER_EDDSA, Cipher.PAD_NULL, false);
                    assertArrayEquals(row.bytes("signature"), sign(signature, keys[0], row.bytes("text")));
                    verify(signature, keys[1], row.bytes("text"), row.bytes("signature"));
                },
                "name");
    }

    @TestFactory
    Stream<DynamicTest> groups() {
        return Vectors.each(
                "groups",
                row -> {
                    short bits = (short) row.number("bits");
                    byte[] p = row.bytes("p");
                    byte[] g = row.bytes("g");
                    if (row.text("kind").equals("DH")) {
                        DHPrivateKey key = (DHPrivateKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DH_PRIVATE, bits, false);
                        key.setP(p, (short) 0, (short) p.length);
                        key.setG(g, (short) 0, (short) g.length);
                        key.setX(row.bytes("x"), (short) 0, (short) row.bytes("x").length);
                        agree(KeyAgreement.ALG_DH_PLAIN, key, row.bytes("other"), row.bytes("secret"));
                        return;
                    }
                    DSAPrivateKey secret =
                            (DSAPrivateKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DSA_PRIVATE, bits, false);
                    DSAPublicKey shown = (DSAPublicKey) KeyBuilder.buildKeyWithSharedDomain(
                            KeyBuilder.ALG_TYPE_DSA_PUBLIC, JCSystem.MEMORY_TYPE_PERSISTENT, secret, false);
                    secret.setP(p, (short) 0, (short) p.length);
                    secret.setQ(row.bytes("q"), (short) 0, (short) row.bytes("q").length);
                    secret.setG(g, (short) 0, (short) g.length);
                    secret.setX(row.bytes("x"), (short) 0, (short) row.bytes("x").length);
                    shown.setY(row.bytes("y"), (short) 0, (short) row.bytes("y").length);
                    Signature signature = Signature.getInstance(
                            Vectors.constant(MessageDigest.class, "ALG_" + row.text("digest")),
                            Signature.SIG_CIPHER_DSA,
                            Cipher.PAD_NULL,
                            false);
                    verify(signature, shown, row.bytes("text"), row.bytes("signature"));
                    verify(signature, shown, row.bytes("text"), sign(signature, secret, row.bytes("text")));
                },
                "kind",
                "bits",
                "digest");
    }
}
