// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.SystemException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opentsm.simulator.uicc.FilePath;

/** The parameters of registerFileEvent(), ETSI TS 102 241 annex A, and the File List of TS 102 223 8.18. */
class FileListTest {

    private static final byte[] TWO = HexFormat.of().parseHex("023F007F106F3A3F007FFF7F4A6F09");

    @Test
    void aListBeginsWithHowManyPathsItHas() {
        List<String> both = List.of("3F007F106F3A", "3F007FFF7F4A6F09");
        assertEquals(both, paths(0, TWO.length));
        assertEquals(both, paths(1, TWO.length - 1));
        assertEquals(List.of("3F007F10"), paths(0, 5));
        assertEquals(List.of(), paths(0, 0));
    }

    private static List<String> paths(int offset, int length) {
        return FileList.paths(TWO, (short) offset, (short) length).stream()
                .map(HexFormat.of().withUpperCase()::formatHex)
                .toList();
    }

    private static FilePath path(String hex, byte[] application) {
        return new FilePath(HexFormat.of().parseHex(hex), application);
    }

    @ParameterizedTest
    @CsvSource({"-1, 4", "0, 16", "12, 4", "0, -1"})
    void itLiesInItsArray(short offset, short length) {
        assertThrows(ArrayIndexOutOfBoundsException.class, () -> FileList.paths(TWO, offset, length));
    }

    @ParameterizedTest
    @CsvSource({"15, 6", "-1, 6", "0, 16", "10, 6"})
    void theNameOfAnApplicationLiesInItsArray(short offset, byte length) {
        byte[] aid = new byte[15];
        assertThrows(ArrayIndexOutOfBoundsException.class, () -> FileList.application(aid, offset, length));
    }

    @ParameterizedTest
    @CsvSource({"4", "17", "18"})
    void theNameOfAnApplicationHasFiveToSixteenBytes(byte length) {
        byte[] aid = new byte[18];
        SystemException e = assertThrows(SystemException.class, () -> FileList.application(aid, (short) 0, length));
        assertEquals(SystemException.ILLEGAL_VALUE, e.getReason());
        assertDoesNotThrow(() -> FileList.application(aid, (short) 0, (byte) 16));
        assertDoesNotThrow(() -> FileList.application(null, (short) 0, length));
    }

    @Test
    void aFileThatIsRegisteredTwiceIsTakenBackOnce() {
        byte[] name = {1, 2, 3, 4, 5};
        AID aid = new AID(name, (short) 0, (byte) name.length);
        Registration registration = new Registration(aid, InstallLimits.of(new byte[0]));
        FilePath file = path("3F007F106F3A", null);
        FilePath other = path("3F007FFF6F09", name);
        registration.watch(List.of(file, other), true);
        registration.watch(List.of(file), true);
        assertTrue(registration.hears(path("3F007FFF6F09", name)));
        assertFalse(registration.hears(path("3F007FFF6F09", new byte[5])), "of another application");
        assertFalse(registration.hears(path("3F007F206F3A", null)), "the same identifier elsewhere");
        registration.watch(List.of(file), false);
        assertFalse(registration.hears(file));
        registration.watch(List.of(other), false);
        assertFalse(registration.watchesAny());
    }

    @Test
    void aDirectoryStandsForTheFilesInItAndNotForThoseBelow() {
        byte[] name = {1, 2, 3, 4, 5};
        AID aid = new AID(name, (short) 0, (byte) name.length);
        Registration registration = new Registration(aid, InstallLimits.of(new byte[0]));
        registration.watch(List.of(path("3F007F4A", null)), true);
        assertTrue(registration.hears(path("3F007F4A6F03", null)));
        assertFalse(registration.hears(path("3F007F4A5F104F10", null)));
    }
}
