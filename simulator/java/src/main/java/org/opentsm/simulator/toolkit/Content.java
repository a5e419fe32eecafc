// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;

/**
 * What a handler holds: a list of COMPREHENSION-TLV objects, and where it was taken out of a BER-TLV its tag. RAM of
 * the card.
 */
public final class Content {

    private final byte[] data;
    private int length;
    private byte tag;
    private int edition;

    public Content(int capacity) {
        data = new byte[capacity];
    }

    public int capacity() {
        return data.length;
    }

    public int length() {
        return length;
    }

    public byte tag() {
        return tag;
    }

    public void tag(byte changed) {
        tag = changed;
    }

    /** Another number once all was replaced: no element of before is there any more. */
    int edition() {
        return edition;
    }

    byte at(int index) {
        return data[index];
    }

    public byte[] bytes() {
        return Arrays.copyOf(data, length);
    }

    void copy(int from, byte[] to, int offset, int count) {
        System.arraycopy(data, from, to, offset, count);
    }

    public void clear() {
        length = 0;
        edition++;
    }

    /** Replaces all; what does not fit is cut off. */
    public void set(byte[] bytes) {
        edition++;
        length = Math.min(bytes.length, data.length);
        System.arraycopy(bytes, 0, data, 0, length);
    }

    /** @return false when it does not fit, and nothing was added */
    boolean add(byte[] bytes) {
        if (bytes.length > data.length - length) {
            return false;
        }
        System.arraycopy(bytes, 0, data, length, bytes.length);
        length += bytes.length;
        return true;
    }
}
