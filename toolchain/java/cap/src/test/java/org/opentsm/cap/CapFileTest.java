// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CapFileTest {
    private static CapFile minimal() {
        return CapFile.read(MinimalApplet.zip(MinimalApplet.hex()));
    }

    @Test
    void theMinimalAppletReadsAsWritten() {
        CapFile cap = minimal();
        assertEquals(CapVersion.V2_1, cap.header().version());
        assertEquals("A00000006203010C01 1.0", cap.header().packageInfo().toString());
        assertEquals(HeaderComponent.ACC_APPLET, cap.header().flags());
        assertEquals(
                List.of(19, 31, 14, 21, 18, 12, 24, 10, 8, 0, 65),
                cap.directory().componentSizes());
        assertEquals(1, cap.applet().orElseThrow().applets().get(0).installOffset());
        assertEquals("A0000000620101 1.3", cap.imports().packages().get(0).toString());
        assertEquals(
                ConstantPoolComponent.Entry.virtualMethod(ClassRef.external(0, 3), 1),
                cap.constantPool().entries().get(3));
        assertEquals(
                ConstantPoolComponent.Entry.internalStaticMethod(14),
                cap.constantPool().entries().get(2));
        ClassComponent.ClassInfo info =
                (ClassComponent.ClassInfo) cap.classes().entries().get(0);
        assertEquals(7, info.publicBase());
        assertEquals(List.of(21), info.publicTable());
        assertEquals(List.of(4, 8, 11, 18), cap.referenceLocations().byte2Positions());
        DescriptorComponent descriptor = cap.descriptor().orElseThrow();
        assertEquals("(byte[], short, byte) void", descriptor.typeAt(0x0C).toString());
        assertEquals("(0.10) void", descriptor.typeAt(0x0F).toString());
        MethodComponent.MethodInfo install = cap.methods().methodAt(1, 11);
        assertEquals(2, install.maxStack());
        assertEquals(3, install.nargs());
        assertEquals(
                List.of("new 1", "dup", "invokespecial 2", "invokevirtual 3", "return"),
                Instruction.decodeAll(install.code()).stream()
                        .map(Instruction::toString)
                        .toList());
    }

    @Test
    void readThenWriteGivesTheSameComponents() {
        CapFile again = CapFile.read(minimal().toZip());
        MinimalApplet.hex()
                .forEach((name, hex) -> assertArrayEquals(
                        MinimalApplet.bytes(hex),
                        again.component(ComponentTag.byName(name).orElseThrow())
                                .orElseThrow()
                                .toBytes(),
                        name));
        assertArrayEquals(minimal().toZip(), again.toZip());
    }

    @Test
    void laterFormatsReadAndWriteToTheSameBytes() throws IOException {
        Map<CapVersion, Map<String, String>> forms =
                Map.of(CapVersion.V2_2, MinimalApplet.hex22(), CapVersion.V2_3, MinimalApplet.hex23());
        for (Map.Entry<CapVersion, Map<String, String>> form : forms.entrySet()) {
            CapFile cap = CapFile.read(MinimalApplet.zip(form.getValue()));
            assertEquals(form.getKey(), cap.header().version());
            assertEquals("com/example/hello", cap.header().packageName().orElseThrow());
            assertEquals(List.of(2), cap.classes().offsets());
            form.getValue()
                    .forEach((name, hex) -> assertArrayEquals(
                            MinimalApplet.bytes(hex),
                            cap.component(ComponentTag.byName(name).orElseThrow())
                                    .orElseThrow()
                                    .toBytes(),
                            name));
            assertEquals(List.of(2), PageReader.read(cap.toZip()).classStarts);
            CapFile.Builder builder = CapFile.builder();
            for (ComponentTag tag : ComponentTag.values()) {
                cap.component(tag).ifPresent(builder::put);
            }
            assertArrayEquals(
                    MinimalApplet.bytes(form.getValue().get("Directory")),
                    builder.build().directory().toBytes());
        }
    }

    @Test
    void aCap23WithoutDescriptorStillFindsItsTokenMapping() {
        byte[] block = CapFile.read(MinimalApplet.zip(MinimalApplet.hex23())).loadFileDataBlock(false);
        CapFile cap = CapFile.read(block);
        assertArrayEquals(
                MinimalApplet.bytes(MinimalApplet.hex23().get("Class")),
                cap.classes().toBytes());
        assertEquals(
                8,
                ((ClassComponent.ClassInfo) cap.classes().entries().get(0))
                        .tokenMapping()
                        .orElseThrow()
                        .inheritableCount());
        assertArrayEquals(block, cap.loadFileDataBlock(false));
    }

    @Test
    void staticResourcesMayHaveAWideSizeInALoadFile() {
        Map<String, String> parts = MinimalApplet.hex23();
        parts.put("StaticResources", "0D 00000003 AABBCC");
        byte[] block = CapFile.read(MinimalApplet.zip(parts)).loadFileDataBlock(true);
        assertArrayEquals(block, CapFile.read(block).loadFileDataBlock(true));
    }

    @Test
    void anUnchangedZipKeepsItsCompressionAndTimes() throws IOException {
        byte[] zip = MinimalApplet.zip(MinimalApplet.hex());
        assertArrayEquals(zip, CapFile.read(zip).toZip());
        byte[] normal = CapZip.write(CapZip.read(zip));
        assertEquals(zip.length, normal.length);
        assertTrue(java.util.Arrays.mismatch(zip, normal) >= 0, "the sample must have another time than our own zips");
    }

    @Test
    void theSecondReaderAgreesWithWhatTheModelWrites() throws IOException {
        PageReader reader = PageReader.read(minimal().toZip());
        assertEquals(List.of(0), reader.classStarts);
        assertEquals(Map.of(1, 11, 14, 5, 21, 1), reader.methodLengths);
    }

    @Test
    void theLoadFileFollowsTheLoadOrder() {
        byte[] block = minimal().loadFileDataBlock(true);
        StringBuilder tags = new StringBuilder();
        for (int at = 0; at < block.length; at += 3 + ((block[at + 1] & 0xFF) << 8 | block[at + 2] & 0xFF)) {
            tags.append(block[at]).append(' ');
        }
        assertEquals("1 2 4 3 6 7 8 5 9 11 ", tags.toString());
        assertEquals(block.length - 68, minimal().loadFileDataBlock(false).length);
    }

    @Test
    void aLoadFileReadsWithAndWithoutItsHeads() throws IOException {
        byte[] block = minimal().loadFileDataBlock(true);
        ByteArrayOutputStream wrapped = new ByteArrayOutputStream();
        wrapped.write(MinimalApplet.bytes("E20A 4F03A00000 C303010203 C482"));
        wrapped.write(block.length >> 8);
        wrapped.write(block.length);
        wrapped.write(block);
        for (byte[] form : List.of(block, wrapped.toByteArray())) {
            CapFile cap = CapFile.read(form);
            assertArrayEquals(block, cap.loadFileDataBlock(true));
            assertArrayEquals(block, CapFile.read(cap.toZip()).loadFileDataBlock(true));
        }
        byte[] cut = java.util.Arrays.copyOf(wrapped.toByteArray(), wrapped.size() - 1);
        assertThrows(CapFormatException.class, () -> CapFile.read(cut));
    }

    @Test
    void debugAndUnknownFilesStayAsTheyAre() {
        Map<String, String> parts = MinimalApplet.hex();
        parts.put("Debug", "0C 9999 010203");
        parts.put("Vendor", "C0 0002 AABB");
        CapFile cap = CapFile.read(MinimalApplet.zip(parts));
        assertArrayEquals(
                MinimalApplet.bytes("0C9999010203"), cap.debug().orElseThrow().toBytes());
        assertEquals(0xC0, cap.customs().get(0).tag());
        List<CapZip.Item> items = CapZip.read(cap.toZip());
        assertArrayEquals(MinimalApplet.bytes("0C9999010203"), items.get(11).content());
        assertArrayEquals(MinimalApplet.bytes("C00002AABB"), items.get(12).content());
    }

    @Test
    void aDebugFileWithAnotherTagIsKeptAsUnknown() {
        Map<String, String> parts = MinimalApplet.hex();
        parts.put("Debug", "DB 0001 00");
        CapFile cap = CapFile.read(MinimalApplet.zip(parts));
        assertTrue(cap.debug().isEmpty());
        assertArrayEquals(MinimalApplet.bytes("DB000100"), cap.customs().get(0).toBytes());
        assertArrayEquals(
                MinimalApplet.bytes("DB000100"),
                CapZip.read(cap.toZip()).get(11).content());
    }

    @Test
    void aCapNeedsNoManifestAndNamesIgnoreCase() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        MinimalApplet.hex()
                .forEach((name, hex) -> files.put(
                        "a/javacard/" + name.toUpperCase(java.util.Locale.ROOT) + ".CAP", MinimalApplet.bytes(hex)));
        CapFile cap = CapFile.read(MinimalApplet.zipOf(files));
        assertTrue(cap.manifest().isEmpty());
        assertEquals(
                files.keySet().stream().toList(),
                CapZip.read(cap.toZip()).stream().map(CapZip.Item::name).toList());
    }

    @Test
    void theBuilderComputesTheDirectory() {
        CapFile read = minimal();
        CapFile.Builder builder = CapFile.builder()
                .packagePath("com/example/hello")
                .manifest(read.manifest().orElseThrow());
        for (ComponentTag tag : ComponentTag.values()) {
            if (tag != ComponentTag.DIRECTORY) {
                read.component(tag).ifPresent(builder::put);
            }
        }
        CapFile built = builder.build();
        assertArrayEquals(
                MinimalApplet.bytes(MinimalApplet.hex().get("Directory")),
                built.directory().toBytes());
        assertTrue(CapZip.same(CapZip.read(read.toZip()), CapZip.read(built.toZip())));
    }

    @Test
    void aMissingComponentIsNamed() {
        for (String name : List.of(
                "Header", "Directory", "Import", "ConstantPool", "Class", "Method", "StaticField", "RefLocation")) {
            Map<String, String> parts = MinimalApplet.hex();
            parts.remove(name);
            CapFormatException e = assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zip(parts)));
            assertTrue(e.getMessage().contains(name), e.getMessage());
        }
    }

    @Test
    void extendedCapsAndOtherVersionsAreRefusedClearly() {
        Map<String, String> parts = MinimalApplet.hex();
        parts.put("Header", "01 0013 DECAFFED 03 02 0C 00 01 09 A00000006203010C01");
        CapFormatException e = assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zip(parts)));
        assertTrue(e.getMessage().contains("extended"), e.getMessage());
        parts.put("Header", "01 0013 DECAFFED 04 02 04 00 01 09 A00000006203010C01");
        e = assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zip(parts)));
        assertEquals("2.4", e.got());
    }

    @Test
    void aWrongSizeFieldOrTagIsRefused() {
        Map<String, String> parts = MinimalApplet.hex();
        parts.put("StaticField", "08 000B 0000 0000 0000 0000 0000");
        CapFormatException size = assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zip(parts)));
        assertEquals("size 10", size.expected());
        parts.put("StaticField", "09 000A 0000 0000 0000 0000 0000");
        CapFormatException tag = assertThrows(CapFormatException.class, () -> CapFile.read(MinimalApplet.zip(parts)));
        assertEquals("tag 8", tag.expected());
    }

    @Test
    void aFileIsReplacedWholeAndLeavesNothingElseBehind(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("out/hello.cap");
        minimal().writeTo(file);
        minimal().writeTo(file);
        assertArrayEquals(minimal().toZip(), Files.readAllBytes(file));
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertEquals(List.of(file), files.toList());
        }
    }

    @Test
    void aFileHasThePermissionsOfAnyNewFile(@TempDir Path folder) throws IOException {
        Path plain = Files.write(folder.resolve("plain"), new byte[1]);
        minimal().writeTo(folder.resolve("hello.cap"));
        assumeTrue(Files.getFileStore(plain).supportsFileAttributeView("posix"));
        assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(folder.resolve("hello.cap")));
    }

    @Test
    void aWriteThatFailsLeavesNothing(@TempDir Path folder) throws IOException {
        Path taken = Files.createDirectories(folder.resolve("taken/child")).getParent();
        assertThrows(IOException.class, () -> minimal().writeTo(taken));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(taken), files.toList());
        }
    }
}
