// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.interfaces.RSAPublicKey;
import java.util.HexFormat;
import javax.crypto.Cipher;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where the session keys of T stand in a domain's RAM: with the session, and with it they go. */
class SecretsInRamTest {

    private static final String KEY = "C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF";
    private static final String TEMPLATES = "D30111" + "B41A" + "950130" + "800180" + "D110" + KEY + "9100" + "0000";
    private static final String AUTHORITY = "A1".repeat(16);
    private static final String OWNER = "B2".repeat(16);

    private PlainCard card;
    private IssuerSecurityDomain domain;
    private KeyPair own;
    private KeyPair owner;
    private KeyPair authority;

    @BeforeEach
    void personalize() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(1024);
        own = generator.generateKeyPair();
        owner = generator.generateKeyPair();
        authority = generator.generateKeyPair();
        card = new PlainCard();
        card.install(PlainCard.ISD, IssuerSecurityDomain.class, "9EFE80", "5F2010" + OWNER);
        domain = (IssuerSecurityDomain) DomainHook.applet(card, PlainCard.ISD);
        assertTrue(card.exchange("00A4040008" + PlainCard.ISD + "00").endsWith("9000"));
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) own.getPrivate();
        VectorTest.chained(card, "80D80002", VectorTest.privateKey(modulus(own), key.getPrimeP(), key.getPrimeQ()));
        VectorTest.chained(
                card, "80D80001", "10A18180" + modulus(authority) + "A003010001" + "00" + "5F2010" + AUTHORITY);
    }

    private static String modulus(KeyPair pair) {
        return String.format("%0256X", ((RSAPublicKey) pair.getPublic()).getModulus());
    }

    private static String object(String tag, String value) {
        int length = value.length() / 2;
        return tag
                + (length < 0x80
                        ? String.format("%02X", length)
                        : length < 0x100 ? String.format("81%02X", length) : String.format("82%04X", length))
                + value;
    }

    private static String sign(KeyPair pair, String data) throws Exception {
        Signature signature = Signature.getInstance("SHA1withRSA");
        signature.initSign(pair.getPrivate());
        signature.update(PlainCard.bytes(data));
        return PlainCard.hex(signature.sign());
    }

    private String certificate() throws Exception {
        String key = object("81", modulus(owner)) + "8203010001";
        String body = "930101" + object("42", AUTHORITY) + object("5F20", OWNER) + "5F4C0182" + object("7F49", key);
        return object("7F21", body + object("9E", sign(authority, body)));
    }

    /** MSE to PSO DECIPHER. */
    private String decipher(String templates) throws Exception {
        assertEquals("9000", card.exchange("0022C1B60480021002"));
        isoChained("002A00BE", certificate());
        Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding");
        cipher.init(Cipher.ENCRYPT_MODE, own.getPublic());
        return card.exchange("002A808480" + PlainCard.hex(cipher.doFinal(PlainCard.bytes(templates))));
    }

    private void isoChained(String header, String data) {
        int part = 2 * 250;
        for (int at = 0; at < data.length(); at += part) {
            String field = data.substring(at, Math.min(data.length(), at + part));
            String cla = at + part < data.length() ? "1" : "0";
            assertEquals(
                    "9000",
                    card.exchange(cla + header.substring(1) + String.format("%02X", field.length() / 2) + field));
        }
    }

    private void authenticate() throws Exception {
        String challenge = card.exchange("0084000000").substring(0, 32);
        assertEquals("9000", card.exchange("0082000080" + sign(owner, TEMPLATES.substring(0, length()) + challenge)));
    }

    /** Hex digits of T: level, MAC template with an empty counter. */
    private static int length() {
        return TEMPLATES.length() - 4;
    }

    private boolean inWork() {
        return PlainCard.hex(domain.work).contains(KEY);
    }

    private boolean inRam() {
        return PlainCard.hex(domain.ram).contains(KEY);
    }

    @Test
    void workBufferKeepsNothingOfT() throws Exception {
        assertEquals("9000", decipher(TEMPLATES.substring(0, length())));
        assertFalse(inWork());
        assertTrue(inRam());
        authenticate();
        assertFalse(inWork());
        assertTrue(inRam());
    }

    @Test
    void refusedTemplatesLeaveNothing() throws Exception {
        // a byte behind the last template: T is deciphered and then refused
        assertEquals("6A80", decipher(TEMPLATES));
        assertFalse(inWork());
        assertFalse(inRam());
    }

    @Test
    void abortLeavesNothing() throws Exception {
        assertEquals("9000", decipher(TEMPLATES.substring(0, length())));
        authenticate();
        // protected, and the MAC does not verify: what came in the clear part does not stay either
        assertEquals("6982", card.exchange("8CCA004220" + "8114" + KEY + "00000000" + "8E08" + "00".repeat(8)));
        assertFalse(inWork());
        assertFalse(inRam());
        assertEquals(0, new BigInteger(1, domain.work).signum());
    }

    @Test
    void endOfAnInitiationLeavesNothing() throws Exception {
        assertEquals("9000", decipher(TEMPLATES.substring(0, length())));
        card.exchange("0084000000");
        assertEquals("6300", card.exchange("0082000080" + HexFormat.of().formatHex(new byte[128])));
        assertFalse(inRam());
        assertEquals("9000", decipher(TEMPLATES.substring(0, length())));
        assertEquals("9000", card.exchange("0022C1B60480021002"));
        assertFalse(inRam());
    }
}
