// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.open.FileGrant;

/** What INSTALL says of a toolkit application, in the form of the UICC and in that of the SIM. */
class InstallLimitsTest {

    /** Priority 1, 2 timers, 10 characters, entries (1, 7E) and (2, 7F), 1 channel, no security level, one TAR. */
    private static final String FIELDS = "01020A02017E027F01" + "00" + "03B00010";

    private static void check(InstallLimits limits) {
        assertEquals(1, limits.priority());
        assertEquals(2, limits.timers());
        assertEquals(10, limits.textLength());
        assertArrayEquals(Hex.decode("0102"), limits.positions());
        assertArrayEquals(Hex.decode("7E7F"), limits.identifiers());
        assertArrayEquals(Hex.decode("B00010"), limits.tar());
    }

    @Test
    void uiccParametersStandUnderEa() {
        check(InstallLimits.of(Hex.decode("C900" + "EA10" + "800E" + FIELDS)));
    }

    @Test
    void simParametersBeginWithTheAccessDomain() {
        check(InstallLimits.of(Hex.decode("EF12" + "CA10" + "0100" + FIELDS + "C900")));
    }

    @Test
    void filesAreGrantedByEaAndBySimParameters() {
        FileGrant both = FileGrant.of(Hex.decode("C900" + "EA0C" + "8104000100" + "00" + "82040001FF" + "00"));
        assertArrayEquals(Hex.decode("00010000"), both.user());
        assertArrayEquals(Hex.decode("0001FF00"), both.administrator());
        FileGrant sim = FileGrant.of(Hex.decode("EF12" + "CA10" + "0100" + FIELDS + "C900"));
        assertArrayEquals(Hex.decode("00010000"), sim.user());
        assertNull(sim.administrator());
        for (String nothing : List.of("", "C900", "EA028000", "EF02CA00", "EF04CA020200", "EA048104")) {
            assertEquals(FileGrant.NONE, FileGrant.of(Hex.decode(nothing)), nothing);
        }
    }

    @Test
    void moreThanACardHasIsNotAllowed() {
        for (String fields : List.of(
                "01080A00" + "07" + "00" + "00" + "08",
                "01080A03" + "0101" + "0100" + "0100" + "07" + "00" + "00" + "08",
                "01080A01" + "807F")) {
            assertTrue(limits(fields).allowed(), fields);
        }
        for (String fields : List.of(
                "01090A00" + "00" + "00" + "00" + "00",
                "01000A00" + "08" + "00" + "00" + "00",
                "01000A00" + "00" + "00" + "00" + "09",
                "01000A01" + "0180" + "00",
                "01000A01" + "01FF" + "00",
                "01000A02" + "0101" + "0201" + "00")) {
            assertFalse(limits(fields).allowed(), fields);
        }
    }

    private static InstallLimits limits(String fields) {
        int length = fields.length() / 2;
        return InstallLimits.of(Hex.decode(String.format("EA%02X80%02X", length + 2, length) + fields));
    }

    @Test
    void whatIsCutOffOrAbsentLimitsNothingElse() {
        assertSame(InstallLimits.NONE, InstallLimits.of(Hex.decode("C900")));
        assertSame(InstallLimits.NONE, InstallLimits.of(new byte[0]));
        for (int length = 0; length < 14; length++) {
            String part = FIELDS.substring(0, 2 * length);
            assertEquals(length < 4 ? 0 : 2, limits(part).identifiers().length);
        }
    }
}
