// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opentsm.cap.Aid;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.cap.exp.ExportPath;

class ExportFilesTest {
    private static final ExportFile FRAMEWORK =
            new ExportFiles(ApiLevel.of("3.0.4")).byName("javacard/framework").orElseThrow();

    @Test
    void inheritedVirtualMembersAreRepeatedInEveryClass() {
        ExportClass isoException =
                FRAMEWORK.classByName("javacard/framework/ISOException").orElseThrow();
        assertEquals(7, isoException.token());
        assertEquals(
                List.of(
                        "java/lang/Object",
                        "java/lang/Throwable",
                        "java/lang/Exception",
                        "java/lang/RuntimeException",
                        "javacard/framework/CardRuntimeException"),
                isoException.superclasses());
        assertEquals(
                0,
                isoException
                        .method("equals", "(Ljava/lang/Object;)Z")
                        .orElseThrow()
                        .token());
        assertEquals(1, isoException.method("getReason", "()S").orElseThrow().token());
        assertEquals(2, isoException.method("setReason", "(S)V").orElseThrow().token());
        assertEquals(0, isoException.method("<init>", "(S)V").orElseThrow().token());
    }

    @Test
    void theSuperclassOfAnInterfaceIsObject() {
        assertEquals(
                List.of("java/lang/Object"),
                FRAMEWORK
                        .classByName("javacard/framework/Shareable")
                        .orElseThrow()
                        .superclasses());
        ExportClass handler = new ExportFiles(ApiLevel.of("3.0.4"))
                .byName("uicc/toolkit")
                .orElseThrow()
                .classByName("uicc/toolkit/ProactiveHandler")
                .orElseThrow();
        assertEquals(List.of("java/lang/Object"), handler.superclasses());
        ExportFile lang =
                new ExportFiles(ApiLevel.of("3.0.4")).byName("java/lang").orElseThrow();
        assertEquals(
                List.of(), lang.classByName("java/lang/Object").orElseThrow().superclasses());
    }

    @Test
    void inheritedInterfaceMethodsAreFlattened() {
        ExportFile toolkit =
                new ExportFiles(ApiLevel.of("3.0.4")).byName("uicc/toolkit").orElseThrow();
        ExportClass handler =
                toolkit.classByName("uicc/toolkit/ProactiveHandler").orElseThrow();
        assertEquals(List.of("uicc/toolkit/ViewHandler", "uicc/toolkit/EditHandler"), handler.interfaces());
        assertEquals(0, handler.method("getLength", "()S").orElseThrow().token());
        assertEquals(13, handler.method("clear", "()V").orElseThrow().token());
        assertEquals(23, handler.method("init", "(BBB)V").orElseThrow().token());
    }

    @Test
    void constantsHaveTheirValueAndNoToken() {
        ExportClass iso = FRAMEWORK.classByName("javacard/framework/ISO7816").orElseThrow();
        assertEquals(255, iso.field("SW_NO_ERROR").orElseThrow().token());
        assertEquals(-28672, iso.field("SW_NO_ERROR").orElseThrow().constant().orElseThrow());
    }

    @Test
    void membersNewerThanTheLevelAreLeftOut() {
        ExportClass util = FRAMEWORK.classByName("javacard/framework/Util").orElseThrow();
        assertTrue(util.method("arrayFill", "([BSSB)S").isEmpty());
        assertTrue(FRAMEWORK.classByName("javacard/framework/SensitiveArrays").isEmpty());
        assertTrue(FRAMEWORK
                .classByName("javacard/framework/JCSystem")
                .orElseThrow()
                .method("makeGlobalArray", "(BS)Ljava/lang/Object;")
                .isPresent());
    }

    /** Reads the first bytes by hand: magic, format, and the version inside the package entry. */
    @ParameterizedTest(name = "{1} of {0} says {2}")
    @CsvSource({
        "2.2.1, javacard/framework, 1.2",
        "2.2.2, javacard/security, 1.3",
        "3.0.1, javacardx/crypto, 1.4",
        "3.0.4, javacard/framework, 1.5",
        "3.0.5, javacard/framework, 1.6"
    })
    void theBytesCarryTheVersionOfTheLevel(String level, String name, String version) {
        ExportFile file = new ExportFiles(ApiLevel.of(level)).byName(name).orElseThrow();
        ByteBuffer bytes = ByteBuffer.wrap(file.toBytes());
        assertEquals(0x00FACADE, bytes.getInt());
        assertEquals(1, bytes.get(), "format minor comes first");
        assertEquals(2, bytes.get());
        int entries = bytes.getShort() & 0xFFFF;
        String found = null;
        for (int i = 0; i < entries; i++) {
            int tag = bytes.get();
            switch (tag) {
                case 1 -> bytes.position(bytes.position() + 2 + (bytes.getShort(bytes.position()) & 0xFFFF));
                case 3 -> bytes.getInt();
                case 7 -> bytes.getShort();
                case 13 -> {
                    assertEquals(1, bytes.get(), "library");
                    bytes.getShort();
                    int minor = bytes.get();
                    found = bytes.get() + "." + minor;
                    bytes.position(bytes.position() + 1 + bytes.get(bytes.position()));
                }
                default -> throw new AssertionError("tag " + tag);
            }
        }
        assertEquals(version, found);
    }

    @Test
    void everyLevelWritesAndReadsBackItsFiles(@TempDir Path folder) throws IOException {
        for (String level : List.of("2.2.1", "2.2.2", "3.0.1", "3.0.4", "3.0.5")) {
            ExportFiles files = new ExportFiles(ApiLevel.of(level));
            files.writeTo(folder.resolve(level));
            for (ExportFile file : files.all()) {
                Path path = folder.resolve(level).resolve(ExportFiles.pathOf(file.packageName()));
                assertArrayEquals(
                        file.toBytes(),
                        ExportFile.read(Files.readAllBytes(path)).toBytes(),
                        path.toString());
            }
        }
    }

    @Test
    void theProviderServesOlderImportsOfTheSameMajorVersion() {
        ExportFileProvider provider = new ExportFiles(ApiLevel.of("3.0.4"));
        byte[] framework = Aid.ofHex("A0000000620101").bytes();
        assertTrue(provider.find(framework, 1, 0).isPresent());
        assertTrue(provider.find(framework, 1, 5).isPresent());
        assertTrue(provider.find(framework, 1, 6).isEmpty());
        assertTrue(provider.find(framework, 2, 0).isEmpty());
        assertTrue(provider.find(Aid.ofHex("D0000000620101").bytes(), 1, 0).isEmpty());
    }

    @Test
    void theServiceServesTheVersionAskedForOfAnyLevel() {
        ExportFileProvider provider = ExportPath.services();
        assertEquals(
                3,
                provider.find(Aid.ofHex("A0000000620101").bytes(), 1, 3)
                        .orElseThrow()
                        .minor());
        assertEquals(
                1,
                provider.find(Aid.ofHex("A00000015100").bytes(), 1, 1)
                        .orElseThrow()
                        .minor());
        assertTrue(provider.find(Aid.ofHex("A0000000620101").bytes(), 1, 99).isEmpty());
    }
}
