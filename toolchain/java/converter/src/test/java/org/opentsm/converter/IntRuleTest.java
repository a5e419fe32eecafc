// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The off-card int rule: what is accepted must give on 16 bits what Java gives on 32 (javacard-cap.md section 12). */
class IntRuleTest {
    private static final String HEAD = "package q; public class Q { static byte[] buf; static short[] arr; static short le, off, len;"
            + " static short f(short v) { return v; } static void use(Object o) { } static final short K = 100;\n";

    private static ConverterResult convert(String body, boolean ints) {
        String source = HEAD + "static short m(short a, short b, byte c, short x) { short r = 0;\n" + body + "\nreturn r; } }";
        return Converter.convert(Fixture.input("q", Fixture.compile(source)).ints(ints).build());
    }

    private static final String[] ACCEPTED = {
        "r = (short) (a + b);", "r = (short) ((short) (a + b) / 2);", "r = buf[(short) (off + 1)];", "r = (short) (a + b - c);",
        "r = (byte) (x & 0xFF);", "r = (short) ((a & 0xFF) << 8 | (b & 0xFF));", "if (a > b) r = 1;", "if ((byte) (a + b) == c) r = 1;",
        "r = (short) (a * b + (a << 3) ^ (b - a));", "r = f((short) (a + b));", "r = buf[a];", "r = (short) (a >> 2);",
        "r = (short) (a >>> 2);", "r = (short) ((a & 0x7FFF) >>> 2);", "if ((a & 0x7FFF) >>> 2 > b) r = 1;", "r = (short) (a / 2);",
        "if (a / 2 > b) r = 1;", "if (a % b == 0) r = 1;", "r = (short) -a;", "r = (short) ~a;", "r++; r += 5; r -= 300;",
        "arr[0] = (short) (a * b);", "arr[a]++;", "buf[0] += (byte) a;", "switch (a) { case 1: r = 2; break; case 300: r = 3; }",
        "switch ((byte) (a + b)) { case 1: r = 2; }", "r = buf[(byte) (a & 3)];", "if ((a & b) == (x | c)) r = 1;",
        "r = (short) ((a + b) & 0x7F);", "if (((a + b) & 0x7F) > 3) r = 1;", "r = buf[(a + b) & 0x7F];", "r = (short) (a > b ? a : b);",
        "r = a > b ? a : c;", "use(new byte[a]);", "use(new byte[(short) (a + 1)]);", "r = (short) (arr.length - 1);",
        "for (short i = 0; i < arr.length; i++) r += arr[i];", "r = (short) (a + (40000 - 39000));", "r = K; r = (short) (K * 100);",
        "if ((a ^ b) >> 3 == c) r = 1;", "if (a >> 15 != 0) r = 1;", "r = (short) (a << b);", "r = (short) ((a + b) << 3);",
        "boolean z = a == b; if (z & c > 3) r = 1;", "if ((a & 1) != 0) r = 1;", "r = (short) (a + (b > c ? 1 : 2));",
    };

    /** Statement, then a part of the text expected. */
    private static final String[][] REJECTED = {
        {"r = buf[off + 1];", "array index"}, {"if (le + off >= len) r = 1;", "intermediate value"},
        {"r = (short) ((a + b) >> 1);", "intermediate value"}, {"r = (short) ((a * b) / c);", "intermediate value"},
        {"switch (a + b) { case 1: r = 2; }", "intermediate value"}, {"r = (short) (a & 0xFFFF);", "constant 65535"},
        {"r = (short) ((a - b) % c);", "intermediate value"}, {"r = (short) ((a << 1) >>> 1);", "intermediate value"},
        {"if (-a > b) r = 1;", "intermediate value"}, {"if ((a << 1) > b) r = 1;", "intermediate value"},
        {"if (a / b > c) r = 1;", "intermediate value"}, {"if ((a | b + c) == 0) r = 1;", "intermediate value"},
        {"if (a >>> 1 == b) r = 1;", "intermediate value"}, {"use(new byte[a + b]);", "array size"}, {"r = arr[a * 2];", "array index"},
        {"buf[a - 1] = 0;", "array index"}, {"int i = a; r = (short) i;", "variable i is int"}, {"if (a == 40000) r = 1;", "constant 40000"},
        {"for (int i = 0; i < 5; i++) r++;", "variable i is int"}, {"for (byte v : buf) r += v;", "for-each"},
        {"r = (short) (a > b ? a + 1 : b);", "intermediate value"}, {"if ((a & b + 1) == c) r = 1;", "intermediate value"},
        {"if (a + b == 0) r = 1;", "intermediate value"}, {"use(new int[2]);", "int arrays"}, {"r = (short) (a >> (b + c));", "intermediate value"},
        {"if (((a + b) & 0xFFF0) == 0) r = 1;", "constant 65520"}, {"if (((a + b) & -16) == 0) r = 1;", "intermediate value"},
        {"if (!(a * a < b)) r = 1;", "intermediate value"}, {"r = (short) (70000 - a);", "constant 70000"},
        {"arr[0] = buf[a + b];", "array index"}, {"r = (short) ((a + b) * 2 / 3);", "intermediate value"},
    };

    @TestFactory
    Stream<DynamicTest> acceptsWhatIsEqualOnSixteenBits() {
        return Stream.of(ACCEPTED).map(body -> DynamicTest.dynamicTest(body, () ->
                assertEquals(List.of(), convert(body, false).errors())));
    }

    @TestFactory
    Stream<DynamicTest> refusesWhatNeedsThirtyTwoBits() {
        return Stream.of(REJECTED).map(row -> DynamicTest.dynamicTest(row[0], () -> {
            List<Diagnostic> errors = convert(row[0], false).errors();
            assertTrue(!errors.isEmpty() && errors.stream().allMatch(e -> e.line() == 3), () -> errors.toString());
            assertTrue(errors.stream().anyMatch(e -> e.message().contains(row[1])), () -> errors.toString());
            assertEquals("q.Q", errors.get(0).className());
            assertEquals("m(SSBS)S", errors.get(0).method());
        }));
    }

    @Test
    void errorTextIsTheOneKnownFromOtherConverters() {
        assertEquals("error: line 3: q.Q.m(SSBS)S: unsupported int type of intermediate value, must cast intermediate value to"
                + " type short or byte.", convert("if (a + b > c) r = 1;", false).errors().get(0).toString());
        ConverterResult two = convert("r = buf[a + 1];\nr = buf[b + 1];", false);
        assertEquals(2, two.errors().size());
        assertEquals("conversion completed with 2 errors and 0 warnings.", two.summary());
    }

    @Test
    void intDeclarationsAreRefusedWithoutIntSupport() {
        String source = "package q; public class Q { int field; static int s; int[] a; int m() { return 1; } void p(int v) { } }";
        List<Diagnostic> errors = Fixture.errors("q", source);
        for (String member : new String[] {"field", "s", "a", "m()I", "p(I)V"}) {
            assertTrue(errors.stream().anyMatch(e -> e.method().equals(member) && e.message().contains("int")), member + " " + errors);
        }
    }

    @Test
    void allButIndexesAndSizesIsAcceptedWithIntSupport() {
        for (String[] row : REJECTED) {
            ConverterResult result = convert(row[0], true);
            boolean isIndex = row[1].equals("array index") || row[1].equals("array size") || row[0].contains("v : buf");
            assertEquals(isIndex, !result.succeeded(), () -> row[0] + " " + result.errors());
        }
    }

    // ---- random expressions ----

    private static String expression(Random random, int depth) {
        String[] leaves = {"a", "b", "c", "d", "s[1]", "t[2]", "1", "-1", "5", "127", "-128", "255", "32767", "-32768", "3"};
        if (depth == 0) {
            return leaves[random.nextInt(leaves.length)];
        }
        String left = expression(random, random.nextInt(depth));
        String right = expression(random, depth - 1);
        String[] binary = {"+", "-", "*", "/", "%", "<<", ">>", ">>>", "&", "|", "^"};
        return switch (random.nextInt(10)) {
            case 0 -> "(short) (" + left + ")";
            case 1 -> "(byte) (" + right + ")";
            case 2 -> random.nextBoolean() ? "-(" + left + ")" : "~(" + right + ")";
            case 3 -> "((" + right + ") " + "<>".charAt(random.nextInt(2)) + " (" + left + ") ? (" + expression(random, depth - 1) + ") : (" + left + "))";
            case 4 -> "((" + right + ") & 0x7F)";
            default -> "((" + left + ") " + binary[random.nextInt(binary.length)] + " (" + right + "))";
        };
    }

    private static String statement(Random random, int depth) {
        String e = expression(random, depth);
        return switch (random.nextInt(7)) {
            case 0 -> "if (" + e + " > " + expression(random, 1) + ") r = 1; else r = (short) (r + 2);";
            case 1 -> "r = t[" + e + "];";
            case 2 -> "t[(short) (" + e + ")] = (byte) (" + expression(random, 1) + ");";
            case 3 -> "switch (" + e + ") { case 0: r = 5; break; case 1: case 2: r++; break; case -7: r = 9; break; default: r--; }";
            case 4 -> "r += " + e + "; s[0] += " + expression(random, 1) + ";";
            default -> "r = (short) (" + e + ");";
        };
    }

    private static String program(Random random, int index, int depth) {
        StringBuilder body = new StringBuilder("public static short m" + index + "(short a, short b, byte c, short d, short[] s, byte[] t) { short r = 0; ");
        for (int i = 0; i <= random.nextInt(3); i++) {
            body.append(statement(random, depth));
        }
        return body.append(" return r; }").toString();
    }

    /** Random programs: those accepted agree with Java for random inputs; enough of them are accepted to tell. */
    @Test
    void whatIsAcceptedAgreesWithJava() {
        Random random = new Random(20261122);
        int accepted = 0;
        int refused = 0;
        for (int batch = 0; batch < 8; batch++) {
            List<String> programs = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                programs.add(program(random, i, 1 + random.nextInt(3)));
            }
            Set<String> bad = refused(programs);
            List<String> good = new ArrayList<>(programs);
            good.removeIf(p -> bad.contains(p.substring(p.indexOf(" m") + 1, p.indexOf('('))));
            accepted += good.size();
            refused += bad.size();
            agree(Twin.of(false, "q", source(good)), random);
        }
        int taken = accepted;
        assertTrue(accepted > 100, () -> "only " + taken + " programs were accepted");
        assertTrue(refused > 50, "hardly anything was refused");
    }

    /** With int support everything but int indexes is accepted, and computes what Java computes. */
    @Test
    void randomProgramsAgreeWithIntSupport() {
        Random random = new Random(7);
        for (int batch = 0; batch < 4; batch++) {
            List<String> programs = new ArrayList<>();
            while (programs.size() < 50) {
                String program = program(random, programs.size(), 1 + random.nextInt(3));
                if (!program.contains("r = t[")) {
                    programs.add(program.replace("(short a,", "(int a,"));
                }
            }
            agree(Twin.of(true, "q", source(programs)), random);
        }
    }

    /** Locals of every type, loops, handlers and calls: webs of short and int meet in all ways, with and without -g. */
    @Test
    void mixedWidthProgramsAgreeWithJava() {
        Random random = new Random(11);
        for (int batch = 0; batch < 6; batch++) {
            StringBuilder source = new StringBuilder("package q; public class Q { static int big; static short small;"
                    + " static int wide(int x, short y) { return x * 3 - y; }\n");
            for (int i = 0; i < 40; i++) {
                source.append(new RandomProgram(random).method(i)).append('\n');
            }
            Map<String, byte[]> classes = Fixture.compile("3.0.5", Map.of(),
                    List.of("--release", "8", batch % 2 == 0 ? "-g" : "-g:none"), source.append("}").toString());
            agree(new Twin(classes, Fixture.convert(Fixture.input("q", classes).ints(true))), random);
        }
    }

    private static String source(List<String> programs) {
        return "package q; public class Q {\n" + String.join("\n", programs) + "\n}";
    }

    private static Set<String> refused(List<String> programs) {
        Map<String, byte[]> classes = Fixture.compile(source(programs));
        ConverterResult result = Converter.convert(Fixture.input("q", classes).build());
        Set<String> names = new HashSet<>();
        result.errors().forEach(e -> names.add(e.method().substring(0, e.method().indexOf('('))));
        return names;
    }

    private static void agree(Twin twin, Random random) {
        for (Method m : twin.methods("q.Q")) {
            for (int round = 0; round < 25; round++) {
                Object[] arguments = DifferentialTest.arguments(m, random);
                assertEquals(twin.onJvm(m, arguments), twin.onCard(m, arguments),
                        () -> m.getName() + java.util.Arrays.deepToString(arguments));
            }
        }
    }
}
