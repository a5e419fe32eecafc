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

    @Test
    void aDirectoryThatTellsOtherThanTheEntriesIsRefused() {
        byte[] zip = CapZip.write(List.of(new CapZip.Item("a/x", new byte[] {1}), new CapZip.Item("a/y", new byte[] {2})));
        assertEquals(2, CapZip.read(zip).size());
        int directory = zip.length - 22 - 2 * (46 + 3);
        for (int offset : new int[] {0, 16, 24, 42, 46 + 2}) {
            byte[] changed = zip.clone();
            changed[directory + offset] ^= 1;
            assertThrows(CapFormatException.class, () -> CapZip.read(changed), "directory byte " + offset);
        }
        byte[] counted = zip.clone();
        counted[zip.length - 12]--;
        assertThrows(CapFormatException.class, () -> CapZip.read(counted));
        assertThrows(CapFormatException.class, () -> CapZip.read(java.util.Arrays.copyOf(zip, zip.length - 1)));
    }
}
