// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Programs of one package: linked, they must do what the compiler's class files do. */
class ProgramsTest {
    private static void same(boolean ints, int rounds, String... sources) {
        for (boolean withDescriptor : new boolean[] {true, false}) {
            Workshop shop = new Workshop(withDescriptor);
            shop.add("p", "F000000001", ints, Map.of(), sources);
            assertTrue(shop.compare("p.Program", 1, rounds) >= rounds);
        }
    }

    @Test
    void shortArithmeticWrapsAtSixteenBits() {
        same(
                false,
                200,
                """
            package p; public class Program {
              public static short add(short a, short b) { return (short) (a + b); }
              public static short mul(short a, short b) { return (short) (a * b - a); }
              public static short div(short a, short b) { return (short) (a / b); }
              public static short rem(short a, short b) { return (short) (a % b); }
              public static short neg(short a) { return (short) -a; }
              public static short shifts(short a, byte n) { return (short) ((short) (a << n) ^ (a >> n) ^ (short) (a >>> n)); }
              public static short logic(short a, short b) { return (short) (a & b | ~a ^ b); }
              public static short inc(short a) { a++; a += 300; a -= 128; return a; }
              public static byte bytes(short a, byte b) { b += a; b++; return (byte) (b * a); }
              public static boolean truth(short a, short b, boolean c) { return a < b == c | a >= 3 && !c; }
            }""");
    }

    @Test
    void switchesOfBothKinds() {
        String source =
                """
            package p; public class Program {
              public static short table(short a) { switch (a) { case 0: return 9; case 1: case 2: a++; break; case 3: return 7; default: a--; } return a; }
              public static short lookup(short a) { switch (a) { case -32768: return 1; case -1: a = 4; case 127: return (short) (a + 2); case 20000: return 8; } return a; }
            }""";
        same(false, 100, source);
        same(true, 100, source.replace("switch (a)", "switch (a * 1)"));
    }

    @Test
    void handlersAndFinallyNests() {
        same(
                false,
                100,
                """
            package p; import javacard.framework.*; public class Program {
              static short kept;
              public static short nest(short a, short b) { short r = 0; try { try { r = (short) (a / b); } finally { r += 1; } } catch (ArithmeticException e) { r = 77; } finally { r += 100; } return r; }
              public static short leave(short a) { for (short i = 0; i < 5; i++) { try { if (a == i) return i; if (a > 100) continue; a--; } finally { kept = a; } } return kept; }
              public static short own(short a) { try { if (a > 0) throw new Odd(a); ISOException.throwIt(a); } catch (Odd e) { return e.reason; } catch (ISOException e) { return (short) (e.getReason() + 1); } return 0; }
              public static short escapes(byte[] b, short a) { if (a == 5) throw new Odd(a); if (a == 7) CryptoLike.fail(a); b[0] = b[a]; return b[0]; }
              public static short tooSmall(short a) { return (short) new byte[a].length; }
              public static short nulls(short a) { byte[] b = a > 0 ? new byte[2] : null; return b[0]; }
              public static short casts(short a) { Object o = a > 3 ? (Object) new Odd(a) : new short[3]; return ((short[]) o)[1]; }
              public static void stores(short a) { Object[] o = new Odd[2]; o[0] = a > 0 ? new Odd(a) : (Object) new byte[1]; }
              public static void user(short a) throws UserException { if (a > 0) throw new UserException((short) 9); UserException.throwIt(a); }
            }""",
                "package p; public class Odd extends RuntimeException { short reason; Odd(short r) { reason = r; } }",
                "package p; class CryptoLike { static void fail(short a) { SystemLike.fail(a); } }",
                "package p; class SystemLike { static void fail(short a) { javacard.framework.SystemException.throwIt(a); } }");
    }

    @Test
    void classesInterfacesAndArrays() {
        same(
                false,
                60,
                """
            package p; public class Program {
              public static short dispatch(short a) { Shape s = a > 0 ? (Shape) new Square(a) : new Round(a); return (short) (s.area() + s.twice() + s.hidden()); }
              public static short interfaces(short a) { Sized s = a > 0 ? (Sized) new Square(a) : new Round(a); Named n = (Named) s; return (short) (s.size() + n.name() + s.name() + Named.UNIT); }
              public static short mirandas(short a) { Sized s = new Late(a); return (short) (s.size() + s.name()); }
              public static boolean equal(short a, short b) { return new Square(a).equals(new Square(b)) && new byte[1].equals(null) == false; }
              public static short types(short a) { Object o = a == 0 ? null : a > 5 ? (Object) new byte[3] : a > 2 ? new Square(a) : a == -1 ? (Object) new Shape[1] : new boolean[1];
                return (short) ((o instanceof byte[] ? 1 : 0) + (o instanceof Shape ? 2 : 0) + (o instanceof Sized ? 4 : 0) + (o instanceof Shape[] ? 8 : 0) + (o instanceof boolean[] ? 16 : 0) + (o instanceof Object[] ? 32 : 0)); }
              public static short inner(short a) { Outer o = new Outer(a); return (short) (o.new Member().sum() + new Outer.Nested(a).v + o.anonymous().name()); }
              public static short flags(short a) { boolean[] z = {a > 0, false}; z[1] ^= z[0]; byte[] b = {1, -1}; b[1] += a; short[] s = {a, 4}; s[0]--; return (short) (b[1] + s[0] + (z[1] ? 1 : 0)); }
            }""",
                "package p; public interface Named { short UNIT = 3; short name(); }",
                "package p; public interface Sized extends Named { short size(); }",
                "package p; public abstract class Shape implements Named { protected short side; Shape(short s) { side = s; } public abstract short area(); public short twice() { return (short) (2 * area()); } short hidden() { return 1; } public short name() { return 5; } }",
                "package p; public class Square extends Shape implements Sized { Square(short s) { super(s); } public short area() { return (short) (side * side); } short hidden() { return (short) (super.hidden() + 30); } public short size() { return side; } public short twice() { return (short) (super.twice() + 1); } public boolean equals(Object o) { return o instanceof Square && ((Square) o).side == side; } }",
                "package p; public class Round extends Shape implements Sized { Round(short s) { super(s); } public short area() { return (short) (side * 3); } public short size() { return own(); } private short own() { return 9; } public short name() { return 6; } }",
                "package p; public abstract class Early implements Sized { short v; Early(short a) { v = a; } public short name() { return (short) (size() + 1); } }",
                "package p; public class Late extends Early { Late(short a) { super(a); } public short size() { return v; } }",
                "package p; public class Outer { private short v; Outer(short a) { v = a; } class Member { short sum() { return (short) (v++ + secret()); } } private short secret() { return v; } static class Nested { short v; Nested(short a) { v = a; } }"
                        + " Named anonymous() { final short k = v; return new Named() { public short name() { return (short) (k + v); } }; } }");
    }

    @Test
    void staticImages() {
        same(
                false,
                20,
                """
            package p; public class Program {
              static short counter = 5; static byte small = -3; static boolean flag = true; static short zero; static Object nothing;
              static final short[] TABLE = {1, -2, 300, -32768, 32767}; static final byte[] BYTES = {1, -1, 127, -128}; static final boolean[] BITS = {true, false};
              static final byte[] EMPTY = {}; static final byte[] ZEROS = new byte[8];
              public static short all(byte i) { short k = (short) (i & 3); counter += i; small--; flag = !flag; ZEROS[k]++; BYTES[k] += TABLE[k];
                return (short) (counter + small + (flag ? 1 : 0) + zero + TABLE[k] + BYTES[k] + (BITS[(short) (k & 1)] ? 64 : 0) + EMPTY.length + ZEROS[k] + (nothing == null ? 2 : 0) + Other.START); }
            }""",
                "package p; class Other { static short START = 1234; }");
        same(
                true,
                20,
                """
            package p; public class Program { static int big = 100000; static final int[] TABLE = {1, -1, 70000, -2147483648};
              public static int all(short i) { big += TABLE[(short) (i & 3)]; return big; } }""");
    }

    @Test
    void aStaticArrayLargerThanAMethodsCode() {
        StringBuilder values = new StringBuilder();
        for (int i = 0; i < 4000; i++) {
            values.append((byte) (i * 7)).append(',');
        }
        same(
                false,
                200,
                "package p; public class Program { static final byte[] T = {" + values + "};"
                        + " public static byte at(short i) { return T[(short) ((i & 0x7FFF) % 4000)]; } }");
    }

    @Test
    void intsTakeTwoCells() {
        same(
                true,
                200,
                """
            package p; public class Program {
              int f; short g;
              public static int mixed(short a, int b, byte c, int d) { int e = a + b; short h = (short) (c * 3); e += d; e++; e -= 1000; return e ^ h + (b >>> c) + (d << c) - (b >> 3); }
              public static short compare(int a, int b) { short r = 0; if (a == b) r |= 1; if (a < b) r |= 2; if (a >= b) r |= 4; if (a > 0) r |= 8; if (a != 0) r |= 16; return r; }
              public static int lookup(int a) { switch (a) { case -100000: return 1; case 70000: return 2; case 5: return 3; default: return -a; } }
              public static int table(int a) { switch (a) { case 0: return 70000; case 1: return 2; case 2: return 3; case 3: a++; default: return ~a; } }
              public static int fields(int a, short b) { Program o = new Program(); Program q = new Program(); o.f = q.f = a; o.g = q.g = b; o.f += b; o.f++; return o.f + q.f++ - ++q.f; }
              public static int arrays(int a, short i) { int[] x = {a, 5, 6, 7}; short k = (short) (i & 3); x[k] += a; int r = x[k]++ + ++x[1]; x[0] = x[1] = r; return r * x[0] / (x[2] | 1) % 1000; }
              public static int chain(int a) { int b, c; short s; b = c = a + 1; b += s = (short) a; return three(b, s, c); }
              static int three(int a, short b, int c) { return a - b + c; }
              public static int drop(int a) { three(a, (short) 1, a); return a; }
              public static byte narrow(int a, short b) { return (byte) (a * b); }
              public static boolean types(short a) { Object o = a > 0 ? (Object) new int[2] : new short[1]; return o instanceof int[] && ((int[]) o).length == 2; }
            }""");
    }

    @Test
    void classesAreNamedByOffset() {
        LinkedPackage made = new Workshop()
                .add(
                        "p",
                        "F000000001",
                        false,
                        Map.of(),
                        "package p; public class Program { public static short one() { return 1; } }");
        assertEquals("[pF000000001.C0000]", made.classes().keySet().toString());
    }
}
