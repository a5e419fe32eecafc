// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import javacard.framework.ISOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The end of a key set's sequence counter: no value comes twice. GPCS E.1.2.1, Amendment D 6.2.2.1. */
class SequenceCounterTest {

    private static final String KEY = "404142434445464748494A4B4C4D4E4F";
    private static final byte VERSION = 0x30;
    /** In a key's first block, behind version, identifier, type, maker, length, usage and access. */
    private PlainCard card;

    private KeyStore sets;

    @BeforeEach
    void putTheSet() throws Exception {
        card = new PlainCard();
        card.install(PlainCard.ISD, IssuerSecurityDomain.class, "9EFE80", "810402150370");
        sets = ((IssuerSecurityDomain) DomainHook.applet(card, PlainCard.ISD)).sets;
        assertTrue(card.exchange("00A4040008" + PlainCard.ISD + "00").endsWith("9000"));
        String data = "30" + ("8810" + KEY + "03504A77").repeat(3);
        assertTrue(card.exchange("80D80081" + String.format("%02X", data.length() / 2) + data + "00")
                .endsWith("9000"));
    }

    private void count(String value) throws Exception {
        Field field = KeyStore.class.getDeclaredField("heap");
        field.setAccessible(true);
        byte[] heap = (byte[]) field.get(sets);
        byte[] counter = PlainCard.bytes(value);
        int at = sets.find(VERSION, (byte) 1) * constant("BLOCK_SIZE") + constant("SEQUENCE");
        System.arraycopy(counter, 0, heap, at, counter.length);
        assertEquals(value, counted());
    }

    private static short constant(String name) throws Exception {
        Field field = KeyStore.class.getDeclaredField(name);
        field.setAccessible(true);
        return field.getShort(null);
    }

    private String counted() {
        byte[] counter = new byte[3];
        sets.sequence(VERSION, counter, (short) 0);
        return PlainCard.hex(counter);
    }

    @Test
    void scp03OpensNothingBehindTheLastValue() throws Exception {
        String update = "80503000080001020304050607" + "00";
        count("FFFFFD");
        assertTrue(card.exchange(update).endsWith("FFFFFE9000"));
        assertTrue(card.exchange(update).endsWith("FFFFFF9000"));
        assertEquals("6985", card.exchange(update));
        assertEquals("6985", card.exchange(update));
        assertEquals("FFFFFF", counted());
    }

    @Test
    void scp02CountsToTheEndOfTwoBytes() throws Exception {
        byte[] out = new byte[3];
        count("00FFFE");
        sets.nextSequence(VERSION, (short) 2, out, (short) 0);
        assertEquals("00FFFF", counted());
        ISOException refused =
                assertThrows(ISOException.class, () -> sets.nextSequence(VERSION, (short) 2, out, (short) 0));
        assertEquals(0x6985, refused.getReason() & 0xFFFF);
        assertEquals("00FFFF", counted());
    }
}
