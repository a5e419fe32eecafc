// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.utils.AIDUtil;
import java.util.HexFormat;
import javacard.framework.AID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opentsm.simulator.views.ViewApplet;
import org.opentsm.simulator.views.lent.BorrowerApplet;

/** Array views, Java Card 3.1: one memory, rights, bounds, owners. The array holds 00 to 0F before each attempt. */
class ArrayViewsTest {

    private static final AID OWN = AIDUtil.create("F000000001");
    private static Simulator card;

    @BeforeAll
    static void install() {
        card = new Simulator();
        AID other = AIDUtil.create("F000000002");
        card.installApplet(other, BorrowerApplet.class);
        card.installApplet(OWN, ViewApplet.class);
        card.selectApplet(OWN);
    }

    private static String attempt(String way) {
        byte[] answer = card.transmitCommand(HexFormat.of().parseHex("80" + way + "000000"));
        return HexFormat.of().withUpperCase().formatHex(answer);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "00, stores and loads through two views,  00 00010203556006660809 0A0B0C0D0E6E",
        "04, copies and fills and sets a short,   00 00010203040577050607 12340C0D0E0F",
        "05, takes back what a transaction stored, 00 00010203040506070809 0A0B0C0D0E0F",
        "06, booleans and shorts and ints,        00 01432101020304010309 0A0B0C0D0E0F",
        "30, lends it to be read,                 00 07010203040506070809 0A0B0C0D0E0F",
        "31, lends it to be written,              00 00010203044406070809 0A0B0C0D0E0F",
        "24, fills it with a key,                 00 00000000000000000000 000000000000",
    })
    void oneMemory(String way, String what, String answer) {
        assertEquals(answer.replace(" ", "") + "9000", attempt(way));
    }

    @Test
    void aCipherWritesThroughAView() {
        // AES-128, key of zeros, plain text 00 to 0F, as OpenSSL gives it.
        assertEquals("00" + "7ACA0FD9BCD6EC7C9F97466616E6A282" + "9000", attempt("20"));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "01, an element behind its end,           02",
        "02, reads what is only writable,         01",
        "03, writes what is only readable,        01",
        "10, a view over the end of the array,    02",
        "11, a view before its beginning,         02",
        "12, a view without rights,               11",
        "13, a right that there is not,           11",
        "14, an array of objects,                 11",
        "15, more rights than the view below has, 01",
        "16, keeps it in a field,                 01",
        "17, keeps it in an array,                01",
        "18, keeps it in a static field,          01",
        "21, enciphers what is only writable,     01",
        "22, enciphers into what is only readable, 01",
        "23, digests what is only writable,       01",
        "32, lends it to be read and it is written, 01",
        "33, lends it and it is kept,             01",
        "34, reads the view of another,           01",
        "35, lends the array itself,              01",
    })
    void refuses(String way, String what, String thrown) {
        assertEquals(thrown, attempt(way).substring(0, 2));
    }
}
