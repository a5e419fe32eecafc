// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;

/** Every result of a Java operation on members of two intervals lies in the interval that the operation gives. */
class IntervalTest {
    private static final long[] EDGES = {
        Integer.MIN_VALUE,
        -70000,
        Short.MIN_VALUE - 1L,
        Short.MIN_VALUE,
        -129,
        -128,
        -33,
        -32,
        -31,
        -2,
        -1,
        0,
        1,
        2,
        15,
        16,
        17,
        31,
        32,
        33,
        127,
        128,
        255,
        256,
        Short.MAX_VALUE,
        Short.MAX_VALUE + 1L,
        65535,
        Integer.MAX_VALUE
    };

    private record Operation(BinaryOperator<Interval> interval, IntBinaryOperator java) {}

    private static final Map<String, Operation> OPERATIONS = new TreeMap<>(Map.ofEntries(
            Map.entry("+", new Operation(Interval::plus, (a, b) -> a + b)),
            Map.entry("-", new Operation(Interval::minus, (a, b) -> a - b)),
            Map.entry("*", new Operation(Interval::times, (a, b) -> a * b)),
            Map.entry("/", new Operation(Interval::dividedBy, (a, b) -> a / b)),
            Map.entry("%", new Operation(Interval::remainder, (a, b) -> a % b)),
            Map.entry("<<", new Operation(Interval::shiftedLeft, (a, b) -> a << b)),
            Map.entry(">>", new Operation(Interval::shiftedRight, (a, b) -> a >> b)),
            Map.entry(">>>", new Operation(Interval::shiftedRightUnsigned, (a, b) -> a >>> b)),
            Map.entry("&", new Operation(Interval::and, (a, b) -> a & b)),
            Map.entry("|", new Operation(Interval::or, (a, b) -> a | b)),
            Map.entry("^", new Operation(Interval::xor, (a, b) -> a ^ b)),
            Map.entry("unary -", new Operation((a, b) -> a.negated(), (a, b) -> -a)),
            Map.entry("(byte)", new Operation((a, b) -> a.narrowed(Interval.BYTE), (a, b) -> (byte) a)),
            Map.entry("(short)", new Operation((a, b) -> a.narrowed(Interval.SHORT), (a, b) -> (short) a)),
            Map.entry("?:", new Operation(Interval::union, (a, b) -> (a ^ b) % 2 == 0 ? a : b))));

    private static void check(String name, Interval a, Interval b, int x, int y) {
        Operation operation = OPERATIONS.get(name);
        if (y == 0 && (name.equals("/") || name.equals("%"))) {
            return;
        }
        Interval result = operation.interval.apply(a, b);
        int value = operation.java.applyAsInt(x, y);
        assertTrue(
                value >= result.low() && value <= result.high(),
                () -> x + " " + name + " " + y + " = " + value + " is not in " + result + ", made of " + a + " and "
                        + b);
        assertTrue(result.within(Interval.INT), () -> result + " is wider than an int");
    }

    /** All intervals of a width up to 5 around the places where signs and bits change, member by member. */
    @Test
    void holdsAllResultsOfSmallIntervals() {
        for (String name : OPERATIONS.keySet()) {
            for (long a : EDGES) {
                for (long b : EDGES) {
                    for (int width = 0; width < 16; width++) {
                        Interval left = new Interval(a, Math.min(a + width % 4, Integer.MAX_VALUE));
                        Interval right = new Interval(b, Math.min(b + width / 4, Integer.MAX_VALUE));
                        for (long x = left.low(); x <= left.high(); x++) {
                            for (long y = right.low(); y <= right.high(); y++) {
                                check(name, left, right, (int) x, (int) y);
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void holdsResultsOfRandomIntervals() {
        Random random = new Random(12);
        for (String name : OPERATIONS.keySet()) {
            for (int i = 0; i < 4000; i++) {
                Interval a = interval(random);
                Interval b = interval(random);
                for (int k = 0; k < 20; k++) {
                    check(name, a, b, member(random, a, k), member(random, b, k / 3));
                }
            }
        }
    }

    private static Interval interval(Random random) {
        long one = random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextInt() >> random.nextInt(32);
        long other =
                random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextInt() >> random.nextInt(32);
        return new Interval(Math.min(one, other), Math.max(one, other));
    }

    private static int member(Random random, Interval in, int k) {
        return (int)
                switch (k % 4) {
                    case 0 -> in.low();
                    case 1 -> in.high();
                    case 2 -> Math.min(in.high(), Math.max(in.low(), random.nextInt(5) - 2));
                    default -> in.low() + Math.floorMod(random.nextLong(), in.high() - in.low() + 1);
                };
    }
}
