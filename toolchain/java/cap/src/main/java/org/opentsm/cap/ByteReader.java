// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Big-endian reader that cannot pass its end; every short read is a {@link CapFormatException}. */
public final class ByteReader {
    private final String component;
    private final byte[] data;
    private final int limit;
    private int position;

    public ByteReader(String component, byte[] data) {
        this(component, data, 0, data.length);
    }

    /** Reads data[from..to); offsets in errors count from the start of data. */
    public ByteReader(String component, byte[] data, int from, int to) {
        if (from < 0 || to > data.length || from > to) {
            throw new CapFormatException(component, from, "a range inside " + data.length + " bytes", from + ".." + to);
        }
        this.component = component;
        this.data = data;
        this.position = from;
        this.limit = to;
    }

    public String component() {
        return component;
    }

    public int position() {
        return position;
    }

    public int remaining() {
        return limit - position;
    }

    public int u1() {
        need(1);
        return data[position++] & 0xFF;
    }

    public int s1() {
        return (byte) u1();
    }

    public int u2() {
        need(2);
        int value = (data[position] & 0xFF) << 8 | data[position + 1] & 0xFF;
        position += 2;
        return value;
    }

    public int s2() {
        return (short) u2();
    }

    /** The four bytes as a Java int; values above 7FFFFFFF come back negative. */
    public int s4() {
        return u2() << 16 | u2();
    }

    public byte[] bytes(int count) {
        need(count);
        byte[] result = Arrays.copyOfRange(data, position, position + count);
        position += count;
        return result;
    }

    /** count u2 values. */
    public List<Integer> u2s(int count) {
        need(2 * count);
        List<Integer> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(u2());
        }
        return List.copyOf(values);
    }

    /** count u1 values. */
    public List<Integer> u1s(int count) {
        need(count);
        List<Integer> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(u1());
        }
        return List.copyOf(values);
    }

    public void expectEnd() {
        if (position != limit) {
            throw new CapFormatException(component, position, "the end", remaining() + " more bytes");
        }
    }

    private void need(int count) {
        if (count < 0 || count > limit - position) {
            throw new CapFormatException(component, position, count + " more bytes", remaining() + " bytes left");
        }
    }
}
