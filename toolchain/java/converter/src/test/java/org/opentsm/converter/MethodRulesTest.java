// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Methods, handlers, references and the static image: javacard-cap.md sections 6 to 12, bytes written from the rules.
 */
class MethodRulesTest {
    private static final String Q = "package q; public class Q { ";

    private static RawCap raw(boolean ints, String level, String... sources) {
        return new RawCap(Fixture.convert(
                        Fixture.input("q", Fixture.compile(sources)).ints(ints).level(level))
                .cap()
                .orElseThrow()
                .toZip());
    }

    /** Bytecode of the last method of class Q. */
    private static String last(boolean ints, String level, String members) {
        RawCap cap = raw(ints, level, Q + members + " }");
        RawCap.Method m = new ArrayList<>(cap.methodAt.values()).get(cap.methodAt.size() - 1);
        return Fixture.hex(Arrays.copyOfRange(cap.method, m.code(), m.code() + m.length()));
    }

    private static void code(String expected, String members) {
        assertEquals(Fixture.bytes(expected), last(false, "3.0.4", members), members);
    }

    private static void intCode(String expected, String members) {
        assertEquals(Fixture.bytes(expected), last(true, "3.0.4", members), members);
    }

    @Test
    void selectsShortInstructions() {
        code("1C 1D 41 78", "static short m(short a, short b) { return (short) (a + b); }");
        code("1C 1D 45 5B 78", "static byte m(short a, short b) { return (byte) (a * b); }");
        code("1C 78", "static short m(short a) { return (short) a; }");
        code("59 00 01 1C 78", "static short m(short a) { a++; return a; }");
        code("59 00 80 1C 78", "static short m(short a) { a -= 128; return a; }");
        code("96 00 03E8 1C 78", "static short m(short a) { a += 1000; return a; }");
        code("1C 04 41 5B 2F 1C 78", "static byte m(byte a) { a++; return a; }");
        code("02 78", "static short m() { return -1; }");
        code("10 7F 78", "static short m() { return 127; }");
        code("11 0080 78", "static short m() { return 128; }");
        code("11 8000 78", "static short m() { return -32768; }");
        code("1C 1D 6D 04 04 78 03 78", "static boolean m(short a, short b) { if (a < b) return true; return false; }");
        code("06 90 0B 77", "static byte[] m() { return new byte[3]; }");
        code("18 94 0B 0000 77", "static byte[] m(Object o) { return (byte[]) o; }");
        code("18 95 0C 0000 78", "static boolean m(Object o) { return o instanceof short[]; }");
        code("18 94 0E 0001 77", "static Object[] m(Object o) { return (Q[]) o; }");
        code("18 92 78", "static short m(byte[] a) { return (short) a.length; }");
    }

    @Test
    void selectsIntInstructions() {
        intCode("20 22 42 79", "static int m(int a, int b) { return a + b; }");
        intCode("1C 5C 1D 5C 42 79", "static int m(short a, short b) { return a + b; }");
        intCode("1C 5C 21 42 79", "static int m(short a, int b) { return a + b; }");
        intCode("20 5E 78", "static short m(int a) { return (short) a; }");
        intCode("20 5D 78", "static byte m(int a) { return (byte) a; }");
        intCode("20 22 5F 63 04 0B 79 0A 79", "static int m(int a, int b) { if (a < b) return 1; return 0; }");
        intCode("20 0A 5F 61 04 0B 79 0A 79", "static int m(int a) { if (a == 0) return 1; return 0; }");
        intCode("5A 00 05 20 79", "static int m(int a) { a += 5; return a; }");
        intCode("97 00 03E8 20 79", "static int m(int a) { a += 1000; return a; }");
        intCode("14 00011170 79", "static int m() { return 70000; }");
        intCode("13 03E8 79", "static int m() { return 1000; }");
        intCode("1C 1D 41 78", "static short m(short a, short b) { return (short) (a + b); }");
    }

    @Test
    void fieldAccessOnThisIsFoldedAndPutfieldOnlyFromLevel305() {
        String members = "short s; byte[] r; void m(short a) { s = a; r = null; a = s; }";
        // getfield_s_this is AF, putfield_s_this B7, putfield_a_this B5
        assertEquals(Fixture.bytes("18 1D 89 00 18 01 87 01 AF 00 30 7A"), last(false, "3.0.4", members));
        assertEquals(Fixture.bytes("1D B7 00 01 B5 01 AF 00 30 7A"), last(false, "3.0.5", members));
        // not when local 0 is assigned: a class file javac does not write; not with more than one push
        assertTrue(
                last(false, "3.0.5", "byte[] r; void m() { r = new byte[4]; }").startsWith("18"));
        // not across a branch target
        assertTrue(last(false, "3.0.5", "short s; void m(boolean c) { s = c ? (short) 1 : (short) 2; }")
                .startsWith("18"));
    }

    @Test
    void headersCountCellsWithoutParameters() {
        RawCap cap = raw(
                true,
                "3.0.4",
                Q + "void a(int x, short y) { int z = x; short w = y; } static void b(short p0, short p1, short p2,"
                        + " short p3, short p4, short p5, short p6, short p7, short p8, short p9, short pa, short pb, short pc, short pd, short pe, short pf) { } }");
        List<RawCap.Method> methods = new ArrayList<>(cap.methodAt.values());
        // this 1 + int 2 + short 1 = 4 arguments; int 2 + short 1 = 3 locals; two stack cells for the int
        assertEquals(
                "0243",
                Fixture.hex(Arrays.copyOfRange(
                        cap.method, methods.get(1).offset(), methods.get(1).offset() + 2)));
        assertEquals(
                "80001000",
                Fixture.hex(Arrays.copyOfRange(
                        cap.method, methods.get(2).offset(), methods.get(2).offset() + 4)));
    }

    @Test
    void handlersAreInnermostFirstWithStopBits() {
        RawCap cap = raw(
                false,
                "3.0.4",
                Q
                        + "static short m(short a) { try { try { a = (short) (7 / a); } catch (ArithmeticException e) { a = 1; } }"
                        + " catch (RuntimeException e) { a = 2; } try { a++; } catch (NullPointerException e) { a = 3; } return a; } }");
        assertEquals(3, cap.handlers.size());
        // the inner range lies in the outer one: the search goes on; outer and last overlap nothing later
        assertEquals(
                List.of(false, true, true),
                cap.handlers.stream().map(RawCap.Handler::stop).toList());
        assertTrue(cap.handlers.stream().allMatch(h -> h.type() != 0 && cap.pool.get(h.type())[0] == 1));
        assertTrue(cap.handlers.get(0).start() >= cap.handlers.get(1).start()
                && cap.handlers.get(0).end() <= cap.handlers.get(1).end());
    }

    @Test
    void finallyHasCatchTypeZeroAndNoEntryInReferences() {
        RawCap cap = raw(false, "3.0.4", Q + "static short v; static void m() { try { v++; } finally { v--; } } }");
        assertTrue(cap.handlers.stream().allMatch(h -> h.type() == 0));
        assertEquals(Fixture.bytes("0000"), Fixture.hex(Arrays.copyOf(cap.info("RefLocation"), 2)));
    }

    @Test
    void catchTypeNeverHasIndexZero() {
        RawCap cap = raw(
                false,
                "3.0.4",
                "package q; public abstract class Q {"
                        + " static short m(short a) { try { a = (short) (1 / a); } catch (ArithmeticException e) { a = 0; } return a; } }");
        assertTrue(cap.handlers.get(0).type() > 0);
    }

    @Test
    void distancesOf255AndMoreAreSplit() {
        // 256 bytes of sspush and pop between two references: distances above 254 need FF
        StringBuilder body = new StringBuilder(Q + "static short v; static void m(short a) { v = a; ");
        for (int i = 0; i < 100; i++) {
            body.append("a = 1000; ");
        }
        RawCap cap = raw(false, "3.0.4", body + "v = a; } }");
        String references = Fixture.hex(cap.info("RefLocation"));
        // sspush + sstore_0 = 4 bytes a line, 400 bytes, then sload_0, putstatic: from index to index 2 + 400 + 1 + 1 =
        // 404 = FF 95
        assertTrue(references.endsWith("FF95"), references);
        assertTrue(references.startsWith("0000"), references);
        // exactly 255: FF 00
        RawCap exact = raw(
                false,
                "3.0.4",
                Q + "static short v; static void m(short a) { v = a; " + "a = 1000; ".repeat(62)
                        + " a = 100; v = a; } }");
        assertTrue(Fixture.hex(exact.info("RefLocation")).endsWith("FF00"), Fixture.hex(exact.info("RefLocation")));
    }

    @Test
    void farBranchesAreWide() {
        for (int size : new int[] {20, 29, 30, 31, 32, 40, 200}) {
            String source = Q + "public static short m(short a, short b) { while (a < b) { "
                    + "a += 1000; ".repeat(size) + "if (a == b) continue; if (a > 0) break; a++; } return a; }"
                    + " public static boolean n(Object o, byte[] p) { boolean r = false; if (o == null || p != o) { r = true; "
                    + "p[0] = 3; ".repeat(size)
                    + " } return r; } }";
            source = source.replace("public static boolean n(Object o", "public static boolean n(byte[] o");
            Twin twin = Twin.of(false, "q", source);
            Method m = twin.methods("q.Q").get(0);
            for (short a : new short[] {-32768, -5, 0, 7, 32000}) {
                assertEquals(twin.onJvm(m, a, (short) 8), twin.onCard(m, a, (short) 8));
            }
            Method n = twin.methods("q.Q").get(1);
            assertEquals(twin.onJvm(n, new byte[2], new byte[2]), twin.onCard(n, new byte[2], new byte[2]));
        }
    }

    @Test
    void everyWideBranchIsReached() {
        String far = "a += 1000; ".repeat(40);
        String source = Q + "public static short m(short a, short b, byte[] o, byte[] p) { short r = 0;"
                + String.join(
                        "",
                        java.util.stream.Stream.of(
                                        "a == b",
                                        "a != b",
                                        "a < b",
                                        "a >= b",
                                        "a > b",
                                        "a <= b",
                                        "a == 0",
                                        "a != 0",
                                        "a < 0",
                                        "a >= 0",
                                        "a > 0",
                                        "a <= 0",
                                        "o == p",
                                        "o != p",
                                        "o == null",
                                        "o != null")
                                .map(c -> "r <<= 1; if (" + c + ") { " + far + " r |= 1; }")
                                .toList())
                + " r &= 31; while (true) { r++; if (r > 50) return r; " + far + " } } }";
        RawCap cap = raw(false, "3.0.4", source);
        boolean[] seen = new boolean[256];
        cap.methodAt.values().forEach(m -> {
            for (int pc = m.code(); pc < m.code() + m.length(); pc += cap.length(pc)) {
                seen[cap.u1(pc)] = true;
            }
        });
        for (int op = 152; op <= 168; op++) {
            assertTrue(seen[op], "opcode " + op);
        }
        Twin twin = Twin.of(false, "q", source);
        for (short a : new short[] {-1000, 0, 3, 4}) {
            assertEquals(
                    twin.onJvm(twin.methods("q.Q").get(0), a, (short) 3, new byte[1], new byte[1]),
                    twin.onCard(twin.methods("q.Q").get(0), a, (short) 3, new byte[1], new byte[1]));
        }
    }

    @Test
    void fieldsBeyondIndex255UseTheWideForms() {
        StringBuilder source = new StringBuilder();
        for (String c : new String[] {"B0", "B1"}) {
            source.append("class ").append(c).append(" { ");
            for (int i = 0; i < 140; i++) {
                source.append("short ").append("f").append(i).append("; ");
            }
            source.append("byte b; short[] r; int x; short sum() { short t = 0; ");
            for (int i = 0; i < 140; i++) {
                source.append("f")
                        .append(i)
                        .append(" = (short) (t + ")
                        .append(i)
                        .append("); t += f")
                        .append(i)
                        .append("; ");
            }
            source.append(
                    "b = (byte) t; r = new short[3]; x = t; x += b; r[0] = (short) x; return (short) (t + r[0]); } } ");
        }
        String text =
                "package q; public class Q { public static short m(short a) { return (short) (new B0().sum() + new B1().sum() + a); } } "
                        + source;
        Twin twin = Twin.of(true, "q", text);
        Method m = twin.methods("q.Q").get(0);
        assertEquals(twin.onJvm(m, (short) 5), twin.onCard(m, (short) 5));
        RawCap cap = new RawCap(
                Fixture.convert(Fixture.input("q", Fixture.compile(text)).ints(true))
                        .cap()
                        .orElseThrow()
                        .toZip());
        boolean[] seen = new boolean[256];
        cap.methodAt.values().forEach(method -> {
            for (int pc = method.code(); pc < method.code() + method.length(); pc += cap.length(pc)) {
                seen[cap.u1(pc)] = true;
            }
        });
        for (int op : new int[] {169, 170, 171, 172, 177, 178, 179, 180}) {
            assertTrue(seen[op], "opcode " + op);
        }
    }

    @Test
    void staticImageHoldsArraysAndInitialValues() {
        RawCap cap = new RawCap(Fixture.applet(
                        "q",
                        "Q",
                        "package q; import javacard.framework.*; public class Q extends Applet {"
                                + " static final byte[] T = {1, 2}; static short s = 7; static boolean flag = true; static Object none; static byte zero; static short z2;"
                                + " static final short[] U = {300, -1}; static boolean[] bits = {true, false, true}; static byte[] empty = new byte[8]; static byte neg = -2;"
                                + " static final short CONSTANT = 9;"
                                + " public static void install(byte[] b, short o, byte l) { new Q().register(); } public void process(APDU a) { } }")
                .toZip());
        // references: T U bits empty with values, none; primitives at 0: zero, z2; others: s, flag, neg
        assertEquals(
                Fixture.bytes("0011 0005 0004  03 0002 0102  04 0004 012CFFFF  02 0003 010001  03 0008 0000000000000000"
                        + " 0003  0004 0007 01 FE"),
                Fixture.hex(cap.info("StaticField")));
        assertTrue(
                Fixture.hex(cap.info("Directory")).endsWith(Fixture.bytes("0011 0004 0011 02 01 00")),
                Fixture.hex(cap.info("Directory")));
    }

    @Test
    void staticInitialisersOutsideTheAllowedAreErrors() {
        for (String[] row : new String[][] {
            {"static Object o = new Object();", "initial value"},
            {"static byte[] a = {1}; static byte[] b = a;", "initial value"},
            {"static Object[] a = new Object[2];", "initial value"},
            {"static short s; static { s = f(); } static short f() { return 1; }", "initial value"},
            {"static byte[] a, b; static { a = b = new byte[2]; }", "two fields"},
            {"static short s; static { for (short i = 0; i < 3; i++) s++; }", "initial value"},
            {"static { R.v = 3; } static class R { static short v; }", "own class"},
            {"static Object o = new byte[3];", "declare the array type"},
            {"static byte[] a = new byte[30000], b = new byte[30000], c = new byte[30000];", "65535"}
        }) {
            List<Diagnostic> errors = Fixture.errors("q", "package q; public class Q {\n" + row[0] + "\n}");
            assertTrue(
                    errors.stream()
                            .anyMatch(e -> e.message().contains(row[1])
                                    && e.line() == 2
                                    && e.method().equals("<clinit>")),
                    row[0] + errors);
        }
    }

    @Test
    void referencesNameTheDeclaringClass() {
        RawCap cap = new RawCap(Fixture.applet(
                        "p",
                        "A",
                        "package p; import javacard.framework.*; public class A extends Applet { short f;"
                                + " public static void install(byte[] b, short o, byte l) { new B().register(); } public void process(APDU a) { B b = new B(); b.f = 1; b.process(a);"
                                + " short r = new ISOException((short) 1).getReason(); byte[] x = new byte[1]; if (x.equals(b)) super.deselect(); } }",
                        "package p; class B extends A { public boolean select() { return super.select(); } }")
                .toZip());
        List<String> entries = cap.pool.stream()
                .map(e -> String.format("%02X%06X", e[0], e[1]))
                .toList();
        // A.register is Applet's token 1; b.f belongs to A; b.process to A (offset 0); select calls super from B
        assertTrue(entries.contains("03800301"), entries.toString());
        assertTrue(entries.contains("02000000"), entries.toString());
        assertTrue(entries.contains("03000007"), entries.toString());
        assertTrue(
                entries.stream().anyMatch(e -> e.startsWith("04") && !e.startsWith("0480") && e.endsWith("06")),
                entries.toString());
        // getReason on ISOException: class 7, inherited token 1; arrays call Object.equals of java.lang
        assertTrue(entries.contains("03800701"), entries.toString());
        assertTrue(entries.contains("03810000"), entries.toString());
        assertEquals(2, cap.pool.get(0)[0], "instance fields come first");
    }

    @Test
    void descriptorTypesFollowTheExample() {
        RawCap cap = raw(
                false,
                "3.0.4",
                Q
                        + "static short m(Q q, byte[] b) { return 0; } static Q[] n(boolean[] z, short[] s, boolean b) { return null; } }");
        List<String> types =
                cap.methodAt.values().stream().map(m -> cap.type(m.type())).toList();
        assertEquals(List.of("1", "60000b4", "ac2e0000"), types);
    }

    @Test
    void unreachableCodeAndItsHandlersAreDropped() {
        org.objectweb.asm.ClassWriter writer = new org.objectweb.asm.ClassWriter(0);
        writer.visit(49, 1, "q/Q", null, "java/lang/Object", null);
        var m = writer.visitMethod(9, "m", "()S", null, null);
        var start = new org.objectweb.asm.Label();
        var end = new org.objectweb.asm.Label();
        var handler = new org.objectweb.asm.Label();
        m.visitTryCatchBlock(start, end, handler, "java/lang/RuntimeException");
        m.visitInsn(org.objectweb.asm.Opcodes.ICONST_1);
        m.visitInsn(org.objectweb.asm.Opcodes.IRETURN);
        m.visitLabel(start);
        m.visitInsn(org.objectweb.asm.Opcodes.ICONST_2);
        m.visitInsn(org.objectweb.asm.Opcodes.IRETURN);
        m.visitLabel(end);
        m.visitLabel(handler);
        m.visitInsn(org.objectweb.asm.Opcodes.ATHROW);
        m.visitMaxs(1, 0);
        RawCap cap = new RawCap(Fixture.convert(Fixture.input("q", Map.of("q/Q", writer.toByteArray())))
                .cap()
                .orElseThrow()
                .toZip());
        assertEquals(0, cap.handlers.size());
        assertEquals(Fixture.bytes("00 01 00 04 78"), Fixture.hex(cap.method));
    }

    @Test
    void debugComponentListsNamesAndLines() {
        byte[] debug = Fixture.convert(Fixture.input(
                                "q",
                                Fixture.compile(
                                        Q
                                                + "static short count; short go(short start) {\nshort next = start;\nreturn next; } }"))
                        .debug(true))
                .cap()
                .orElseThrow()
                .debug()
                .orElseThrow()
                .info();
        String text = new String(debug, java.nio.charset.StandardCharsets.ISO_8859_1);
        for (String name : List.of("q/Q", "count", "go", "(S)S", "next", "start", "this", "Q.java")) {
            assertTrue(text.contains((char) 0 + "" + (char) name.length() + name), name);
        }
    }

    @Test
    void earlierTokensAreKept() {
        var first = Fixture.convert(Fixture.input(
                        "q",
                        Fixture.compile(
                                "package q; public class B { public void m() { } public static short s() { return 1; } public short f; }",
                                "package q; public class D { }")))
                .exp()
                .orElseThrow();
        Map<String, byte[]> next = Fixture.compile(
                "package q; public class A { }",
                "package q; public class D { }",
                "package q; public class B { public static short a() { return 2; } public void k() { } public void m() { }"
                        + " public static short s() { return 1; } public byte n; public short f; public B() { } }");
        var exp = Fixture.convert(Fixture.input("q", next).earlierExport(first))
                .exp()
                .orElseThrow();
        var b = exp.classByName("q/B").orElseThrow();
        assertEquals(
                List.of(0, 1, 2),
                List.of(
                        b.token(),
                        exp.classByName("q/D").orElseThrow().token(),
                        exp.classByName("q/A").orElseThrow().token()));
        assertEquals(
                first.classByName("q/B")
                        .orElseThrow()
                        .method("s", "()S")
                        .orElseThrow()
                        .token(),
                b.method("s", "()S").orElseThrow().token());
        assertEquals(1, b.method("m", "()V").orElseThrow().token());
        assertEquals(2, b.method("k", "()V").orElseThrow().token());
        assertEquals(0, b.field("f").orElseThrow().token());
        // an older export file of the package itself is not imported from
        assertEquals(
                List.of("A0000000620001 1.0"),
                new RawCap(Fixture.convert(Fixture.input("q", next).earlierExport(first), List.of(first))
                                .cap()
                                .orElseThrow()
                                .toZip())
                        .imports);
        List<Diagnostic> errors =
                Fixture.errors(Fixture.input("q", Fixture.compile("package q; public class B { public short f; }"))
                        .earlierExport(first));
        assertTrue(
                errors.stream().anyMatch(e -> e.message().contains("class q.D"))
                        && errors.stream().anyMatch(e -> e.message().contains("q.B.m()V")),
                errors.toString());
    }
}
