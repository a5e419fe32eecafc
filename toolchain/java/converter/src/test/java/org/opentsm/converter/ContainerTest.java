// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapVersion;

/** A minimal applet byte for byte, and the container rules of javacard-cap.md sections 1 to 3. */
class ContainerTest {
    static final String MINIMAL = "package p; import javacard.framework.*; public class A extends Applet {"
            + " public static void install(byte[] b, short o, byte l) { new A().register(); } public void process(APDU a) { } }";

    private static RawCap raw(ConverterInput.Builder builder) {
        return new RawCap(Fixture.convert(builder).cap().orElseThrow().toZip());
    }

    private static ConverterInput.Builder minimal() {
        return Fixture.input("p", Fixture.compile(MINIMAL)).applet(Fixture.APPLET_AID, "A");
    }

    private static void check(RawCap cap, String component, String expected) {
        assertEquals(Fixture.bytes(expected), Fixture.hex(cap.info(component)), component);
    }

    @Test
    void minimalAppletByteForByte() {
        RawCap cap = raw(minimal());
        check(cap, "Header", "DECAFFED 01 02 04 00 01 06 A00000007301");
        check(cap, "Applet", "01 07 A0000000730101 0008");
        check(cap, "Import", "01 06 01 07 A0000000620101");
        check(cap, "ConstantPool", "0004 06 800300 06 000001 03 800301 01 000000");
        check(cap, "Class", "00 8003 00 FF 00 07 01 00 00 0015");
        check(cap, "Method", "00  01 10 18 8C 0000 7A  02 30 8F 0003 3D 8C 0001 8B 0002 7A  00 20 7A");
        check(cap, "StaticField", "0000 0000 0000 0000 0000");
        check(cap, "RefLocation", "0000 0004 05 06 04 03");
        check(
                cap,
                "Descriptor",
                "01  00 01 0000 00 0000 0003"
                        + " 00 81 0001 000A 0005 0000 0000  01 09 0008 000C 000B 0000 0000  07 01 0015 000F 0001 0000 0000"
                        + " 0004 000A 000A 000A FFFF  01 10  04 B431  06 6800A1");
        check(cap, "Directory", "0010 001F 000B 000B 0012 000C 0018 000A 0008 0000 0041 0000 0000 0000 01 01 00");
        assertEquals(
                List.of(
                        "Applet",
                        "Class",
                        "ConstantPool",
                        "Descriptor",
                        "Directory",
                        "Header",
                        "Import",
                        "Method",
                        "RefLocation",
                        "StaticField"),
                new ArrayList<>(cap.parts.keySet()));
    }

    @Test
    void laterFormatsCarryNameSignaturePoolAndTokenMapping() {
        RawCap two = raw(minimal().capVersion(CapVersion.V2_2));
        check(two, "Header", "DECAFFED 02 02 04 00 01 06 A00000007301 01 70");
        check(two, "Class", "0000 00 8003 00 FF 00 07 01 00 00 0015");
        assertEquals(33, two.info("Directory").length);
        RawCap three = raw(minimal().capVersion(CapVersion.V2_3));
        check(three, "Class", "0000 00 8003 00 FF 00 07 01 00 00 0015 00 01 02 03 04 05 06 07 08");
        assertEquals(37, three.info("Directory").length);
    }

    @Test
    void importsTakeTheVersionOfTheExportFileUsed() {
        Map<String, String> versions =
                Map.of("2.2.1", "1.2", "2.2.2", "1.3", "3.0.1", "1.4", "3.0.4", "1.5", "3.0.5", "1.6");
        versions.forEach((level, version) -> {
            ConverterInput.Builder builder = ConverterInput.builder("p", Fixture.PACKAGE_AID, 1, 0)
                    .exports(Fixture.exports(level))
                    .level(level)
                    .applet(Fixture.APPLET_AID, "p.A");
            Fixture.compile(level, Map.of(), List.of("--release", "8", "-g"), MINIMAL)
                    .values()
                    .forEach(builder::classFile);
            assertEquals(List.of("A0000000620101 " + version), raw(builder).imports, level);
        });
    }

    @Test
    void sameInputGivesTheSameBytesInAnyOrder() {
        Map<String, byte[]> classes = Fixture.compile(DifferentialTest.OBJECTS);
        byte[] first = Fixture.convert(Fixture.input("d", classes).debug(true))
                .cap()
                .orElseThrow()
                .toZip();
        List<byte[]> files = new ArrayList<>(classes.values());
        for (int seed = 0; seed < 3; seed++) {
            Collections.shuffle(files, new java.util.Random(seed));
            ConverterInput.Builder builder = Fixture.input("d", Map.of()).debug(true);
            files.forEach(builder::classFile);
            assertEquals(
                    Fixture.hex(first),
                    Fixture.hex(Converter.convert(builder.build())
                            .cap()
                            .orElseThrow()
                            .toZip()));
        }
    }

    @Test
    void intFlagIsSetExactlyWhenIntIsUsed() {
        RawCap without = raw(Fixture.input("q", Fixture.compile("package q; public class Q { public static short s; }"))
                .ints(true));
        assertEquals(2, without.headerFlags);
        for (String member : List.of(
                "int f;",
                "static int f;",
                "int[] f;",
                "int m() { return 1; }",
                "void m(int a) { }",
                "static short m(short a, short b) { return (short) ((a + b) >> 1); }")) {
            RawCap with = raw(Fixture.input("q", Fixture.compile("package q; public class Q { " + member + " }"))
                    .ints(true));
            assertEquals(3, with.headerFlags, member);
        }
    }

    @Test
    void manifestNamesPackageAppletsAndImports() {
        CapFile cap = Fixture.convert(minimal()).cap().orElseThrow();
        String text = new String(cap.manifest().orElseThrow(), java.nio.charset.StandardCharsets.UTF_8);
        for (String line : List.of(
                "Manifest-Version: 1.0",
                "Name: p",
                "Java-Card-CAP-File-Version: 2.1",
                "Java-Card-Package-Version: 1.0",
                "Java-Card-Package-Name: p",
                "Java-Card-Package-AID: 0xa0:0x00:0x00:0x00:0x73:0x01",
                "Java-Card-Applet-1-Name: A",
                "Java-Card-Applet-1-AID: 0xa0:0x00:0x00:0x00:0x73:0x01:0x01",
                "Java-Card-Imported-Package-1-AID: 0xa0:0x00:0x00:0x00:0x62:0x01:0x01",
                "Java-Card-Imported-Package-1-Version: 1.6",
                "Java-Card-Integer-Support-Required: FALSE")) {
            assertTrue(text.contains(line + "\r\n"), line);
        }
        assertTrue(text.lines().allMatch(line -> line.length() <= 70));
    }

    @Test
    void appletsMustFit() {
        assertError(Fixture.input("p", Fixture.compile(MINIMAL)).applet(Aid.ofHex("A100000073010101"), "A"), "RID");
        assertError(
                Fixture.input("p", Fixture.compile(MINIMAL)).applet(Fixture.APPLET_AID, "B"), "is not in package p");
        assertError(minimal().applet(Fixture.APPLET_AID, "A"), "same AID");
        assertError(
                Fixture.input("p", Fixture.compile("package p; public class A { }"))
                        .applet(Fixture.APPLET_AID, "A"),
                "extends javacard.framework.Applet");
        assertError(
                Fixture.input(
                                "p",
                                Fixture.compile(
                                        "package p; import javacard.framework.*; public class A extends Applet {"
                                                + " public void process(APDU a) { } }"))
                        .applet(Fixture.APPLET_AID, "A"),
                "install(byte[], short, byte)");
    }

    @Test
    void missingExportFilesAreNamed() {
        ConverterInput.Builder builder =
                ConverterInput.builder("p", Fixture.PACKAGE_AID, 1, 0).applet(Fixture.APPLET_AID, "A");
        Fixture.compile(MINIMAL).values().forEach(builder::classFile);
        assertError(builder, "no export file of package javacard.framework");
    }

    @Test
    void membersNewerThanTheLevelAreNamed() {
        String source =
                "package p; import javacard.framework.*; class B { static boolean m() { return Applet.reSelectingApplet(); } }";
        source = source.replace("class B {", "class B extends Applet { public void process(APDU a) { }");
        ConverterInput.Builder builder = ConverterInput.builder("p", Fixture.PACKAGE_AID, 1, 0)
                .exports(Fixture.exports("2.2.1"))
                .level("2.2.1")
                .levels((c, name, d) -> c.equals("javacard/framework/Applet") && name.equals("reSelectingApplet")
                        ? java.util.Optional.of(name + " exists since javacard.framework 1.5")
                        : java.util.Optional.empty());
        Fixture.compile(source).values().forEach(builder::classFile);
        Diagnostic error = assertError(builder, "reSelectingApplet exists since javacard.framework 1.5");
        assertEquals(1, error.line());
        assertEquals("p.B", error.className());
    }

    @Test
    void classesOfAnotherPackageAreRefused() {
        assertError(Fixture.input("other", Fixture.compile(MINIMAL)), "does not belong to package other");
        assertError(Fixture.input("p", Map.of()), "no class of package p");
        assertError(Fixture.input("", Map.of()), "named package");
    }

    private static Diagnostic assertError(ConverterInput.Builder builder, String text) {
        List<Diagnostic> errors = Fixture.errors(builder);
        return errors.stream()
                .filter(e -> e.message().contains(text))
                .findFirst()
                .orElseThrow(() -> new AssertionError(text + " not in " + errors));
    }
}
