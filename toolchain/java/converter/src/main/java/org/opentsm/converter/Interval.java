// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

/**
 * The numbers from {@code low} to {@code high}, both included, that a Java int may be. Each operation gives an interval
 * that holds every result of the Java operation on members of its operands; it may hold more.
 */
record Interval(long low, long high) {
    static final Interval BOOLEAN = new Interval(0, 1);
    static final Interval BYTE = new Interval(Byte.MIN_VALUE, Byte.MAX_VALUE);
    static final Interval SHORT = new Interval(Short.MIN_VALUE, Short.MAX_VALUE);
    static final Interval LENGTH = new Interval(0, Short.MAX_VALUE);
    static final Interval INT = new Interval(Integer.MIN_VALUE, Integer.MAX_VALUE);
    private static final Interval COUNT = new Interval(0, 31);

    static Interval of(long value) {
        return new Interval(value, value);
    }

    /** The values of a type descriptor's type. */
    static Interval ofType(String descriptor) {
        return switch (descriptor) {
            case "Z" -> BOOLEAN;
            case "B" -> BYTE;
            case "S" -> SHORT;
            default -> INT;
        };
    }

    /** Java's int arithmetic wraps: what leaves its range may be anything. */
    private static Interval wrapped(long low, long high) {
        return low < Integer.MIN_VALUE || high > Integer.MAX_VALUE ? INT : new Interval(low, high);
    }

    private static Interval corners(long a, long b, long c, long d) {
        return wrapped(Math.min(Math.min(a, b), Math.min(c, d)), Math.max(Math.max(a, b), Math.max(c, d)));
    }

    boolean within(Interval other) {
        return low >= other.low && high <= other.high;
    }

    boolean isConstant() {
        return low == high;
    }

    Interval union(Interval other) {
        return new Interval(Math.min(low, other.low), Math.max(high, other.high));
    }

    /** This interval where it lies in the type, else the whole type: what a narrowing cast leaves. */
    Interval narrowed(Interval type) {
        return within(type) ? this : type;
    }

    Interval plus(Interval other) {
        return wrapped(low + other.low, high + other.high);
    }

    Interval minus(Interval other) {
        return wrapped(low - other.high, high - other.low);
    }

    Interval negated() {
        return wrapped(-high, -low);
    }

    Interval times(Interval other) {
        return corners(low * other.low, low * other.high, high * other.low, high * other.high);
    }

    /** Division by zero gives no result, so zero does not count as a divisor. */
    Interval dividedBy(Interval other) {
        Interval result = null;
        if (other.low < 0) {
            result = quotients(other.low, Math.min(other.high, -1));
        }
        if (other.high > 0) {
            Interval positive = quotients(Math.max(other.low, 1), other.high);
            result = result == null ? positive : result.union(positive);
        }
        return result == null ? of(0) : result;
    }

    private Interval quotients(long from, long to) {
        return corners(low / from, low / to, high / from, high / to);
    }

    Interval remainder(Interval other) {
        long most = Math.max(0, Math.max(Math.abs(other.low), Math.abs(other.high)) - 1);
        return new Interval(low < 0 ? Math.max(low, -most) : 0, high > 0 ? Math.min(high, most) : 0);
    }

    /** Java takes the low five bits of a count. */
    private static Interval count(Interval count) {
        return count.isConstant() ? of(count.low & 31) : count.within(COUNT) ? count : COUNT;
    }

    Interval shiftedLeft(Interval by) {
        Interval n = count(by);
        return corners(low << n.low, low << n.high, high << n.low, high << n.high);
    }

    Interval shiftedRight(Interval by) {
        Interval n = count(by);
        return corners(low >> n.low, low >> n.high, high >> n.low, high >> n.high);
    }

    /** Of a negative number, the zeros that come in make it large, unless nothing is shifted. */
    Interval shiftedRightUnsigned(Interval by) {
        Interval n = count(by);
        if (low >= 0 || n.high == 0) {
            return shiftedRight(by);
        }
        long most = n.low == 0 ? Integer.MAX_VALUE : 0xFFFFFFFFL >>> n.low;
        return new Interval(n.low == 0 ? low : 0, most);
    }

    /** All ones below the highest bit that is needed for both bounds. */
    private static long mask(Interval a, Interval b) {
        long bits = a.low ^ a.low >> 63 | a.high ^ a.high >> 63 | b.low ^ b.low >> 63 | b.high ^ b.high >> 63;
        return bits == 0 ? 0 : (Long.highestOneBit(bits) << 1) - 1;
    }

    Interval and(Interval other) {
        if (low >= 0 || other.low >= 0) {
            return new Interval(0, low < 0 ? other.high : other.low < 0 ? high : Math.min(high, other.high));
        }
        return new Interval(-mask(this, other) - 1, Math.max(high, other.high));
    }

    /** A bit more never makes a number smaller, be it negative or not. */
    Interval or(Interval other) {
        return new Interval(Math.min(low, other.low), high < 0 || other.high < 0 ? -1 : mask(this, other));
    }

    Interval xor(Interval other) {
        long mask = mask(this, other);
        return new Interval(low >= 0 && other.low >= 0 ? 0 : -mask - 1, mask);
    }
}
