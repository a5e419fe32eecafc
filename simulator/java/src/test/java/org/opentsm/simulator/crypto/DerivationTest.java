// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import javacard.security.AESKey;
import javacard.security.AlgorithmParameterSpec;
import javacard.security.CryptoException;
import javacard.security.GenericSecretKey;
import javacard.security.KeyBuilder;
import javacard.security.MessageDigest;
import javacard.security.SecretKey;
import javacard.security.Signature;
import javacardx.security.derivation.DerivationFunction;
import javacardx.security.derivation.KDFAnsiX963Spec;
import javacardx.security.derivation.KDFCounterModeSpec;
import javacardx.security.derivation.KDFDoublePipelineIterationModeSpec;
import javacardx.security.derivation.KDFFeedbackModeSpec;
import javacardx.security.derivation.KDFHmacSpec;
import javacardx.security.derivation.KDFIcaoMrtdSpec;
import javacardx.security.derivation.KDFIeee1363Spec;
import javacardx.security.derivation.TLSKDFExpandLabelSpec;
import javacardx.security.derivation.TLSPseudoRandomFunctionSpec;
import org.junit.jupiter.api.Test;

/** Derivation functions against Python's cryptography (KBKDF, HKDF, X9.63) and its hmac module (the others). */
class DerivationTest {

    private static final byte[] KEY = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");
    private static final byte[] NONE = {};

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static SecretKey secret() {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
        key.setKey(KEY, (short) 0);
        return key;
    }

    /** Parameters whose getters answer the map's values. */
    private static AlgorithmParameterSpec spec(Class<?> type, Map<String, Object> values) {
        return (AlgorithmParameterSpec) Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> values.get(method.getName().substring(3)));
    }

    private static void check(short algorithm, Class<?> type, Map<String, Object> values, String hex) {
        byte[] expected = HexFormat.of().parseHex(hex);
        DerivationFunction function = DerivationFunction.getInstance(algorithm, false);
        function.init(spec(type, values));
        byte[] out = new byte[expected.length];
        assertEquals(3, function.nextBytes(out, (short) 0, (short) 3));
        function.lastBytes(out, (short) 3, (short) (expected.length - 3));
        assertArrayEquals(expected, out);
        CryptoException over = assertThrows(CryptoException.class, () -> function.nextBytes(out, (short) 0, (short) 1));
        assertEquals(CryptoException.INVALID_INIT, over.getReason());
    }

    @Test
    void modesOfSp800108() {
        check(
                DerivationFunction.ALG_KDF_COUNTER_MODE,
                KDFCounterModeSpec.class,
                Map.of(
                        "Algorithm",
                        Signature.ALG_HMAC_SHA_256,
                        "Secret",
                        secret(),
                        "InputDataBeforeCounter",
                        text("before"),
                        "InputDataAfterCounter",
                        text("after"),
                        "OutputLength",
                        (short) 50,
                        "CounterLength",
                        (short) 32),
                "4fda062897266826ca05d0a75f5bda429ae11a2973636c624ffb83e81cb75f16763ce859f0764bdf449da1a6064603f7e969");
        check(
                DerivationFunction.ALG_KDF_COUNTER_MODE,
                KDFCounterModeSpec.class,
                Map.of(
                        "Algorithm",
                        Signature.ALG_AES_CMAC_128,
                        "Secret",
                        secret(),
                        "InputDataBeforeCounter",
                        text("before"),
                        "InputDataAfterCounter",
                        text("after"),
                        "OutputLength",
                        (short) 50,
                        "CounterLength",
                        (short) 8),
                "c2325563d069e1721bf33439947d572fbbf8277dd7e8d2d3f6c47cb1585165d42c60d4f244cd93385a9eaf743e821741cc9d");
        byte[] vector = new byte[32];
        Arrays.fill(vector, (byte) 1);
        check(
                DerivationFunction.ALG_KDF_FEEDBACK_MODE,
                KDFFeedbackModeSpec.class,
                Map.of(
                        "Algorithm",
                        Signature.ALG_HMAC_SHA_256,
                        "Secret",
                        secret(),
                        "InputData",
                        text("fixed"),
                        "IV",
                        vector,
                        "OutputLength",
                        (short) 50,
                        "CounterLength",
                        (short) 32),
                "b932bdd0b25eab5c8810e98808258d9b2d9bd2f15976cef3d54a34348b06879892b66ce0fb1efdcd9b3ee2418fecd6d7c36f");
        check(
                DerivationFunction.ALG_KDF_DPI_MODE,
                KDFDoublePipelineIterationModeSpec.class,
                Map.of(
                        "Algorithm",
                        Signature.ALG_HMAC_SHA_256,
                        "Secret",
                        secret(),
                        "InputData",
                        text("fixed"),
                        "OutputLength",
                        (short) 50,
                        "CounterLength",
                        (short) 32),
                "fbc0cf249c9939a16fe40278936b032af4a5e6defff6fe1f264ca9b6a10acea25aed51ef41cab268a93626d915f43ecf03cb");
    }

    @Test
    void hkdfAndLabelsOfTls13() {
        byte[] salt = HexFormat.of().parseHex("000102030405060708090a0b0c");
        byte[] keyMaterial = new byte[22];
        Arrays.fill(keyMaterial, (byte) 0x0B);
        // RFC 5869 A.1.
        check(
                DerivationFunction.ALG_KDF_HKDF,
                KDFHmacSpec.class,
                Map.of(
                        "Algorithm",
                        MessageDigest.ALG_SHA_256,
                        "Secret",
                        keyMaterial,
                        "Salt",
                        salt,
                        "Info",
                        HexFormat.of().parseHex("f0f1f2f3f4f5f6f7f8f9"),
                        "OutputLength",
                        (short) 42),
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
        byte[] twice = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f");
        check(
                DerivationFunction.ALG_HKDF_EXPAND_LABEL_TLS13,
                TLSKDFExpandLabelSpec.class,
                Map.of(
                        "Algorithm",
                        MessageDigest.ALG_SHA_256,
                        "Secret",
                        twice,
                        "LabelPrefix",
                        TLSKDFExpandLabelSpec.LABEL_PREFIX_TLS13,
                        "Label",
                        text("key"),
                        "Context",
                        text("ctx"),
                        "OutputLength",
                        (short) 16),
                "e943f3aa125e7ac772b8d83df9b0d965");
    }

    @Test
    void hashesOfASecret() {
        check(
                DerivationFunction.ALG_KDF_ANSI_X9_63,
                KDFAnsiX963Spec.class,
                Map.of(
                        "Algorithm",
                        MessageDigest.ALG_SHA_256,
                        "Secret",
                        text("secret"),
                        "SharedInfo",
                        text("info"),
                        "OutputLength",
                        (short) 50),
                "f312a5bfd0bd31fe0dbc3294c9d76622484c74525422f51ef9a1001f50ac7b9766ad7cfa2539adb2ac82f0dfc1c1575bcca3");
        check(
                DerivationFunction.ALG_KDF_IEEE_1363,
                KDFIeee1363Spec.class,
                Map.of("Algorithm", MessageDigest.ALG_SHA, "Secret", text("secret"), "Parameters", text("info")),
                "5ed81552f818341ee41d028602e1cb001a5a6782");
        check(
                DerivationFunction.ALG_KDF_ICAO_MRTD,
                KDFIcaoMrtdSpec.class,
                Map.of("Algorithm", MessageDigest.ALG_SHA, "Secret", text("secret"), "Counter", text("info")),
                "5ed81552f818341ee41d028602e1cb001a5a6782");
    }

    @Test
    void randomFunctionsOfTls() {
        check(
                DerivationFunction.ALG_PRF_TLS12,
                TLSPseudoRandomFunctionSpec.class,
                Map.of("Secret", secret(), "Seed", text("seed")),
                "2ff06347b57ea45a0054eb7bfc979aef10293d8e974969f1316a1904e2fc94af04eb2af71af3e6f2836f8791b839ae296bf1");
        check(
                DerivationFunction.ALG_PRF_TLS11,
                TLSPseudoRandomFunctionSpec.class,
                Map.of("Secret", secret(), "Seed", text("seed")),
                "f38ef5290f50ca1e56606388555a68c81dc53512fdb4871c42c1ed3215ac6a6147f52017678e5d335e185b7034b641a6adc2");
    }

    @Test
    void keysAreDerivedAsBytesAreAndNoMoreThanAskedFor() {
        Map<String, Object> values =
                Map.of("Algorithm", MessageDigest.ALG_SHA, "Secret", text("secret"), "Parameters", NONE);
        DerivationFunction function = DerivationFunction.getInstance(DerivationFunction.ALG_KDF_IEEE_1363, false);
        function.init(spec(KDFIeee1363Spec.class, values));
        GenericSecretKey key =
                (GenericSecretKey) KeyBuilder.buildKey(KeyBuilder.TYPE_GENERIC_SECRET, (short) 64, false);
        assertEquals(8, function.nextBytes(key));
        byte[] out = new byte[20];
        assertEquals(8, key.getKey(out, (short) 0));
        assertArrayEquals(Arrays.copyOf(Digests.hash(MessageDigest.ALG_SHA, text("secret")), 8), Arrays.copyOf(out, 8));
        CryptoException over =
                assertThrows(CryptoException.class, () -> function.nextBytes(out, (short) 0, (short) 13));
        assertEquals(CryptoException.ILLEGAL_USE, over.getReason());
        CryptoException other =
                assertThrows(CryptoException.class, () -> function.init(spec(KDFHmacSpec.class, values)));
        assertEquals(CryptoException.ILLEGAL_VALUE, other.getReason());
    }
}
