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
        assertEquals(
                1,
                CapZip.read(MinimalApplet.zipOf(Map.of("a/..b/c", new byte[1]))).size());
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
        files.put(
                "a/javacard/Header.cap", MinimalApplet.bytes(MinimalApplet.hex().get("Header")));
        files.put(
                "b/javacard/Header.cap", MinimalApplet.bytes(MinimalApplet.hex().get("Header")));
        assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zipOf(files)));
    }

    @Test
    void aDirectoryThatTellsOtherThanTheEntriesIsRefused() {
        byte[] zip =
                CapZip.write(List.of(new CapZip.Item("a/x", new byte[] {1}), new CapZip.Item("a/y", new byte[] {2})));
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

    @Test
    void storedEntriesAndEntriesWithLocalSizesRead() throws java.io.IOException {
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        try (java.util.zip.ZipOutputStream out = new java.util.zip.ZipOutputStream(bytes)) {
            java.util.zip.ZipEntry entry = new java.util.zip.ZipEntry("a/x");
            entry.setMethod(java.util.zip.ZipEntry.STORED);
            entry.setSize(3);
            entry.setCrc(0x352441C2L);
            out.putNextEntry(entry);
            out.write("abc".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            out.putNextEntry(new java.util.zip.ZipEntry("a/"));
            out.setComment("made by a test");
        }
        List<CapZip.Item> items = CapZip.read(bytes.toByteArray());
        assertEquals(List.of("a/x", "a/"), items.stream().map(CapZip.Item::name).toList());
        assertEquals(3, items.get(0).content().length);
    }

    @Test
    void bytesHiddenBetweenEntriesAreRefused() {
        byte[] zip = CapZip.write(List.of(new CapZip.Item("a/x", new byte[] {1})));
        byte[] shifted = new byte[zip.length + 4];
        System.arraycopy(zip, 0, shifted, 4, zip.length);
        assertThrows(CapFormatException.class, () -> CapZip.read(shifted));
    }
}
