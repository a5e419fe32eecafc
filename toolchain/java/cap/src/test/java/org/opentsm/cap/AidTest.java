// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The spellings of an AID in build files, configuration files and command lines of the field. */
class AidTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "A00000006203010C0101                              | A00000006203010C0101",
                "0xa0:0x0:0x0:0x0:0x62:0x3:0x1:0xc:0x1:0x1         | A00000006203010C0101",
                "0xa0:0x0:0x0:0x0:0x62:0x3:0x1:0xc:0x1             | A00000006203010C01",
                "0xA0:0x00:0x00:0x00:0x62:0x03:0x01:0x0C:0x01:0x01 | A00000006203010C0101",
                "A0:0:0:0:62:3                                     | A00000006203",
                "a0 00 00 00 62 03                                 | A00000006203",
                "0xA0 0x0 0x0 0x0 0x62 0x3                         | A00000006203",
                "0xA00x00x00x00x620x3                              | A00000006203",
                "0XA0;0X00;0X00;0X00;0X62;0X03                     | A00000006203",
                "0xA0, 0x00, 0x00, 0x00, 0x62, 0x03                | A00000006203",
                "0xA00000006203                                    | A00000006203",
                "A000000062 03010C01                               | A00000006203010C01",
                "//aid/A000000062/03010C01                         | A00000006203010C01",
                "//aid/A000000062/                                 | A000000062",
            })
    void readsEverySpelling(String text, String aid) {
        assertEquals(Aid.ofHex(aid), Aid.ofText(text));
    }

    @ParameterizedTest(name = "{index}: '{0}'")
    @ValueSource(
            strings = {
                "A00000006",
                "0xA0:0x000:0x00:0x00:0x62",
                "A0:G:0:0:62",
                "A0-00-00-00-62",
                "A0/0/0/00/62/03",
                "1PAY.SYS.DDF01",
            })
    void refusesWhatIsNotHex(String text) {
        assertThrows(IllegalArgumentException.class, () -> Aid.ofText(text));
    }

    @ParameterizedTest(name = "{index}: '{0}'")
    @ValueSource(strings = {"", "0x", "A0:00:00:00", "0xA0:0x0:0x0:0x0:0x62:1:2:3:4:5:6:7:8:9:A:B:C"})
    void refusesWrongLengths(String text) {
        assertThrows(CapFormatException.class, () -> Aid.ofText(text));
    }
}
