// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;

class ExportFileTest {
    /** Package a (A000000001 1.2) with interface a/I: method run()V token 0 and constant K = 5. */
    private static final String POOL = "01 0001 61  0D 01 0000 02 01 05 A000000001"
            + "  01 0003 612F49  07 0002  01 0003 72756E  01 0003 282956  01 0001 4B  01 0001 53"
            + "  01 000D 436F6E7374616E7456616C7565  03 00000005  01 0010 6A6176612F6C616E672F4F626A656374  07 000A";

    private static final String CLASS =
            "00 0601 0003 0001 000B 00" + " 0001 FF 0019 0006 0007 0001 0008 00000002 0009" + " 0001 00 0401 0004 0005";
    private static final String FORMAT_21 = "00FACADE 01 02 000C " + POOL + " 0001 01 " + CLASS;
    private static final String FORMAT_23 = "00FACADE 03 02 000C " + POOL + " 0001 0001 0001 01 " + CLASS + " 00";

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    @Test
    void namesAndTokensAreResolved() {
        ExportFile file = ExportFile.read(hex(FORMAT_21));
        assertEquals("a", file.packageName());
        assertEquals("A000000001", file.aid().toString());
        assertEquals(1, file.major());
        assertEquals(2, file.minor());
        ExportFile.ExportClass item = file.classByToken(0).orElseThrow();
        assertEquals("a/I", item.name());
        assertEquals(List.of("java/lang/Object"), item.superclasses());
        assertTrue(item.isInterface());
        assertEquals(5, item.field("K").orElseThrow().constant().orElseThrow());
        assertEquals(0, item.method("run", "()V").orElseThrow().token());
    }

    @Test
    void bothFormatsWriteBackToTheSameBytes() {
        for (String text : List.of(FORMAT_21, FORMAT_23)) {
            assertArrayEquals(hex(text), ExportFile.read(hex(text)).toBytes());
        }
        assertEquals(
                List.of(1), ExportFile.read(hex(FORMAT_23)).referencedPackages().orElseThrow());
    }

    @Test
    void theBuilderSharesEqualConstants() {
        ExportBuilder builder = new ExportBuilder(1, "a", Aid.ofHex("A000000001"), 1, 2, true);
        builder.add(
                0,
                0x601,
                "a/I",
                List.of("java/lang/Object"),
                List.of(),
                List.of(builder.constant(0x19, "K", "S", 5)),
                List.of(builder.method(0, 0x401, "run", "()V"), builder.method(1, 0x401, "run2", "()V")));
        ExportFile built = builder.build();
        ExportFile read = ExportFile.read(built.toBytes());
        assertEquals(built.classes(), read.classes());
        assertEquals(
                1,
                read.constantPool().stream()
                        .filter(e -> e instanceof ExportFile.Utf8 u && u.text().equals("()V"))
                        .count());
    }

    @Test
    void everyCutAndEveryLongerFileIsRefused() {
        byte[] whole = hex(FORMAT_21);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = java.util.Arrays.copyOf(whole, length);
            assertThrows(CapFormatException.class, () -> ExportFile.read(cut), "length " + length);
        }
        assertThrows(CapFormatException.class, () -> ExportFile.read(java.util.Arrays.copyOf(whole, whole.length + 1)));
    }

    @Test
    void changedFilesReadBackToThemselvesOrAreRefused() {
        long seed = 14;
        Random random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            byte[] bytes = hex(FORMAT_21);
            for (int k = random.nextInt(3); k >= 0; k--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                assertArrayEquals(bytes, ExportFile.read(bytes).toBytes(), "seed " + seed + " round " + i);
            } catch (CapFormatException e) {
                assertTrue(e.getMessage().length() > 10);
            }
        }
    }

    @Test
    void aPathFindsFilesInFoldersAndJarsByVersion(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("exports/a/javacard/a.exp");
        ExportFile.read(hex(FORMAT_21)).writeTo(file);
        Path jar = folder.resolve("a.jar");
        Files.write(jar, CapZip.write(List.of(new CapZip.Item("a/javacard/a.exp", hex(FORMAT_21)))));
        for (Path place : List.of(file, jar, folder.resolve("exports"))) {
            ExportPath path = new ExportPath(List.of(place));
            byte[] aid = hex("A000000001");
            assertTrue(path.find(aid, 1, 2).isPresent());
            assertTrue(path.find(aid, 1, 0).isPresent());
            assertTrue(path.find(aid, 1, 3).isEmpty());
            assertTrue(path.find(aid, 2, 0).isEmpty());
            assertTrue(path.find(hex("A000000002"), 1, 0).isEmpty());
        }
        assertThrows(IOException.class, () -> new ExportPath(List.of(folder.resolve("none"))));
    }

    @Test
    void aJarMayHoldManyOtherFiles(@TempDir Path folder) throws IOException {
        List<CapZip.Item> items = new java.util.ArrayList<>();
        for (int i = 0; i <= CapZip.MAX_ENTRIES; i++) {
            items.add(new CapZip.Item("a/Class" + i + ".class", new byte[1]));
        }
        items.add(new CapZip.Item("a/javacard/a.exp", hex(FORMAT_21)));
        Path jar = Files.write(folder.resolve("many.jar"), CapZip.write(items));
        assertEquals(1, new ExportPath(List.of(jar)).files().size());
    }

    @Test
    void theLowestFittingVersionServesAnImport(@TempDir Path folder) throws IOException {
        for (int minor : new int[] {9, 3, 5}) {
            new ExportBuilder(1, "a", Aid.ofHex("A000000001"), 1, minor, true)
                    .build()
                    .writeTo(folder.resolve(minor + ".exp"));
        }
        ExportPath path = new ExportPath(List.of(folder));
        assertEquals(3, path.find(hex("A000000001"), 1, 0).orElseThrow().minor());
        assertEquals(5, path.find(hex("A000000001"), 1, 4).orElseThrow().minor());
        assertEquals(9, path.find(hex("A000000001"), 1, 9).orElseThrow().minor());
    }
}
