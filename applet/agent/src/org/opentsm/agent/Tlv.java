// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

/** Objects with tags of one byte and lengths up to 255, {@code tag [81] L value}. */
final class Tlv {

    static final short NONE = (short) -1;

    private Tlv() {}

    /** Offset of the value of the first object with this tag; NONE also when the list is cut off. */
    static short find(byte[] list, short offset, short end, byte tag) {
        short next = offset;
        while ((short) (end - next) >= 2) {
            short value = (short) (next + 2);
            if (list[(short) (next + 1)] == (byte) 0x81) {
                value++;
            } else if (list[(short) (next + 1)] < 0) {
                return NONE;
            }
            if (value > end || length(list, value) > (short) (end - value)) {
                return NONE;
            }
            if (list[next] == tag) {
                return value;
            }
            next = end(list, value);
        }
        return NONE;
    }

    /** The byte before a value is its length in both forms. */
    static short length(byte[] list, short value) {
        return (short) (list[(short) (value - 1)] & 0xFF);
    }

    static short end(byte[] list, short value) {
        return (short) (value + length(list, value));
    }
}
