// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPrivateCrtKey;
import java.util.Arrays;
import javacard.framework.AID;
import javacard.framework.ISOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The controlling authority's interface as clients see it that hold on to it (applet/README.md 5.7). */
class AttestationAuthorityTest {

    private static final AID FIRST = aid("F0000000000001");
    private static final AID SECOND = aid("F0000000000002");

    private final byte[] digest = new byte[32];
    private final byte[] answer = new byte[512];
    private PlainCard card;
    private ControllingAuthoritySecurityDomain domain;
    private PublicKey publicKey;
    private String modulus;

    private static AID aid(String hex) {
        byte[] bytes = PlainCard.bytes(hex);
        return new AID(bytes, (short) 0, (byte) bytes.length);
    }

    @BeforeEach
    void personalize() throws Exception {
        card = new PlainCard();
        card.states.put("F0000000000001FF", new byte[] {0x07});
        card.states.put("F0000000000001", new byte[] {0x07});
        card.states.put("F0000000000002", new byte[] {0x07});
        card.install(PlainCard.CASD, ControllingAuthoritySecurityDomain.class, "808000", "");
        domain = (ControllingAuthoritySecurityDomain) DomainHook.applet(card, PlainCard.CASD);
        assertTrue(card.exchange("00A404000C" + PlainCard.CASD + "00").endsWith("9000"));
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(1024);
        KeyPair pair = generator.generateKeyPair();
        publicKey = pair.getPublic();
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) pair.getPrivate();
        modulus = key.getModulus().toString(16).toUpperCase();
        BigInteger p = key.getPrimeP();
        VectorTest.chained(card, "80D80002", VectorTest.privateKey(modulus, p, key.getPrimeQ()));
        assertEquals("9000", card.exchange("80E2900008" + "42020102" + "45020304"));
        storeCertificate(modulus, "93020777");
        Arrays.fill(digest, (byte) 0x5A);
    }

    /** A certificate of the domain's key with nothing else in it than what the domain reads. */
    private void storeCertificate(String modulus, String serial) {
        String key = "7F498188" + "818180" + modulus + "8203010001";
        String body = serial + key;
        String object = "7F2181" + String.format("%02X", body.length() / 2) + body;
        assertEquals("9000", card.exchange("80E29000" + String.format("%02X", object.length() / 2) + object));
    }

    private AttestationAuthority ask(AID client) {
        return (AttestationAuthority) domain.getShareableInterfaceObject(client, AttestationAuthority.PARAMETER);
    }

    private boolean verifies(String client) throws GeneralSecurityException {
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(publicKey);
        signature.update(
                PlainCard.bytes("4F07" + client + "42020102" + "45020304" + "93020777" + "A020" + "5A".repeat(32)));
        return signature.verify(answer, 3, 128);
    }

    @Test
    void signsForTheClientTheRuntimeNames() throws Exception {
        assertEquals(131, ask(FIRST).attest(digest, (short) 0, answer, (short) 0));
        assertTrue(verifies("F0000000000001"));
        assertFalse(verifies("F0000000000002"));
    }

    @Test
    void signsOnceForEachRequest() {
        AttestationAuthority kept = ask(FIRST);
        kept.attest(digest, (short) 0, answer, (short) 0);
        ISOException refused =
                assertThrows(ISOException.class, () -> kept.attest(digest, (short) 0, answer, (short) 0));
        assertEquals(Gp.SW_CONDITIONS, refused.getReason());
    }

    @Test
    void namesTheLastClientWhoeverHoldsTheObject() throws Exception {
        AttestationAuthority kept = ask(FIRST);
        ask(SECOND);
        kept.attest(digest, (short) 0, answer, (short) 0);
        assertTrue(verifies("F0000000000002"));
    }

    private void refuses(AID client) {
        AttestationAuthority asked = ask(client);
        ISOException refused =
                assertThrows(ISOException.class, () -> asked.attest(digest, (short) 0, answer, (short) 0));
        assertEquals(Gp.SW_CONDITIONS, refused.getReason());
    }

    @Test
    void signsForNoInstanceOfOtherCode() throws Exception {
        card.loadFiles.put("F0000000000001", "F06F70656E74736D02");
        refuses(FIRST);
        card.loadFiles.put("F0000000000001", "F06F70656E74736D0101");
        refuses(FIRST);
        card.loadFiles.remove("F0000000000001");
        // the instance whose longer AID starts alike does not speak for it
        card.loadFiles.put("F0000000000001FF", "F06F70656E74736D02");
        ask(FIRST).attest(digest, (short) 0, answer, (short) 0);
        assertTrue(verifies("F0000000000001"));
        refuses(aid("F0000000000003"));
    }

    @Test
    void namesCardAndCertificateFromItsOwnStore() {
        short length = ask(FIRST).cardIdentity(answer, (short) 0);
        assertEquals("42020102" + "45020304" + "93020777", PlainCard.hex(Arrays.copyOf(answer, length)));
    }

    @Test
    void signsNothingUnderASerialOfMoreThanEightBytes() throws Exception {
        storeCertificate(modulus, "9309" + "07".repeat(9));
        AttestationAuthority asked = ask(FIRST);
        ISOException refused = assertThrows(ISOException.class, () -> asked.cardIdentity(answer, (short) 0));
        assertEquals(Gp.SW_CONDITIONS, refused.getReason());
        refuses(FIRST);
    }

    @Test
    void givesNoOtherInterface() {
        assertNull(domain.getShareableInterfaceObject(FIRST, (byte) 0));
        assertNull(domain.getShareableInterfaceObject(null, AttestationAuthority.PARAMETER));
    }
}
