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
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The off-card int rule: what is accepted must give on 16 bits what Java gives on 32 (javacard-cap.md section 12). */
class IntRuleTest {
    private static final int SOAK = Integer.getInteger("opentsm.soak", 1);
    /** Zero in the gate; {@code npm run soak} goes on to other programs. */
    private static final long SEED = Long.getLong("fuzz.seed", 0);

    /** In one class, whose static methods have tokens of one byte; {@code npm run soak} takes more classes. */
    private static final int EXPRESSIONS = 84;

    /** So many are tried with every pair of operands in the gate; {@code npm run soak} tries all so. */
    private static final int WITH_EVERY_PAIR = SOAK == 1 ? 6 : EXPRESSIONS;

    private static final String HEAD =
            "package q; public class Q { static byte[] buf; static short[] arr; static short le, off, len;"
                    + " static byte bf, bg;"
                    + " static short f(short v) { return v; } static void use(Object o) { }"
                    + " static final short K = 100;\n";

    private static ConverterResult convert(String body, boolean ints) {
        String source =
                HEAD + "static short m(short a, short b, byte c, short x) { short r = 0;\n" + body + "\nreturn r; } }";
        return Converter.convert(
                Fixture.input("q", Fixture.compile(source)).ints(ints).build());
    }

    private static final String[] ACCEPTED = {
        "use(new byte[buf[4] + 2]);",
        "use(new byte[bf + 2]);",
        "r = buf[3 - bf];",
        "if (bf + 1 == c) r = 1;",
        "if (bf + bg > buf[4]) r = 1;",
        "r = (short) (a + b);",
        "r = (short) ((short) (a + b) / 2);",
        "r = buf[(short) (off + 1)];",
        "r = (short) (a + b - c);",
        "r = (byte) (x & 0xFF);",
        "r = (short) ((a & 0xFF) << 8 | (b & 0xFF));",
        "if (a > b) r = 1;",
        "if ((byte) (a + b) == c) r = 1;",
        "r = (short) (a * b + (a << 3) ^ (b - a));",
        "r = f((short) (a + b));",
        "r = buf[a];",
        "r = (short) (a >> 2);",
        "r = (short) (a >>> 2);",
        "r = (short) ((a & 0x7FFF) >>> 2);",
        "if ((a & 0x7FFF) >>> 2 > b) r = 1;",
        "r = (short) (a / 2);",
        "if (a / 2 > b) r = 1;",
        "if (a % b == 0) r = 1;",
        "r = (short) -a;",
        "r = (short) ~a;",
        "r++; r += 5; r -= 300;",
        "arr[0] = (short) (a * b);",
        "arr[a]++;",
        "buf[0] += (byte) a;",
        "switch (a) { case 1: r = 2; break; case 300: r = 3; }",
        "switch ((byte) (a + b)) { case 1: r = 2; }",
        "r = buf[(byte) (a & 3)];",
        "if ((a & b) == (x | c)) r = 1;",
        "r = (short) ((a + b) & 0x7F);",
        "if (((a + b) & 0x7F) > 3) r = 1;",
        "r = buf[(a + b) & 0x7F];",
        "r = (short) (a > b ? a : b);",
        "r = a > b ? a : c;",
        "use(new byte[a]);",
        "use(new byte[(short) (a + 1)]);",
        "r = (short) (arr.length - 1);",
        "for (short i = 0; i < arr.length; i++) r += arr[i];",
        "r = (short) (a + (40000 - 39000));",
        "r = K; r = (short) (K * 100);",
        "if ((a ^ b) >> 3 == c) r = 1;",
        "if (a >> 15 != 0) r = 1;",
        "r = (short) (a << b);",
        "r = (short) ((a + b) << 3);",
        "boolean z = a == b; if (z & c > 3) r = 1;",
        "if ((a & 1) != 0) r = 1;",
        "r = (short) (a + (b > c ? 1 : 2));",
        // What fits 16 bits whatever the operands are.
        "use(new byte[c + 2]);",
        "r = buf[5 - c];",
        "r = buf[c + 5];",
        "if (c + 1 == b) r = 1;",
        "r = (byte) ((c + 1) % c);",
        "switch (c * c) { case 100: r = 2; }",
        "for (short i = 0; i < arr.length - 1; i++) r += arr[i];",
        "r = buf[(a & 0xFF) + 1];",
        "if (c * c > b) r = 1;",
        "if (-c > b) r = 1;",
        "if (~a > b) r = 1;",
        "if ((c << 8) > b) r = 1;",
        "r = (short) ((c + 1) >> 1);",
        "if (((a & 0x7F) << 8 | (b & 0xFF)) > 5) r = 1;",
        "if (a / (b & 3) > c) r = 1;",
        "if (a % b > c) r = 1;",
        "r = arr[(a >> 8) + (b >>> 20)];",
        "if ((a >>> 17) == b) r = 1;",
        "if ((a - (b & 1) & 0x7F | 1) == 0) r = 1;",
        "if ((byte) a + (byte) b + c * 2 > r) r = 1;",
        "if (a / 2 + b / 2 > 0) r = 1;",
        "if ((a & c & 15) * 9 - 20 < b) r = 1;",
        // A count of a shift has five bits.
        "r = (short) (a >> (b + c));",
        "r = (short) (a >>> -b);",
        "r = (short) (a << b * c);",
        "r = (short) (buf[a] >> (7 - b));",
        "a >>= (8 - b);",
        "r = (byte) ((a >>> (b * 8)) & 0xFF);",
        // A join is judged by its uses.
        "r = (short) (a > b ? a + 1 : b);",
        "r = (short) (a + (c > 0 ? 2 + buf.length : 0) + (c > 0 ? 0 : 1));",
        "r = (short) (a > 0 ? a - 1 : 0);",
        "arr[0] = (short) (a > b ? a * b : c > 0 ? -a : 3);",
        "if ((a > b ? c + 1 : c - 1) > 0) r = 1;",
        "r = buf[c > 0 ? c + 1 : 0];",
    };

    /** Statement, then a part of the text expected. */
    private static final String[][] REJECTED = {
        {"r = buf[off + 1];", "array index"},
        {"if (le + off >= len) r = 1;", "intermediate value"},
        {"r = (short) ((a + b) >> 1);", "intermediate value"},
        {"r = (short) ((a * b) / c);", "intermediate value"},
        {"switch (a + b) { case 1: r = 2; }", "intermediate value"},
        {"r = (short) (a & 0xFFFF);", "constant 65535"},
        {"r = (short) ((a - b) % c);", "intermediate value"},
        {"r = (short) ((a << 1) >>> 1);", "intermediate value"},
        {"if (-a > b) r = 1;", "intermediate value"},
        {"if ((a << 1) > b) r = 1;", "intermediate value"},
        {"if (a / b > c) r = 1;", "intermediate value"},
        {"if ((a | b + c) == 0) r = 1;", "intermediate value"},
        {"if (a >>> 1 == b) r = 1;", "intermediate value"},
        {"use(new byte[a + b]);", "array size"},
        {"r = arr[a * 2];", "array index"},
        {"buf[a - 1] = 0;", "array index"},
        {"int i = a; r = (short) i;", "variable i is int"},
        {"if (a == 40000) r = 1;", "constant 40000"},
        {"for (int i = 0; i < 5; i++) r++;", "variable i is int"},
        {"for (byte v : buf) r += v;", "for-each"},
        {"if ((a > b ? a + 1 : b) > c) r = 1;", "intermediate value"},
        {"if ((a & b + 1) == c) r = 1;", "intermediate value"},
        {"if (a + b == 0) r = 1;", "intermediate value"},
        {"use(new int[2]);", "int arrays"},
        {"r = buf[a > b ? a + 1 : b];", "array index"},
        {"if (((a + b) & 0xFFF0) == 0) r = 1;", "constant 65520"},
        {"if (((a + b) & -16) == 0) r = 1;", "intermediate value"},
        {"if (!(a * a < b)) r = 1;", "intermediate value"},
        {"r = (short) (70000 - a);", "constant 70000"},
        {"arr[0] = buf[a + b];", "array index"},
        {"r = (short) ((a + b) * 2 / 3);", "intermediate value"},
        {"if (a + 1 > b) r = 1;", "intermediate value"},
        {"short k = 0; if (k + 1 > a) r = 1;", "intermediate value"},
        {"r = (short) ((a + b) >> c);", "intermediate value"},
        {"r = (short) ((c > 0 ? a + b : a) >> 1);", "intermediate value"},
        {"r = (short) (c / (a + b));", "intermediate value"},
        {"r = (short) (a / (b - c));", "intermediate value"},
        {"if (arr.length + 1 > a) r = 1;", "intermediate value"},
        {"use(new byte[arr.length + 1]);", "array size"},
        {"if (c * c * 2 > b) r = 1;", "intermediate value"},
        {"if ((c << 9) > b) r = 1;", "intermediate value"},
        {"if ((c >>> 16) == b) r = 1;", "intermediate value"},
        {"r = (short) (-a / 2);", "intermediate value"},
        {"switch (c > 0 ? a + 1 : 2) { case 1: r = 2; }", "intermediate value"},
        {"if ((a ^ b + 1) < 0) r = 1;", "intermediate value"},
        {"if (a - b < 0) r = 1;", "intermediate value"},
        {"if (1 << b == 4) r = 1;", "intermediate value"},
        {"if ((a & 0xFF) << 8 > b) r = 1;", "intermediate value"},
        {"r = f(a > b ? (short) 1 : (short) (a * b >> 2));", "intermediate value"},
    };

    /** The errors of each body, all compiled at once: one method in one line each. */
    private static List<List<Diagnostic>> errors(Stream<String> bodies, boolean ints) {
        StringBuilder source = new StringBuilder(HEAD);
        int[] count = {0};
        bodies.forEach(body -> source.append("static short m")
                .append(count[0]++)
                .append("(short a, short b, byte c, short x) { short r = 0; ")
                .append(body)
                .append(" return r; }\n"));
        ConverterResult result = Converter.convert(
                Fixture.input("q", Fixture.compile(source + "}")).ints(ints).build());
        List<List<Diagnostic>> errors = new ArrayList<>();
        for (int i = 0; i < count[0]; i++) {
            String method = "m" + i + "(SSBS)S";
            errors.add(result.errors().stream()
                    .filter(e -> e.method().equals(method))
                    .toList());
        }
        return errors;
    }

    @TestFactory
    Stream<DynamicTest> acceptsWhatIsEqualOnSixteenBits() {
        List<List<Diagnostic>> errors = errors(Stream.of(ACCEPTED), false);
        return IntStream.range(0, ACCEPTED.length)
                .mapToObj(i -> DynamicTest.dynamicTest(ACCEPTED[i], () -> assertEquals(List.of(), errors.get(i))));
    }

    @TestFactory
    Stream<DynamicTest> refusesWhatNeedsThirtyTwoBits() {
        List<List<Diagnostic>> all = errors(Stream.of(REJECTED).map(row -> row[0]), false);
        return IntStream.range(0, REJECTED.length)
                .mapToObj(i -> DynamicTest.dynamicTest(REJECTED[i][0], () -> {
                    List<Diagnostic> errors = all.get(i);
                    assertTrue(
                            !errors.isEmpty() && errors.stream().allMatch(e -> e.line() == 2 + i),
                            () -> errors.toString());
                    assertTrue(
                            errors.stream().anyMatch(e -> e.message().contains(REJECTED[i][1])),
                            () -> errors.toString());
                    assertEquals("q.Q", errors.get(0).className());
                }));
    }

    @Test
    void errorTextIsTheOneKnownFromOtherConverters() {
        assertEquals(
                "error: line 3: q.Q.m(SSBS)S: unsupported int type of intermediate value,"
                        + " must cast intermediate value to"
                        + " type short or byte.",
                convert("if (a + b > c) r = 1;", false).errors().get(0).toString());
        ConverterResult two = convert("r = buf[a + 1];\nr = buf[b + 1];", false);
        assertEquals(2, two.errors().size());
        assertEquals("conversion completed with 2 errors and 0 warnings.", two.summary());
    }

    @Test
    void intDeclarationsAreRefusedWithoutIntSupport() {
        String source = "package q; public class Q { int field; static int s; int[] a;"
                + " int m() { return 1; } void p(int v) { } }";
        List<Diagnostic> errors = Fixture.errors("q", source);
        for (String member : new String[] {"field", "s", "a", "m()I", "p(I)V"}) {
            assertTrue(
                    errors.stream()
                            .anyMatch(e ->
                                    e.method().equals(member) && e.message().contains("int")),
                    member + " " + errors);
        }
    }

    @Test
    void allButIndexesAndSizesIsAcceptedWithIntSupport() {
        List<List<Diagnostic>> errors = errors(Stream.of(REJECTED).map(row -> row[0]), true);
        for (int i = 0; i < REJECTED.length; i++) {
            String[] row = REJECTED[i];
            boolean isIndex = row[1].equals("array index") || row[1].equals("array size") || row[0].contains("v : buf");
            assertEquals(isIndex, !errors.get(i).isEmpty(), row[0] + " " + errors.get(i));
        }
    }

    // ---- random expressions ----

    private static String expression(Random random, int depth) {
        String[] leaves = {
            "a", "b", "c", "d", "s[1]", "t[2]", "1", "-1", "5", "127", "-128", "255", "32767", "-32768", "3"
        };
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
            case 3 ->
                "((" + right + ") " + "<>".charAt(random.nextInt(2)) + " (" + left + ") ? ("
                        + expression(random, depth - 1) + ") : (" + left + "))";
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
            case 3 ->
                "switch (" + e
                        + ") { case 0: r = 5; break; case 1: case 2: r++; break;"
                        + " case -7: r = 9; break; default: r--; }";
            case 4 -> "r += " + e + "; s[0] += " + expression(random, 1) + ";";
            default -> "r = (short) (" + e + ");";
        };
    }

    private static String program(Random random, int index, int depth) {
        StringBuilder body = new StringBuilder("public static short m" + index
                + "(short a, short b, byte c, short d, short[] s, byte[] t) { short r = 0; ");
        for (int i = 0; i <= random.nextInt(3); i++) {
            body.append(statement(random, depth));
        }
        return body.append(" return r; }").toString();
    }

    /** Random programs: those accepted agree with Java for random inputs; enough of them are accepted to tell. */
    @Test
    void whatIsAcceptedAgreesWithJava() {
        Random random = new Random(SEED + 20261122);
        int accepted = 0;
        int refused = 0;
        for (int batch = 0; batch < 8 * SOAK; batch++) {
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
        Random random = new Random(SEED + 7);
        for (int batch = 0; batch < 4 * SOAK; batch++) {
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
        Random random = new Random(SEED + 11);
        for (int batch = 0; batch < 6 * SOAK; batch++) {
            StringBuilder source = new StringBuilder("package q; public class Q { static int big; static short small;"
                    + " static int wide(int x, short y) { return x * 3 - y; }\n");
            for (int i = 0; i < 40; i++) {
                source.append(new RandomProgram(random).method(i)).append('\n');
            }
            Map<String, byte[]> classes = Fixture.compile(
                    "3.0.5",
                    Map.of(),
                    List.of("--release", "8", batch % 2 == 0 ? "-g" : "-g:none"),
                    source.append("}").toString());
            agree(new Twin(classes, Fixture.convert(Fixture.input("q", classes).ints(true))), random);
        }
    }

    /**
     * Expressions over two bytes, or over a byte and a short, in every place that needs a whole value. What is accepted
     * agrees with Java for all 65,536 pairs of bytes, and for the edges of shorts against all bytes; in the gate most
     * of it for every first operand and each thirteenth second one.
     */
    @Test
    void whatIsAcceptedAgreesWithJavaForAllOperands() {
        Random random = new Random(SEED + 16);
        int batches = Math.min(20, SOAK);
        int accepted = 0;
        for (int batch = 0; batch < batches; batch++) {
            accepted += agreeForAllOperands(expressions(random));
        }
        int drawn = batches * EXPRESSIONS;
        int refused = drawn - accepted;
        String counts = accepted + " of " + drawn + " programs were accepted";
        assertTrue(accepted > drawn / 3, counts);
        // One of six is refused on average, in some classes half as many.
        assertTrue(refused > drawn / 20, counts);
    }

    /** Methods with expressions in all uses, every other one over two bytes. */
    private static List<String> expressions(Random random) {
        String[] uses = {
            "if (%s > %s) r = 1;",
            "r = (short) ((%s) >> 1); r += (byte) (%s);",
            "r = (short) ((%s) / 3 + (%s) %% 7);",
            "switch ((%s) + (c & 0)) { case -129: r = 1; break; case 128: r = 2; } r ^= (short) (%s);",
            "r = (short) (a >> (%s)); r -= (short) (%s);",
            "r = (short) ((c > 0 ? %s : %s) >>> 3);"
        };
        List<String> programs = new ArrayList<>();
        for (int i = 0; i < EXPRESSIONS; i++) {
            String use = String.format(uses[i % uses.length], expression(random, 2), expression(random, 1));
            String parameters =
                    i % 2 == 0 ? "(byte a, byte c) { byte b = c, d = a;" : "(short a, byte c) { short b = a, d = 300;";
            programs.add("public static short m" + i + parameters + " short r = 0; "
                    + use.replaceAll("[st]\\[\\d\\]", "(c & 0x3F)") + " return r; }");
        }
        return programs;
    }

    /** @return how many of these programs are accepted */
    private static int agreeForAllOperands(List<String> programs) {
        Set<String> bad = refused(programs);
        programs.removeIf(p -> bad.contains(p.substring(p.indexOf(" m") + 1, p.indexOf('('))));
        Twin twin = Twin.of(false, "q", source(programs));
        int tried = 0;
        for (Method m : twin.methods("q.Q")) {
            boolean bytes = m.getParameterTypes()[0] == byte.class;
            int step = tried++ < WITH_EVERY_PAIR ? 1 : 13;
            for (int i = 0; i < 256; i++) {
                Object a = bytes
                        ? (Object) (byte) i
                        : (Object) (short) (i < 64 ? i - 32 : i < 128 ? 32704 + i - 64 : i < 192 ? i - 32896 : i * 257);
                for (int c = -128; c < 128; c += bytes || c > 100 ? step : 3 * step) {
                    assertEquals(
                            twin.onJvm(m, a, (byte) c),
                            twin.onCard(m, a, (byte) c),
                            m.getName() + "(" + a + ", " + c + ")");
                }
            }
        }
        return programs.size();
    }

    private static String source(List<String> programs) {
        return "package q; public class Q {\n" + String.join("\n", programs) + "\n}";
    }

    private static Set<String> refused(List<String> programs) {
        Map<String, byte[]> classes = Fixture.compile(source(programs));
        ConverterResult result = Converter.convert(Fixture.input("q", classes).build());
        Set<String> names = new HashSet<>();
        result.errors().forEach(e -> {
            assertTrue(e.method().contains("("), e::toString);
            names.add(e.method().substring(0, e.method().indexOf('(')));
        });
        return names;
    }

    private static void agree(Twin twin, Random random) {
        for (Method m : twin.methods("q.Q")) {
            for (int round = 0; round < 25; round++) {
                Object[] arguments = DifferentialTest.arguments(m, random);
                assertEquals(
                        twin.onJvm(m, arguments),
                        twin.onCard(m, arguments),
                        () -> m.getName() + java.util.Arrays.deepToString(arguments));
            }
        }
    }
}
