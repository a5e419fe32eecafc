// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Aid;
import org.opentsm.cap.exp.ExportFile;

/** Tokens and the Class component, javacard-cap.md sections 4 and 5, with bytes written from the rules. */
class TableTest {
    private static final String APPLET = "package p; import javacard.framework.*; public class A extends Applet %s {"
            + " public static void install(byte[] b, short o, byte l) { new A().register(); } public void process(APDU a) { } %s }";

    private static RawCap applet(String interfaces, String members, String... more) {
        String[] sources = Arrays.copyOf(more, more.length + 1);
        sources[more.length] = String.format(APPLET, interfaces, members);
        return new RawCap(Fixture.applet("p", "A", sources).toZip());
    }

    private static RawCap library(String... sources) {
        return new RawCap(Fixture.library("p", sources).toZip());
    }

    private static String classInfo(RawCap cap) {
        return Fixture.hex(cap.info("Class"));
    }

    /** Offset of the n-th method of the Method component. */
    private static String at(RawCap cap, int method) {
        return String.format(
                "%04X", cap.methodAt.keySet().stream().skip(method).findFirst().orElseThrow());
    }

    @Test
    void fourBaseAndCountBytesStandBeforeBothTables() {
        // own method follows process: tokens 7 and 8; one reference field is none here
        RawCap cap = applet("", "protected void own() { }");
        assertEquals(Fixture.bytes("00 8003 00 FF 00 07 02 00 00" + at(cap, 2) + at(cap, 3)), classInfo(cap));
    }

    @Test
    void tableRunsFromLowestOverrideAndFillsImportedGapsWithFfff() {
        // select is 6, getShareableInterfaceObject 5, process 7
        RawCap cap = applet("", "public Shareable getShareableInterfaceObject(AID a, byte b) { return null; }");
        assertEquals(Fixture.bytes("00 8003 00 FF 00 05 03 00 00" + at(cap, 3) + "FFFF" + at(cap, 2)), classInfo(cap));
    }

    @Test
    void inheritedMethodsOfThePackageFillTheirPlace() {
        RawCap cap = library(
                "package p; public class B { public void a() { } public void b() { } public void c() { } }",
                "package p; public class C extends B { public void a() { } public void d() { } }",
                "package p; public class D extends B { }");
        // B: <init> 0, a b c 1..3 -> tokens 1 2 3; C: a, d -> table a b c d from 1; D: base 4, nothing
        assertEquals(
                Fixture.bytes("00 8000 00 FF 00 01 03 00 00" + at(cap, 1) + at(cap, 2) + at(cap, 3)
                        + "00 0000 00 FF 00 01 04 00 00" + at(cap, 5) + at(cap, 2) + at(cap, 3) + at(cap, 6)
                        + "00 0000 00 FF 00 04 00 00 00"),
                classInfo(cap));
    }

    @Test
    void emptyObjectSubclassHasBaseOne() {
        assertEquals(
                Fixture.bytes("00 8000 00 FF 00 01 00 00 00"), classInfo(library("package p; public class B { }")));
    }

    @Test
    void tokensContinueBehindImportedSuperclasses() {
        RawCap cap = library(
                "package p; public class E extends javacard.framework.CardRuntimeException { public E() { super((short) 1); }"
                        + " public void own() { } }");
        // CardRuntimeException has equals 0, getReason 1, setReason 2
        assertEquals(Fixture.bytes("00 8005 00 FF 00 03 01 00 00" + at(cap, 1)), classInfo(cap));
    }

    @Test
    void packageVirtualsHaveTheirOwnTable() {
        RawCap cap = library(
                "package p; public class B { void x() { } public void a() { } void y() { } }",
                "package p; public class C extends B { void y() { } void z() { } }",
                "package p; public class D extends C { }");
        // methods: B.<init> x a y, C.<init> y z, D.<init>
        assertEquals(
                Fixture.bytes("00 8000 00 FF 00 01 01 00 02" + at(cap, 2) + at(cap, 1) + at(cap, 3)
                        + "00 0000 00 FF 00 02 00 01 02" + at(cap, 5) + at(cap, 6)
                        + "00 0010 00 FF 00 02 00 03 00"),
                classInfo(cap));
        List<RawCap.Type> types = List.copyOf(cap.types.values());
        assertArrayEquals(
                new int[] {0, 0x80, 1, 0x81},
                types.get(0).methods.stream().mapToInt(RawCap.Method::token).toArray());
        assertArrayEquals(
                new int[] {0, 0x81, 0x82},
                types.get(1).methods.stream().mapToInt(RawCap.Method::token).toArray());
    }

    @Test
    void packageNumberingStartsAgainBelowAnotherPackage() {
        RawCap cap = applet("", "void first() { } void second() { }");
        assertEquals(
                Fixture.bytes("00 8003 00 FF 00 07 01 00 02" + at(cap, 2) + at(cap, 3) + at(cap, 4)), classInfo(cap));
    }

    @Test
    void abstractMethodsPointToAHeaderWithoutCode() {
        RawCap cap = library("package p; public abstract class B { protected abstract short m(short a, byte[] b); }");
        int offset = cap.types.get(0).publicTable[0];
        assertEquals("4030", Fixture.hex(Arrays.copyOfRange(cap.method, offset, cap.method.length)));
    }

    @Test
    void interfacesComeFirstWithAllSuperinterfaces() {
        RawCap cap = library(
                "package p; public interface A0 extends Z { void b(); }",
                "package p; public interface Z { void z(); }",
                "package p; public class C implements A0 { public void own() { } public void z() { } public void b() { } }");
        // Z @0: 80; A0 @1: 81 0000; C @4: interfaces Z then A0; own 1, z 2, b 3
        assertEquals(
                Fixture.bytes("80  81 0000  02 8000 00 FF 00 01 03 00 00" + at(cap, 1) + at(cap, 2) + at(cap, 3)
                        + "0000 01 02  0001 02 02 03"),
                classInfo(cap));
    }

    @Test
    void interfaceTokensAreFlattenedFromZeroInheritedFirst() {
        ConverterResult result = Fixture.convert(
                Fixture.input(
                        "p",
                        Fixture.compile(
                                "package p; public interface View { short one(); short two(); }",
                                "package p; public interface Edit { void three(); }",
                                "package p; public interface Both extends View, Edit { void four(); short two(); }",
                                "package p; public class User { static short use(Both b, View v) { b.three(); b.four(); return (short) (b.two() + v.two()); } }")));
        ExportFile exp = result.exp().orElseThrow();
        var both = exp.classByName("p/Both").orElseThrow();
        assertEquals(
                List.of("one=0", "two=1", "three=2", "four=3"),
                both.methods().stream().map(m -> m.name() + "=" + m.token()).toList());
        assertEquals(
                List.of("three=0"),
                exp.classByName("p/Edit").orElseThrow().methods().stream()
                        .map(m -> m.name() + "=" + m.token())
                        .toList());
        RawCap cap = new RawCap(result.cap().orElseThrow().toZip());
        RawCap.Method use = cap.methodAt.values().stream()
                .filter(m -> (m.flags() & 8) != 0)
                .findFirst()
                .orElseThrow();
        // b.three(): invokeinterface 1, cp, 2
        assertEquals(0x8E, cap.u1(use.code() + 1));
        assertEquals(1, cap.u1(use.code() + 2));
        assertEquals(2, cap.u1(use.code() + 5));
    }

    @Test
    void inheritedInterfaceMethodsOfTheApiAreCalledOnTheNamedInterface() {
        RawCap cap = library(
                "package p; class U { static short m(javacard.security.RSAPrivateKey k) { return k.getSize(); } }");
        RawCap.Method m = cap.methodAt.values().stream()
                .filter(x -> (x.flags() & 8) != 0)
                .findFirst()
                .orElseThrow();
        // getSize is 1 in RSAPrivateKey, class token 8
        assertEquals(
                Fixture.bytes("18 8E 01 0001 01 78"),
                Fixture.hex(Arrays.copyOfRange(cap.method, m.code(), m.code() + m.length())));
        assertEquals(0x08, cap.pool.get(1)[1] >> 8 & 0xFF);
        assertEquals(1, cap.pool.get(1)[0]);
    }

    @Test
    void shareableIsInheritedThroughInterfacesAndClasses() {
        RawCap cap = applet(
                "implements Own",
                "public short m() { return 1; }",
                "package p; public interface Own extends javacard.framework.Shareable { short m(); }",
                "package p; class Sub extends A { }",
                "package p; interface Plain { }");
        List<Integer> flags = cap.types.values().stream().map(t -> t.flags).toList();
        // Own, Plain, A, Sub
        assertEquals(List.of(0xC, 8, 4, 4), flags);
        assertEquals(
                Fixture.bytes("01 0000 00 00"),
                Fixture.hex(cap.info("Export")),
                "only the shareable interface, without members");
        assertEquals(0, cap.types.values().iterator().next().token);
        // marker interface Shareable first, then Own with its index
        RawCap.Type a = cap.types.values().stream()
                .filter(t -> !t.isInterface)
                .findFirst()
                .orElseThrow();
        assertEquals(2, a.interfaces.size());
        assertEquals(0x8002, a.interfaces.get(0).ref());
        assertArrayEquals(new int[] {}, a.interfaces.get(0).index());
        assertArrayEquals(new int[] {8}, a.interfaces.get(1).index());
    }

    @Test
    void subclassesOfImportedShareableClassesAreShareable() {
        String aid = "A000000073AA01";
        Map<String, byte[]> base = Fixture.compile(
                "package base; public interface Service extends javacard.framework.Shareable { void run(); }",
                "package base; public class Impl implements Service { public void run() { } public void more() { } }");
        ConverterResult first = Fixture.convert(Fixture.input("base", base).exports(List.of()));
        ExportFile exp = first.exp().orElseThrow();
        assertTrue(exp.classByName("base/Impl").orElseThrow().isShareable());
        assertEquals(Fixture.PACKAGE_AID, exp.aid());
        Map<String, byte[]> derived = Fixture.compile(
                "3.0.5",
                base,
                List.of("--release", "8"),
                "package p; public class Sub extends base.Impl { public void run() { } }");
        ConverterInput.Builder builder =
                ConverterInput.builder("p", Aid.ofHex(aid), 1, 0).exports(Fixture.exports("3.0.5"));
        derived.values().forEach(builder::classFile);
        RawCap cap = new RawCap(
                Fixture.convert(builder, List.of(exp)).cap().orElseThrow().toZip());
        // run is 1, more 2 in the other package: FFFF behind the override
        assertEquals(Fixture.bytes("40 8001 00 FF 00 01 02 00 00" + at(cap, 1) + "FFFF"), classInfo(cap));
    }

    @Test
    void instanceFieldsAreGroupedSoThatReferencesFormOneRun() {
        String source =
                "package p; public class F { private int i; byte[] r1; public short s; private Object r2; protected byte[] pr; short k;"
                        + " public int pi; private byte b; protected boolean z; public F f; }";
        ConverterResult result =
                Fixture.convert(Fixture.input("p", Fixture.compile(source)).ints(true));
        RawCap cap = new RawCap(result.cap().orElseThrow().toZip());
        RawCap.Type f = cap.types.get(0);
        // s 0, pi 1 (two cells), z 3 | pr 4, f 5 | r1 6, r2 7 | i 8 (two cells), k 10, b 11
        assertEquals(12, f.size);
        assertEquals(4, f.firstReference);
        assertEquals(4, f.references);
        assertEquals(
                List.of(0, 1, 3, 4, 5, 6, 7, 8, 10, 11),
                f.fields.stream().map(x -> x[0]).toList());
        assertEquals(
                List.of("s=0", "pi=1", "z=3", "pr=4", "f=5"),
                result.exp().orElseThrow().classByName("p/F").orElseThrow().fields().stream()
                        .map(x -> x.name() + "=" + x.token())
                        .toList());
    }

    @Test
    void staticMethodsAndConstructorsShareOneNumbering() {
        ConverterResult result = Fixture.convert(
                Fixture.input(
                        "p",
                        Fixture.compile(
                                "package p; public class S { static void hidden() { }"
                                        + " public S() { } public static void a() { } private S(short x) { } protected static short b() { return 0; } protected S(byte x) { }"
                                        + " public static final short K = 5; public static short v; protected static byte[] w; static short none; private static byte p; }")));
        var s = result.exp().orElseThrow().classByName("p/S").orElseThrow();
        assertEquals(
                List.of("<init>()V=0", "a()V=1", "b()S=2", "<init>(B)V=3", "equals(Ljava/lang/Object;)Z=0"),
                s.methods().stream()
                        .map(m -> m.name() + m.descriptor() + "=" + m.token())
                        .toList());
        assertEquals(
                List.of("v=0", "w=1", "K=255"),
                s.fields().stream().map(x -> x.name() + "=" + x.token()).toList());
        assertEquals(5, s.field("K").orElseThrow().constant().orElseThrow());
        RawCap cap = new RawCap(result.cap().orElseThrow().toZip());
        assertEquals(
                List.of(0xFF, 0, 1, 0xFF, 2, 3),
                cap.types.get(0).methods.stream().map(RawCap.Method::token).toList());
    }

    @Test
    void publicConstructorOfAHiddenClassStillHasAToken() {
        RawCap cap = library(
                "package p; class H { public H() { } public void m() { } private void q() { } }",
                "package p; public class P { }");
        RawCap.Type hidden = cap.types.values().stream()
                .filter(t -> t.token == 0xFF)
                .findFirst()
                .orElseThrow();
        assertEquals(
                List.of(0, 1, 0xFF),
                hidden.methods.stream().map(RawCap.Method::token).toList());
        assertEquals(1, cap.info("Export")[0], "only P");
    }

    @Test
    void mirandaMethodsGetATokenAndAnAbstractHeader() {
        RawCap cap = library(
                "package p; public interface I { short m(short a); }",
                "package p; public abstract class M implements I { public short twice() { return m((short) 2); } }");
        RawCap.Type m = cap.types.values().stream()
                .filter(t -> !t.isInterface)
                .findFirst()
                .orElseThrow();
        assertArrayEquals(new int[] {2}, m.interfaces.get(0).index());
        assertTrue(cap.methodAt.get(m.publicTable[1]).isAbstract());
    }

    @Test
    void overridesMustKeepPackageVisibility() {
        List<Diagnostic> errors = Fixture.errors(
                "p",
                "package p; public class B { void m() { } }",
                "package p; public class C extends B { public void m() { } }");
        assertTrue(errors.get(0).message().contains("cannot share its token"), errors.toString());
    }

    @Test
    void exportedMembersMayNotNameHiddenTypes() {
        List<Diagnostic> errors = Fixture.errors(
                "p", "package p; class H { }", "package p; public class B { public H m() { return null; } }");
        assertTrue(errors.get(0).message().contains("package-visible type p.H"), errors.toString());
        List<Diagnostic> extended = Fixture.errors(
                "p", "package p; class H { public void m() { } }", "package p; public class B extends H { }");
        assertTrue(extended.get(0).message().contains("package-visible class p.H"), extended.toString());
    }

    @Test
    void limitsOfTheFormatAreErrors() {
        StringBuilder methods = new StringBuilder("package p; public class B { ");
        for (int i = 0; i < 128; i++) {
            methods.append("public void m").append(i).append("() { } ");
        }
        assertTrue(Fixture.errors("p", methods + "}").get(0).message().contains("more than 128"));
        StringBuilder fields = new StringBuilder("package p; public class B { ");
        for (int i = 0; i < 256; i++) {
            fields.append("short f").append(i).append("; ");
        }
        assertTrue(Fixture.errors("p", fields + "}").get(0).message().contains("255 cells"));
        StringBuilder interfaces = new StringBuilder("package p; public class B implements I0");
        String[] sources = new String[17];
        for (int i = 0; i < 16; i++) {
            sources[i] = "package p; public interface I" + i + " { }";
            interfaces.append(i > 0 ? ", I" + i : "");
        }
        sources[16] = interfaces + " { }";
        assertTrue(Fixture.errors("p", sources).get(0).message().contains("more than 15"));
    }
}
