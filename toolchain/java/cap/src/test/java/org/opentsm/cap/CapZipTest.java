// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CapZipTest {
    private static CapFormatException refused(Map<String, byte[]> files) {
        return assertThrows(CapFormatException.class, () -> CapZip.read(MinimalApplet.zipOf(files)));
    }

    @Test
    void namesThatLeaveTheArchiveAreRefused() {
        for (String name : List.of("../x", "a/../../x", "/etc/x", "a\\b", "C:x", "a/..")) {
            assertTrue(refused(Map.of(name, new byte[1])).expected().contains("inside"), name);
        }
        assertEquals(1, CapZip.read(MinimalApplet.zipOf(Map.of("a/..b/c", new byte[1]))).size());
    }

    @Test
    void aBombStopsAtTheBound() {
        CapFormatException e = refused(Map.of("a/javacard/Header.cap", new byte[CapZip.MAX_TOTAL_SIZE + 1]));
        assertTrue(e.expected().contains("inflated"), e.getMessage());
    }

    @Test
    void tooManyEntriesAreRefused() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (int i = 0; i <= CapZip.MAX_ENTRIES; i++) {
            files.put("f" + i, new byte[0]);
        }
        assertTrue(refused(files).expected().contains("entries"));
    }

    @Test
    void twoNamesThatDifferInCaseOnlyAreRefused() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("a/javacard/Header.cap", new byte[0]);
        files.put("a/javacard/header.cap", new byte[0]);
        assertTrue(refused(files).expected().startsWith("one entry"));
    }

    @Test
    void twoPackagesInOneFileAreRefused() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("a/javacard/Header.cap", MinimalApplet.bytes(MinimalApplet.hex().get("Header")));
        files.put("b/javacard/Header.cap", MinimalApplet.bytes(MinimalApplet.hex().get("Header")));
        assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zipOf(files)));
    }
}
