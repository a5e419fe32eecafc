// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.ByteArrayOutputStream;
import java.util.List;

/**
 * Big-endian writer; a value that does not fit its field is an {@link IllegalArgumentException}, never a silent cut.
 */
public final class ByteWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    public ByteWriter u1(int value) {
        range(value, 0, 0xFF);
        out.write(value);
        return this;
    }

    public ByteWriter s1(int value) {
        range(value, -0x80, 0x7F);
        out.write(value);
        return this;
    }

    public ByteWriter u2(int value) {
        range(value, 0, 0xFFFF);
        out.write(value >> 8);
        out.write(value);
        return this;
    }

    public ByteWriter s2(int value) {
        range(value, -0x8000, 0x7FFF);
        out.write(value >> 8);
        out.write(value);
        return this;
    }

    public ByteWriter s4(int value) {
        out.write(value >> 24);
        out.write(value >> 16);
        out.write(value >> 8);
        out.write(value);
        return this;
    }

    public ByteWriter bytes(byte[] value) {
        out.write(value, 0, value.length);
        return this;
    }

    public ByteWriter u1s(List<Integer> values) {
        values.forEach(this::u1);
        return this;
    }

    public ByteWriter u2s(List<Integer> values) {
        values.forEach(this::u2);
        return this;
    }

    public int size() {
        return out.size();
    }

    public byte[] toByteArray() {
        return out.toByteArray();
    }

    private static void range(int value, int low, int high) {
        if (value < low || value > high) {
            throw new IllegalArgumentException("value " + value + " is outside " + low + ".." + high);
        }
    }
}
