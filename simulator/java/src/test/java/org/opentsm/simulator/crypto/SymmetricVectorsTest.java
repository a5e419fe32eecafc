// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import javacard.security.Key;
import javacard.security.MessageDigest;
import javacard.security.Signature;
import javacardx.crypto.AEADCipher;
import javacardx.crypto.Cipher;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Digests, ciphers and MACs against other libraries, in one piece and in parts. */
class SymmetricVectorsTest {

    @TestFactory
    Stream<DynamicTest> digests() {
        return Vectors.each(
                "digests",
                row -> {
                    MessageDigest digest = MessageDigest.getInstance(
                            Vectors.constant(MessageDigest.class, "ALG_" + row.text("digest")), false);
                    byte[] message = row.bytes("message");
                    byte[] hash = row.bytes("hash");
                    byte[] out = new byte[digest.getLength()];
                    for (int part = 0; part <= message.length; part += 7) {
                        digest.update(message, (short) 0, (short) part);
                        assertEquals(
                                hash.length,
                                digest.doFinal(message, (short) part, (short) (message.length - part), out, (short) 0));
                        assertArrayEquals(hash, out);
                    }
                },
                "digest");
    }

    @TestFactory
    Stream<DynamicTest> ciphers() {
        return Vectors.each(
                "ciphers",
                row -> {
                    Cipher cipher = Cipher.getInstance(
                            Vectors.constant(Cipher.class, "CIPHER_" + row.text("cipher")),
                            Vectors.constant(Cipher.class, "PAD_" + row.text("padding")),
                            false);
                    check(
                            cipher,
                            Vectors.secret(row.text("key"), row.bytes("keyBytes")),
                            row.has("vector") ? row.bytes("vector") : null,
                            row.bytes("text"),
                            row.bytes("result"));
                },
                "cipher",
                "padding");
    }

    @TestFactory
    Stream<DynamicTest> rijndael() {
        return Vectors.each(
                "rijndael",
                row -> {
                    Key key = Vectors.secret("AES", row.bytes("keyBytes"));
                    String name = "ALG_AES_BLOCK_" + row.number("block");
                    check(
                            Cipher.getInstance(Vectors.constant(Cipher.class, name + "_ECB_NOPAD"), false),
                            key,
                            null,
                            row.bytes("text"),
                            row.bytes("ecb"));
                    byte[] cbc = row.bytes("cbc");
                    check(
                            Cipher.getInstance(Vectors.constant(Cipher.class, name + "_CBC_NOPAD"), false),
                            key,
                            row.bytes("vector"),
                            row.bytes("text"),
                            cbc);
                    byte algorithm = Vectors.constant(Signature.class, "ALG_AES_MAC_" + row.number("block") + "_NOPAD");
                    checkMac(
                            Signature.getInstance(algorithm, false),
                            key,
                            row.bytes("vector"),
                            row.bytes("text"),
                            Arrays.copyOfRange(cbc, cbc.length - row.number("block") / 8, cbc.length));
                },
                "block");
    }

    private static void check(Cipher cipher, Key key, byte[] vector, byte[] text, byte[] result) {
        for (int part = 0; part <= text.length; part += 5) {
            assertArrayEquals(
                    result,
                    run(cipher, key, Cipher.MODE_ENCRYPT, vector, text, part),
                    "enciphered in parts of " + part);
        }
        for (int part = 0; part <= result.length; part += 5) {
            byte[] back = run(cipher, key, Cipher.MODE_DECRYPT, vector, result, part);
            assertArrayEquals(text, Arrays.copyOf(back, text.length), "deciphered in parts of " + part);
            // Zeros of method 1 stay, JC API Cipher.doFinal.
            assertArrayEquals(new byte[back.length - text.length], Arrays.copyOfRange(back, text.length, back.length));
        }
    }

    private static byte[] run(Cipher cipher, Key key, byte mode, byte[] vector, byte[] text, int part) {
        if (vector == null) {
            cipher.init(key, mode);
        } else {
            cipher.init(key, mode, vector, (short) 0, (short) vector.length);
        }
        byte[] out = new byte[text.length + 64];
        short first = cipher.update(text, (short) 0, (short) part, out, (short) 0);
        short last = cipher.doFinal(text, (short) part, (short) (text.length - part), out, first);
        return Arrays.copyOf(out, first + last);
    }

    @TestFactory
    Stream<DynamicTest> authenticatedCiphers() {
        return Vectors.each(
                "aead",
                row -> {
                    byte[] text = row.bytes("text");
                    byte[] result = row.bytes("result");
                    byte[] tag = row.bytes("tag");
                    AEADCipher cipher = (AEADCipher) Cipher.getInstance(
                            row.text("mode").equals("GCM") ? AEADCipher.ALG_AES_GCM : AEADCipher.ALG_AES_CCM, false);
                    byte[] out = new byte[text.length + 16];
                    for (int part = 0; part <= text.length; part += 5) {
                        assertEquals(text.length, seal(cipher, row, Cipher.MODE_ENCRYPT, text, part, out));
                        assertArrayEquals(result, Arrays.copyOf(out, text.length));
                        assertEquals(tag.length, cipher.retrieveTag(out, (short) 0, (short) tag.length));
                        assertArrayEquals(tag, Arrays.copyOf(out, tag.length));
                        assertEquals(text.length, seal(cipher, row, Cipher.MODE_DECRYPT, result, part, out));
                        assertArrayEquals(text, Arrays.copyOf(out, text.length));
                        assertTrue(cipher.verifyTag(tag, (short) 0, (short) tag.length, (short) tag.length));
                        byte[] wrong = tag.clone();
                        wrong[part % tag.length] ^= 1;
                        assertFalse(cipher.verifyTag(wrong, (short) 0, (short) tag.length, (short) tag.length));
                    }
                },
                "mode",
                "nonce");
    }

    private static int seal(AEADCipher cipher, Vectors.Row row, byte mode, byte[] text, int part, byte[] out) {
        byte[] nonce = row.bytes("nonce");
        byte[] additional = row.bytes("additional");
        Key key = Vectors.secret("AES", row.bytes("keyBytes"));
        if (row.text("mode").equals("GCM")) {
            cipher.init(key, mode, nonce, (short) 0, (short) nonce.length);
        } else {
            cipher.init(
                    key,
                    mode,
                    nonce,
                    (short) 0,
                    (short) nonce.length,
                    (short) additional.length,
                    (short) text.length,
                    (short) row.bytes("tag").length);
        }
        int half = additional.length / 2;
        cipher.updateAAD(additional, (short) 0, (short) half);
        cipher.updateAAD(additional, (short) half, (short) (additional.length - half));
        short first = cipher.update(text, (short) 0, (short) part, out, (short) 0);
        return first + cipher.doFinal(text, (short) part, (short) (text.length - part), out, first);
    }

    @TestFactory
    Stream<DynamicTest> macs() {
        return Vectors.each(
                "macs",
                row -> {
                    Signature signature = Signature.getInstance(
                            Vectors.constant(MessageDigest.class, "ALG_" + row.text("digest")),
                            Vectors.constant(Signature.class, "SIG_CIPHER_" + row.text("cipher")),
                            Vectors.constant(Cipher.class, "PAD_" + row.text("padding")),
                            false);
                    checkMac(
                            signature,
                            Vectors.secret(row.text("key"), row.bytes("keyBytes")),
                            row.has("vector") ? row.bytes("vector") : null,
                            row.bytes("text"),
                            row.bytes("mac"));
                },
                "cipher",
                "padding",
                "digest");
    }

    private static void checkMac(Signature signature, Key key, byte[] vector, byte[] text, byte[] mac) {
        byte[] out = new byte[80];
        for (int part = 0; part <= text.length; part += 9) {
            begin(signature, key, Signature.MODE_SIGN, vector);
            assertEquals(mac.length, signature.getLength());
            signature.update(text, (short) 0, (short) part);
            assertEquals(mac.length, signature.sign(text, (short) part, (short) (text.length - part), out, (short) 1));
            assertArrayEquals(mac, Arrays.copyOfRange(out, 1, 1 + mac.length));
            begin(signature, key, Signature.MODE_VERIFY, vector);
            signature.update(text, (short) 0, (short) part);
            assertTrue(signature.verify(
                    text, (short) part, (short) (text.length - part), mac, (short) 0, (short) mac.length));
            begin(signature, key, Signature.MODE_VERIFY, vector);
            byte[] wrong = mac.clone();
            wrong[part % mac.length] ^= 4;
            assertFalse(signature.verify(text, (short) 0, (short) text.length, wrong, (short) 0, (short) mac.length));
        }
    }

    private static void begin(Signature signature, Key key, byte mode, byte[] vector) {
        if (vector == null) {
            signature.init(key, mode);
        } else {
            signature.init(key, mode, vector, (short) 0, (short) vector.length);
        }
    }
}
