// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Everything outside the Java Card language is an error with class, method, line and what to write instead. */
class SubsetTest {
    /** Statement in line 3 of method m, part of the text. */
    private static final String[][] STATEMENTS = {
        {"long v = a; a = (short) v;", "long, float and double"},
        {"float v = a; a = (short) v;", "long, float and double"},
        {"double v = a * 2.0; a = (short) v;", "long, float and double"},
        {"char c = (char) a; a = (short) c;", "char is not"},
        {"char c = 'x'; if (c == a) a = 1;", "variable c is char"},
        {"char[] c = new char[2]; a = (short) c[0];", "char is not"},
        {"Object o = \"text\";", "String is not"},
        {"Object o = \"n\" + a;", "String"},
        {"Object o = Q.class;", "class literals"},
        {"synchronized (this) { a++; }", "synchronized"},
        {"byte[][] x = new byte[2][3];", "arrays of arrays"},
        {"byte[][] x = new byte[2][];", "arrays of arrays"},
        {"Object o = new byte[1].clone();", "clone is not supported"},
        {"Runnable r = () -> { };", "lambda"},
        {"Runnable r = this::toString;", ""},
        {"a = (short) hashCode();", "Object has only equals(Object)"},
        {"Object o = toString();", "String is not"},
        {"assert a > 0;", "assert is not"},
        {"a = (short) Math.abs(a);", "java.lang.Math is not part of the Java Card API"},
        {"throw new IllegalStateException();", "java.lang.IllegalStateException is not part"},
        {"try { a++; } catch (Error e) { }", "java.lang.Error is not part"},
        {"new Thread();", "java.lang.Thread"},
        {"Integer i = 5;", "java.lang.Integer"},
        {"Object o = new java.util.ArrayList();", "java.util.ArrayList is not part"},
        {"boolean b = this instanceof Cloneable;", "java.lang.Cloneable"},
        {"switch (text()) { case \"x\": a = 1; }", "String"},
        {"int i = 5; a = (short) i;", "variable i is int"},
        {"a = (short) (a + 1L);", "long, float and double"},
        {"Object o = getClass();", "getClass"},
        {"try (java.io.Closeable c = null) { } catch (Exception e) { }", "java.io.Closeable"},
        {"Object o = (java.util.function.Supplier<Object>) Object::new;", "lambda"},
    };

    /** Members and types, the member named, part of the text. */
    private static final String[][] MEMBERS = {
        {"class Q { long f; }", "f", "long, float and double"},
        {"class Q { double[] f; }", "f", "long, float and double"},
        {"class Q { char f; }", "f", "char is not"},
        {"class Q { String f; }", "f", "String is not"},
        {"class Q { byte[][] f; }", "f", "arrays of arrays"},
        {"class Q { volatile short f; }", "f", "volatile"},
        {"class Q { native void m(); }", "m()V", "native methods"},
        {"class Q { synchronized void m() { } }", "m()V", "synchronized"},
        {"class Q { strictfp void m() { } }", "m()V", "strictfp"},
        {"class Q { protected void finalize() { } }", "finalize()V", "finalize"},
        {"class Q { void m(float v) { } }", "m(F)V", "long, float and double"},
        {"class Q { char m() { return 'x'; } }", "m()C", "char is not"},
        {"enum Q { A, B }", "", "enum is not supported"},
        {"interface Q { default void m() { } }", "m()V", "default, static and private"},
        {"interface Q { static void m() { } }", "m()V", "default, static and private"},
        {"interface Q { byte[] F = new byte[2]; }", "F", "compile-time constant"},
        {"interface Q { String F = \"x\"; }", "F", "String is not"},
        {"@interface Q { }", "", "annotation"},
        {"class Q { void m(int[] a) { } }", "m([I)V", "int needs int support"},
        {"class Q { static int f; }", "f", "int needs int support"},
        {"class Q extends Thread { }", "", "java.lang.Thread"},
        {"class Q implements java.rmi.Remote { }", "", "remote (RMI)"},
        {"interface Q extends java.rmi.Remote { }", "", "remote (RMI)"},
        {
            "class Q { static class N { private short v; } void m(N n) { n.v += 3; } }",
            "access$012(Lq/Q$N;I)S",
            "package-visible"
        },
        {"class Q implements Runnable { public void run() { } }", "", "java.lang.Runnable"},
    };

    @TestFactory
    Stream<DynamicTest> statements() {
        return Stream.of(STATEMENTS)
                .map(row -> DynamicTest.dynamicTest(row[0], () -> {
                    String source = "package q; class Q { static String text() { return null; }\n void m(short a) {\n"
                            + row[0] + "\n} }";
                    ConverterResult result = Converter.convert(
                            Fixture.input("q", Fixture.compile(source)).build());
                    List<Diagnostic> found = result.errors().stream()
                            .filter(e -> e.line() == 3 || row[0].startsWith("assert") || row[0].contains("Runnable"))
                            .toList();
                    assertTrue(
                            found.stream()
                                    .anyMatch(e -> e.message().contains(row[1])
                                            && e.className().startsWith("q.Q")),
                            result.errors()::toString);
                    assertTrue(found.stream().noneMatch(e -> e.message().contains("damaged")), found::toString);
                }));
    }

    @TestFactory
    Stream<DynamicTest> members() {
        return Stream.of(MEMBERS)
                .map(row -> DynamicTest.dynamicTest(row[0], () -> {
                    String source = "package q; " + row[0];
                    List<Diagnostic> errors = Fixture.errors("q", source);
                    assertTrue(
                            errors.stream()
                                    .anyMatch(e -> e.method().equals(row[1])
                                            && e.message().contains(row[2])),
                            errors::toString);
                    assertTrue(errors.stream().noneMatch(e -> e.message().contains("damaged")), errors::toString);
                }));
    }

    @Test
    void allErrorsOfAPackageAreCollected() {
        List<Diagnostic> errors = Fixture.errors(
                "q",
                "package q; class Q { long f;\nvoid m(short a) {\nlong b = a;\na = (short) (a + 5 >> 1);\n}"
                        + "\nvoid n(short a) {\nif (a + 1 > 3) a = 1;\nMath.abs(a);\n} }",
                "package q; class R { double g; void x() { Object o = \"\"; } }");
        assertTrue(errors.stream().anyMatch(e -> e.method().equals("f")), errors::toString);
        assertTrue(errors.stream().anyMatch(e -> e.method().equals("m(S)V") && e.line() == 3), errors::toString);
        assertTrue(errors.stream().anyMatch(e -> e.method().equals("n(S)V") && e.line() == 7), errors::toString);
        assertTrue(errors.stream().anyMatch(e -> e.method().equals("n(S)V") && e.line() == 8), errors::toString);
        assertTrue(
                errors.stream()
                        .anyMatch(e -> e.className().equals("q.R") && e.method().equals("x()V")),
                errors::toString);
    }

    @Test
    void laterClassFileVersionsAreAccepted() {
        String source =
                "package q; public class Q { private short v; public static short go(short a) { Q q = new Q(); q.v = a;"
                        + " return (short) (q.v + q.hidden()); } private short hidden() { return 2; } }";
        Map<String, byte[]> later = Fixture.compile("3.0.5", Map.of(), List.of("--release", "17", "-g"), source);
        Twin twin = new Twin(later, Fixture.convert(Fixture.input("q", later)));
        assertEquals(
                twin.onJvm(twin.methods("q.Q").get(0), (short) 5),
                twin.onCard(twin.methods("q.Q").get(0), (short) 5));
    }

    @Test
    void nestMatesOfLaterReleasesAreRefused() {
        for (String use : List.of("q.v", "q.hidden()", "Q.fixed()", "new Q(q.w).w")) {
            String source =
                    "package q; public class Q { private short v; short w; Q() { } private Q(short a) { } private static short fixed() { return 1; }"
                            + " static class N { short m(Q q) { return " + use
                            + "; } } private short hidden() { return 2; } }";
            Map<String, byte[]> classes = Fixture.compile("3.0.5", Map.of(), List.of("--release", "17", "-g"), source);
            List<Diagnostic> errors = Fixture.errors(Fixture.input("q", classes));
            assertTrue(errors.get(0).message().contains("compile with --release 8"), errors::toString);
            Fixture.library("q", source);
        }
    }

    @Test
    void abstractHiddenAnnotationsAndGenericsVanish() {
        Fixture.library(
                "q",
                "package q; import java.util.List; public class Q<T extends Q> { T self; @Deprecated public T get() { return self; }"
                        + " @SafeVarargs public static <E> short count(E... all) { return (short) all.length; } public short use() { return count(this, null, get()); } }");
    }
}
