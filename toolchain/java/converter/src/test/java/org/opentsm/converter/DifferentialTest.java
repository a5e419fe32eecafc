// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Opcodes;

/** Programs over the instruction set run as class files and, converted, on a card machine; both must agree. */
class DifferentialTest {
    private static final short[] EDGES = {
        0, 1, -1, 2, 3, 5, 127, 128, -128, -129, 255, 256, 20000, 32767, -32768, -32767, 7, 100
    };

    private static void compare(Twin twin, String className, long seed, int rounds) {
        Random random = new Random(seed);
        List<Method> methods = twin.methods(className);
        assertTrue(!methods.isEmpty());
        for (Method m : methods) {
            for (int round = 0; round < rounds; round++) {
                Object[] arguments = arguments(m, random);
                assertEquals(
                        twin.onJvm(m, arguments),
                        twin.onCard(m, arguments),
                        () -> m.getName() + java.util.Arrays.deepToString(arguments));
            }
        }
    }

    static Object[] arguments(Method m, Random random) {
        Object[] result = new Object[m.getParameterCount()];
        for (int i = 0; i < result.length; i++) {
            Class<?> type = m.getParameterTypes()[i];
            short value = random.nextInt(3) > 0 ? EDGES[random.nextInt(EDGES.length)] : (short) random.nextInt();
            if (type == short.class) {
                result[i] = value;
            } else if (type == byte.class) {
                result[i] = (byte) value;
            } else if (type == boolean.class) {
                result[i] = random.nextBoolean();
            } else if (type == int.class) {
                result[i] = random.nextInt(3) == 0
                        ? random.nextInt()
                        : random.nextInt(2) == 0 ? value : value << 16 | random.nextInt(4);
            } else if (type == byte[].class) {
                byte[] bytes = new byte[8];
                random.nextBytes(bytes);
                result[i] = bytes;
            } else {
                short[] shorts = new short[8];
                for (int k = 0; k < shorts.length; k++) {
                    shorts[k] = (short) random.nextInt();
                }
                result[i] = shorts;
            }
        }
        return result;
    }

    @Test
    void shortArithmeticControlFlowAndArrays() {
        compare(Twin.of(false, "d", SHORTS), "d.Shorts", 1, 60);
    }

    @Test
    void objectsDispatchAndExceptions() {
        compare(Twin.of(false, "d", OBJECTS), "d.Objects", 2, 40);
    }

    @Test
    void idiomsOfTheLanguage() {
        compare(Twin.of(false, "d", IDIOMS), "d.Idioms", 8, 40);
        compare(Twin.of(true, "d", IDIOMS), "d.Idioms", 9, 20);
    }

    @Test
    void ints() {
        compare(Twin.of(true, "d", INTS), "d.Ints", 3, 80);
    }

    @Test
    void intsWithoutDebugInformation() {
        var classes = Fixture.compile("3.0.5", java.util.Map.of(), List.of("--release", "8", "-g:none"), INTS);
        Twin twin =
                new Twin(classes, Fixture.convert(Fixture.input("d", classes).ints(true)));
        compare(twin, "d.Ints", 4, 40);
    }

    @Test
    void shortProgramsAgreeWithIntsEnabledToo() {
        compare(Twin.of(true, "d", SHORTS), "d.Shorts", 5, 20);
        compare(Twin.of(true, "d", OBJECTS), "d.Objects", 6, 20);
    }

    /** The programs above reach every instruction but those no Java source gives. */
    @Test
    void theProgramsCoverTheInstructionSet() {
        boolean[] seen = new boolean[256];
        for (String[] source : new String[][] {SHORTS, INTS, OBJECTS}) {
            RawCap cap = new RawCap(Fixture.convert(Fixture.input("d", Fixture.compile(source))
                            .ints(true)
                            .level("3.0.5"))
                    .cap()
                    .orElseThrow()
                    .toZip());
            cap.methodAt.values().forEach(m -> {
                for (int pc = m.code(); pc < m.code() + m.length(); pc += cap.length(pc)) {
                    seen[cap.u1(pc)] = true;
                }
            });
        }
        List<String> missing = new ArrayList<>();
        for (int op = 0; op <= 184; op++) {
            if (!seen[op]) {
                missing.add(Opcodes.of(op).orElseThrow().mnemonic());
            }
        }
        // nop, jsr and ret are never emitted, swap_x needs class files javac does not write, putfield_i_this a push
        // that is not folded; the _w forms need long methods, see MethodRulesTest.
        missing.removeIf(name -> name.endsWith("_w")
                || List.of("nop", "jsr", "ret", "swap_x", "putfield_i_this").contains(name));
        assertEquals(List.of(), missing);
    }

    static final String[] SHORTS = {
        """
        package d;
        public class Shorts {
            static short counter = 5;
            static byte small = -3;
            static boolean flag = true;
            static short zero;
            static final short[] TABLE = {1, -2, 300, -32768, 32767};
            static final byte[] BYTES = {1, -1, 127, -128};
            static final boolean[] BITS = {true, false, true};
            private short field;
            private byte narrow;
            private boolean bit;
            private Object link;
            public static short add(short a, short b) { return (short) (a + b); }
            public static short sub(short a, short b) { return (short) (a - b - 1); }
            public static short mul(short a, short b) { return (short) (a * b * a); }
            public static short div(short a, short b) { return (short) (a / b); }
            public static short rem(short a, short b) { return (short) (a % b); }
            public static short neg(short a) { return (short) -a; }
            public static short not(short a) { return (short) ~a; }
            public static short shl(short a, byte b) { return (short) (a << b); }
            public static short shr(short a, byte b) { return (short) (a >> b); }
            public static short ushr(short a, byte b) { return (short) (a >>> b); }
            public static short logic(short a, short b, short c) { return (short) ((a & b) | (b ^ c) & ~a); }
            public static byte bytes(short a, byte b) { return (byte) (a + b); }
            public static short compound(short a, byte b) { a += b; a -= 1000; a <<= 1; a ^= b; b++; b -= 3; return (short) (a + b); }
            public static short inc(short a) { a++; a += 100; a -= 128; a += 1000; a -= 30000; return a--; }
            public static byte incByte(byte a) { a++; a += 100; return ++a; }
            public static short relations(short a, short b) {
                short r = 0;
                if (a == b) r |= 1; if (a != b) r |= 2; if (a < b) r |= 4; if (a >= b) r |= 8; if (a > b) r |= 16; if (a <= b) r |= 32;
                if (a == 0) r |= 64; if (a != 0) r |= 128; if (a < 0) r |= 256; if (a >= 0) r |= 512; if (a > 0) r |= 1024; if (a <= 0) r |= 2048;
                return r;
            }
            public static boolean truth(boolean a, short b) { return a && b > 3 || !a & b < -3 ^ (b == 0); }
            public static short ternary(short a, short b) { return a > b ? (short) (a - b) : b > 100 ? (byte) 1 : (short) 2000; }
            public static short table(short a) {
                switch (a) { case 0: return 10; case 1: return 11; case 2: a = 7; case 3: return (short) (a * 2); case 5: return -1; default: return a; }
            }
            public static short lookup(short a) {
                switch (a) { case -32768: return 1; case -1: return 2; case 127: return 3; case 32767: return 4; case 20000: a++; break; default: a--; }
                return a;
            }
            public static short loops(short n) {
                short sum = 0;
                for (short i = 0; i < (short) (n & 31); i++) { if (i == 7) continue; if (sum > 200) break; sum += i; }
                short k = 10; do { k--; sum ^= k; } while (k > 3);
                outer: while (true) { for (;;) { if (++sum < 300) continue outer; break outer; } }
                return sum;
            }
            public static short arrays(byte[] b, short[] s, short i) {
                s[1] = (short) (b[0] + s[2]); b[2] = (byte) (s[3] >> 4); b[3] += 5; s[4]++; s[(short) (i & 7)] -= b[(byte) (i & 3)];
                return (short) (s[i] + b[i]);
            }
            public static short made(short n) {
                byte[] b = new byte[n]; short[] s = new short[3]; boolean[] z = new boolean[2]; z[1] = n > 3;
                b[0] = (byte) n; s[2] = b[0]; return (short) (z[1] ? s[2] : b.length);
            }
            public static short statics(short a) {
                counter += a; small -= a; flag ^= a > 5; zero = (short) (counter + TABLE[3] + BYTES[1]);
                boolean bit = BITS[0]; BITS[1] = bit; return (short) (zero + (flag ? 1 : 0) + small + (BITS[1] ? 4 : 0));
            }
            public static short chained(short a) { short b, c; b = c = (short) (a + 1); short[] s = new short[2]; s[0] = s[1] = b; return (short) (b + c + s[0]++ + ++s[1]); }
            public static short widths(short a) { Shorts o = new Shorts(); o.field = a; o.narrow = (byte) a; o.bit = a < 0; o.field += 3; o.narrow++; return o.mixed(a); }
            short mixed(short a) { this.field = a; short f = field; bit = true; link = null; link = this; return (short) (f + narrow + (bit ? 1 : 0) + (link == this ? 2 : 0)); }
            public static short locals(short a, short b, short c, short d, short e) { short f = (short) (a + e); Object o = null; short g = (short) (f + d); byte h = (byte) c; if (o == null) o = new Shorts(); if (o != null) g++; return (short) (g + h + b); }
            public static short constants() { return (short) (-1 + 0 + 6 - 128 + 127 + 128 - 32768 + 32767); }
            public static short big(short a) { return (short) (a + 12345 - 6 + 100); }
            public static short nested(short a, short b) {
                short r = 0;
                try { try { r = (short) (a / b); } finally { r += 1; } } catch (ArithmeticException e) { r = 77; } finally { r += 100; }
                return r;
            }
            public static short finallyReturn(short a) { for (short i = 0; i < 5; i++) { try { if (a == i) return i; if (a > 100) continue; a--; } finally { counter = a; } } return counter; }
        }
        """
    };

    static final String[] OBJECTS = {
        """
        package d;
        public class Objects {
            public static short dispatch(short a) { Shape s = a > 0 ? (Shape) new Square(a) : new Circle(a); return (short) (s.area() + s.twice() + s.name()); }
            public static short viaInterface(short a) { Sized s = a % 2 == 0 ? (Sized) new Square(a) : new Circle(a); Measured m = s; return (short) (m.size() + s.limit((short) 3)); }
            public static short superCall(short a) { return new Square(a).describe(); }
            public static short casts(short a) {
                Object o = a == 0 ? null : a > 5 ? (Object) new byte[3] : a > 2 ? new Square(a) : a == -1 ? (Object) new short[2] : a == -32768 ? (Object) new Shape[1] : (Object) new boolean[1];
                short r = 0;
                if (o instanceof byte[]) r |= 1; if (o instanceof Square) r |= 2; if (o instanceof Shape) r |= 4; if (o instanceof Sized) r |= 8;
                if (o instanceof short[]) r |= 16; if (o instanceof boolean[]) r |= 32; if (o instanceof Shape[]) r |= 64; if (o instanceof Object) r |= 128;
                byte[] b = (byte[]) o; return (short) (r + (b == null ? 1000 : b.length));
            }
            public static short castDown(short a) { Shape s = a > 0 ? (Shape) new Square(a) : new Circle(a); return ((Square) s).side; }
            public static short nulls(short a) { Square s = a > 0 ? new Square(a) : null; return s.side; }
            public static short nullCall(short a) { Square s = a > 0 ? new Square(a) : null; return s.area(); }
            public static short thrown(short a) {
                try { if (a > 100) throw new Odd(a); if (a < -100) throw new IndexOutOfBoundsException(); return (short) (10 / a); }
                catch (Odd e) { return e.reason; } catch (ArithmeticException e) { return 1; } catch (RuntimeException e) { return 2; }
            }
            public static short escaping(short a) { if (a > 50) throw new Odd(a); if (a < -50) throw new NullPointerException(); short[] s = new short[3]; s[1] = 9; return s[a == 0 ? 1 : (short) (a & 7)]; }
            public static short references(short a) {
                Object[] all = new Object[4]; all[0] = new Square(a); all[1] = all; all[(short) (a & 3)] = null;
                Shape[] shapes = new Shape[2]; shapes[1] = new Circle(a); Object[] view = shapes;
                short r = 0; if (all[0] == null) r |= 1; if (all[1] == all) r |= 2; if (shapes[1] != shapes[0]) r |= 4;
                view[0] = a > 1000 ? (Object) new Odd(a) : shapes[1]; return (short) (r + view.length + shapes[0].area());
            }
            public static boolean equality(short a) { Object o = new Square(a); Object p = a > 0 ? o : new Square((short) (a + 1)); return o.equals(p) && !o.equals(null); }
            public static short inner(short a) { Outer o = new Outer(a); Outer.Inner i = o.new Inner((short) 4); return (short) (i.sum() + o.anonymous().size() + Outer.Nested.twice(a)); }
            public static short innerNull(short a) { Outer o = a > 0 ? new Outer(a) : null; return o.new Inner(a).sum(); }
            public static short packageVisible(short a) { Circle c = a > 0 ? new Circle(a) : new Ring(a); return (short) (c.hidden() + c.secret()); }
            public static short statics(short a) { Counter.add(a); Counter.add((short) 2); return Counter.total; }
            public static short manyArguments(short a, byte b) { return sum(a, b, (short) 3, new short[] {4}, true, (byte) 5, (short) 6); }
            static short sum(short a, byte b, short c, short[] d, boolean e, byte f, short g) { return (short) (a + b + c + d[0] + (e ? f : g)); }
            public static short rethrow(short a) { short r = 0; for (short i = 0; i < 3; i++) { try { try { if (i == a % 3) throw new Odd(i); r += 10; } finally { r++; } } catch (Odd e) { r += 100; if (a > 20) throw e; } } return r; }
            static Object kept; Object linked;
            public static short chainOfReferences(byte[] b, short a) { if (a > 3) b = new byte[2]; Objects x = new Objects(); Objects y = new Objects(); x.linked = y; y.linked = b; kept = x.linked; Objects k = (Objects) kept; if (k.linked == b) b[0] = 7; kept = null; return (short) (b.length + (kept == null ? 1 : 0)); }
            public static short mirandas(short a) { Partial p = new Whole(a); return (short) (p.both() + p.size()); }
        }
        """,
        "package d; public interface Measured { short UNIT = 3; short size(); }",
        "package d; public interface Sized extends Measured { short limit(short by); }",
        "package d; public abstract class Shape { protected short side; Shape(short s) { side = s; } public abstract short area(); public short twice() { return (short) (2 * area()); } protected short name() { return 1; } public short describe() { return (short) (name() + 1); } }",
        "package d; public class Square extends Shape implements Sized { public Square(short s) { super(s); } public short area() { return (short) (side * side); } protected short name() { return (short) (super.name() + 5); } public short size() { return side; } public short limit(short by) { return (short) (side > by ? by : side); } public short describe() { return (short) (super.describe() * 3); } public boolean equals(Object o) { return o instanceof Square && ((Square) o).side == side; } }",
        "package d; public class Circle extends Shape implements Sized { public Circle(short s) { super(s); } public short area() { return (short) (side * 3); } public short size() { return (short) (side + Measured.UNIT); } public short limit(short by) { return by; } short hidden() { return 5; } short secret() { return priv(); } private short priv() { return (short) (side + 1); } }",
        "package d; public class Ring extends Circle { Ring(short s) { super(s); } short hidden() { return (short) (super.hidden() + 40); } short extra() { return 3; } public short area() { return extra(); } private short priv() { return 9; } }",
        "package d; public class Odd extends RuntimeException { short reason; Odd(short r) { reason = r; } }",
        "package d; public class Counter { static short total = 40; static void add(short n) { total += n; } }",
        "package d; public abstract class Partial implements Sized { short v; Partial(short a) { v = a; } public short both() { return (short) (size() + limit((short) 2)); } }",
        "package d; public class Whole extends Partial { Whole(short a) { super(a); } public short size() { return v; } public short limit(short by) { return (short) (v % by); } }",
        "package d; public class Outer { private short v; Outer(short a) { v = a; } class Inner { short w; Inner(short b) { w = b; } short sum() { return (short) (v + w + hiddenOf()); } } private short hiddenOf() { return 2; } static class Nested { static short twice(short a) { return (short) (a * 2); } } Measured anonymous() { final short k = v; return new Measured() { public short size() { v++; return (short) (k + v); } }; } }"
    };

    static final String[] IDIOMS = {
        """
        package d;
        public class Idioms {
            private short f; private byte g; private short[] table = {1, 2, 3, 4}; private Idioms next; static Idioms head; static short depth;
            private static class Hidden { short v; private Hidden(short a) { v = a; } private short get() { return v; } }
            private class Member { short w = f; private Member() { f++; } private void bump() { w += f; table[1]--; } }
            public static short privateInner(short a) { Hidden h = new Hidden(a); h.v += 3; h.v++; return (short) (h.get() + h.v); }
            public static short member(short a) { Idioms i = new Idioms(); i.f = a; Member m = i.new Member(); m.bump(); m.w *= 2; return (short) (m.w + i.f + i.table[1]); }
            public static short local(final short a) { class Local { short twice() { return (short) (a + a); } short self() { return new Local().twice(); } } return (short) (new Local().twice() + new Local().self()); }
            public static short generic(short a) { Box<Num> b = new Box<Num>(); b.put(new Num(a)); b.put(new Num((short) 5)); Source<Num> s = b; return (short) (s.take().v + b.take().v + new Best().pick(new Num(a), b.take()).v); }
            public static short elements(byte[] b, short[] s, short i) { short k = (short) (i & 3); b[k++] += 2; s[k] -= b[k]; s[--k] <<= 1; b[k] >>>= 2; s[k] = b[k] = (byte) i; s[(byte) 1] ^= s[2]; return (short) (k + s[k]++ - --s[k]); }
            public static short fields(short a) { Idioms i = new Idioms(); Idioms j = new Idioms(); i.f = j.f = a; i.g = (byte) (j.g = (byte) a); i.f <<= 2; j.f >>= 1; i.f |= j.g; j.g ^= 7; i.next = j.next = i; i.next.f++; return (short) (i.f + j.next.f + i.g); }
            public static short list(short n) { head = null; for (short k = 0; k < (short) (n & 15); k++) { Idioms i = new Idioms(); i.f = k; i.next = head; head = i; } short sum = 0; for (Idioms i = head; i != null; i = i.next) sum += i.f; head = null; return sum; }
            public static short recursion(short n) { return n <= 0 ? 1 : (short) ((n & 7) * recursion((short) ((n & 7) - 1))); }
            public static short multiCatch(short a) { try { if (a > 50) throw new NullPointerException(); if (a < -50) throw new ClassCastException(); return a; } catch (NullPointerException | ClassCastException e) { return (short) (e instanceof NullPointerException ? 1 : 2); } }
            public static short negativeShifts(short a, byte n) { return (short) ((a << -n) ^ (a >> (byte) (n - 3)) ^ (a >>> -1)); }
            public static short varargs(short a) { return (short) (count() + count(new Num(a)) + count(new Num(a), null, null)); }
            static short count(Num... all) { return (short) all.length; }
            public static short switches(short a, byte b) { short r = 0; for (byte i = 0; i < 3; i++) { switch (b) { case 1: switch (a) { case 0: continue; case 127: r++; case 5: r += 2; break; } break; case 2: r += 10; case -128: r += 100; break; case 127: if (a > 0) break; r = 7; } b++; } return r; }
            public static boolean shortCircuit(short a, short b) { depth = 0; boolean r = step(a > 0) && (step(b > 0) || !step(a == b)) | step(true); return r == (depth > 2); }
            static boolean step(boolean b) { depth++; return b; }
            public static short tries(short a) { short r = 0; for (short i = 0; i < 4; i++) { try { try { if (i == a) continue; if (i == 3) return r; r += 10 / ((short) (i - 2) & a); } catch (ArithmeticException e) { r += 1; if (a == 7) break; } finally { r += 3; try { r /= a; } catch (ArithmeticException e) { r++; } finally { r ^= 1; } } } finally { r += 100; } } return r; }
            public static short arraysOfTypes(short a) { Source<?>[] all = {new Box<Num>(), null}; Object[] o = all; Num[] n = new Num[2]; n[1] = new Num(a); boolean[] z = {a > 0, false}; z[1] |= z[0]; z[0] ^= true; return (short) (o.length + n[1].v + (z[1] ? 1 : 0) + (z[0] ? 2 : 0) + (all[1] == null ? 4 : 0)); }
            public static short instance(short a) { Idioms i = new Idioms(); i.set(a, (byte) a).set((short) 1, (byte) 2); return i.mix(i, a); }
            private Idioms set(short f, byte g) { this.f += f; this.g = g; this.table[0] = g; return this; }
            final short mix(Idioms o, short a) { short r = (short) (f + o.g + table[0]); a = r > 0 ? f : g; return (short) (r + a); }
            public static byte widening(byte b, short s, boolean z) { byte r = (byte) (z ? b : s); r += b; r *= s; r -= z ? 1 : 0; return r; }
            public static short unaries(short a, byte b) { return (short) (+a - -b + ~a - ~-b); }
            public static boolean comparisons(short a, byte b, boolean z) { return a < b == z ^ (a != b && !z) ? a >= -1 : b <= a; }
        }
        """,
        "package d; public interface Source<T> { T take(); }",
        "package d; public class Box<T> implements Source<T> { T held; short puts; void put(T t) { held = t; puts++; } public T take() { return held; } }",
        "package d; public class Num { final short v; Num(short a) { v = a; } }",
        "package d; public abstract class Picker<T> { abstract T pick(T a, T b); }",
        "package d; public class Best extends Picker<Num> { Num pick(Num a, Num b) { return a.v > b.v ? a : b; } }"
    };

    static final String[] INTS = {
        """
        package d;
        public class Ints {
            static int total = 100000;
            static int none;
            static final int[] BIG = {1, -1, 70000, -2147483648};
            int field; short other; int second;
            public static int add(int a, int b) { return a + b * 3 - (a ^ b); }
            public static int div(int a, int b) { return a / b + a % b; }
            public static int neg(int a) { return -a; }
            public static int not(int a) { return ~a; }
            public static int shifts(int a, int b) { return (a << b) + (a >> b) + (a >>> b); }
            public static int shiftsByShort(int a, short b) { return (a << b) ^ (a >>> b) ^ (a >> b); }
            public static int logic(int a, int b) { return a & b | a & ~b ^ 0x0F0F0F0F; }
            public static int mixed(short a, byte b, int c) { return a + b + c * a; }
            public static int fromShorts(short a, short b) { int r = a * b; r += a + b; return r; }
            public static int halved(short a, short b) { int r = (a + b) >> 1; return r + (a * b) / 7; }
            public static short average(short a, short b) { return (short) ((a + b) >> 1); }
            public static short narrow(int a) { return (short) (a + (byte) a); }
            public static byte narrowByte(int a, short b) { return (byte) (a * b); }
            public static boolean compare(int a, int b) { return a < b || a == 70000 || a > 5 && b != 3 || a >= b && b <= -100000; }
            public static short relations(int a, int b) { short r = 0; if (a == b) r |= 1; if (a != b) r |= 2; if (a < b) r |= 4; if (a >= b) r |= 8; if (a > b) r |= 16; if (a <= b) r |= 32; if (a == 0) r |= 64; if (a < 0) r |= 128; if (a > 0) r |= 256; return r; }
            public static boolean mixedCompare(short a, int b) { return a < b && a != 70000; }
            public static int loop(short n) { int sum = 0; for (int i = 0; i < (n & 15); i++) { sum += i * 1000; } for (int k = 100000; k > 99990; k -= 3) sum ^= k; return sum; }
            public static int increments(int a) { a++; a += 127; a -= 1000; a += 40000; return a--; }
            public static int table(int a) { switch (a) { case 0: return 70000; case 1: return 2; case 2: return 3; case 4: a++; default: return a; } }
            public static int lookup(int a) { switch (a) { case -100000: return 1; case 70000: return 2; case 5: return 3; default: return -a; } }
            public static int fields(int a, short b) { Ints o = new Ints(); o.field = a; o.other = b; o.second = a + b; o.field += o.second; o.field++; return o.sum() + o.field; }
            int sum() { field = second; int f = field; second = f + 1; this.field = f; return field + other + second; }
            public static int statics(int a) { total += a; none = total; return none++ + total; }
            public static int arrays(int a, short i) { int[] x = new int[4]; x[0] = a; x[1] = i; x[2] = x[0] + x[1]; x[2]++; x[(short) (i & 3)] -= BIG[(short) (a & 3)]; return x[0] + x[1] + x[2] + x[3]; }
            public static int chain(int a) { int b, c; short s; b = c = a + 1; int[] x = new int[2]; x[0] = x[1] = b; b = s = (short) a; return b + c + x[0] + s; }
            public static int fieldChain(short a) { Ints o = new Ints(); Ints p = new Ints(); o.field = p.other = a; o.second = p.second = a; return o.field + p.second + (o.field = a + 1); }
            public static int post(int a) { int[] x = {a, 5}; int r = x[0]++ + ++x[1]; Ints o = new Ints(); r += o.field++ + ++o.field; return r + x[0]; }
            public static int call(short a, int b) { return three(b, a, three(a, a, b)) + three(1, (short) 2, 3); }
            static int three(int a, short b, int c) { return a - b + c; }
            public static int ternary(short a, int b) { return a > 3 ? b : a; }
            public static int ternaryShorts(short a, short b) { int r = a > b ? a : 5; return (a > 0 ? a + b : b) + r; }
            public static boolean isSet(short v, int bit) { return (v & 1 << bit) != 0; }
            public static int constants() { return 1 + 0 - 1 + 5 + 100 + 1000 + 100000 + -1; }
            public static int pushes(int a) { int r = a * 6; r = r * 1000; r ^= 100000; r |= 200; if (a == -1) r = -1; if (a == 0) r = 0; if (a == 1) r = 1; if (a == 2) r = 2; if (a == 3) r = 3; if (a == 5) r = 4; if (a == 7) r = 5; return r; }
            public static int locals(int a, int b, int c, int d) { int e = a + b; int f = c + d; short g = (short) e; int h = g; return e ^ f ^ h ^ (int) g; }
            public static boolean types(short a) { Object o = a > 0 ? (Object) new int[2] : new short[1]; if (o instanceof int[]) { int[] x = (int[]) o; return x.length == 2; } return false; }
            public static int reuse(short a) { int r = 0; { int x = a * 1000; r += x; } { short y = a; r += y; } { Object o = null; if (o == null) r++; } { int z = r; r += z; } return r; }
            public static int drop(int a) { three(a, (short) 1, a); new Ints().sum(); return a; }
            public static int nested(int a, int b) { int r = 0; try { r = a / b; } catch (ArithmeticException e) { r = -70000; } finally { r += 100000; } return r; }
            public static int ushort(short a, byte b) { return (a & 0xFFFF) + (b & 0xFF) + (a & 0x7FFF0) ; }
            public static int booleans(boolean a, int b) { int r = a ? 1 : 0; boolean c = b > 0; return r + (c ? 10 : 0) + (a & c ? 1 : 2); }
            public static void nothing(int a) { total = a; }
            public static int deep(int a, int b, short c) { return a + (b + (c + (a - (b * (c + (a ^ (b + c))))))); }
            int l0, l1; static int four(int w0, int w2) { return w2; }
            public static int i0(int a) { return a; } public static int i1(short q, int a) { a = a + q; return a; } public static int i2(short q, short r, int a) { a = a + r; return a; } public static int i3(short q, short r, byte s, int a) { a = a + s; return a; }
        }
        """
    };
}
