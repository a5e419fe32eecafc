// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a file of BER-TLV structure holds, a row of data objects: {@code {tag (1 to 3), length (1 to 4, DER), value}..},
 * each tag once. ETSI TS 102 221 8.2.2.4 and 11.3.0.
 */
final class DataObjects {

    /** Tag of the list of all tags; no object has it. */
    static final int LIST = 0x5C;

    private static final int LONGEST_TAG = 3;
    private static final int MORE_OF_TAG = 0x1F;
    private static final int CONTINUED = 0x80;
    private static final int SHORT_LENGTH = 0x7F;
    private static final int MOST_LENGTH_BYTES = 3;

    private DataObjects() {}

    /** Bytes of the tag that begins there; 0 when none does. */
    static int tagLength(byte[] bytes, int at) {
        if (at >= bytes.length || bytes[at] == 0 || bytes[at] == (byte) 0xFF) {
            return 0;
        }
        if ((bytes[at] & MORE_OF_TAG) != MORE_OF_TAG) {
            return 1;
        }
        for (int length = 2; length <= LONGEST_TAG && at + length <= bytes.length; length++) {
            int last = bytes[at + length - 1] & 0xFF;
            if (length == 2 && last == CONTINUED) {
                return 0;
            }
            if ((last & CONTINUED) == 0) {
                return length;
            }
        }
        return 0;
    }

    /** Whether these bytes are one tag, and that of an object. */
    static boolean isTag(byte[] tag) {
        return tag.length > 0 && tagLength(tag, 0) == tag.length && !isList(tag);
    }

    static boolean isList(byte[] tag) {
        return tag.length == 1 && tag[0] == LIST;
    }

    /** Bytes of the length field that begins there; 0 when it is cut off or longer than DER has it. */
    static int lengthLength(byte[] bytes, int at) {
        if (at >= bytes.length) {
            return 0;
        }
        int first = bytes[at] & 0xFF;
        if (first <= SHORT_LENGTH) {
            return 1;
        }
        int more = first & SHORT_LENGTH;
        if (more == 0 || more > MOST_LENGTH_BYTES || at + 1 + more > bytes.length) {
            return 0;
        }
        return encoded(length(bytes, at)).length == 1 + more ? 1 + more : 0;
    }

    /** The number in a length field that {@link #lengthLength} takes. */
    static int length(byte[] bytes, int at) {
        int first = bytes[at] & 0xFF;
        if (first <= SHORT_LENGTH) {
            return first;
        }
        int number = 0;
        for (int i = 1; i <= (first & SHORT_LENGTH); i++) {
            number = number << 8 | bytes[at + i] & 0xFF;
        }
        return number;
    }

    private static byte[] encoded(int length) {
        if (length <= SHORT_LENGTH) {
            return new byte[] {(byte) length};
        }
        int more = length <= 0xFF ? 1 : length <= 0xFFFF ? 2 : MOST_LENGTH_BYTES;
        byte[] field = new byte[1 + more];
        field[0] = (byte) (CONTINUED | more);
        for (int i = more, rest = length; i > 0; i--, rest >>= 8) {
            field[i] = (byte) rest;
        }
        return field;
    }

    /** Tag and length of an object. */
    static byte[] header(byte[] tag, int length) {
        byte[] field = encoded(length);
        byte[] header = Arrays.copyOf(tag, tag.length + field.length);
        System.arraycopy(field, 0, header, tag.length, field.length);
        return header;
    }

    /** Bytes of the object that begins there, with its header; -1 when none does. */
    private static int objectLength(byte[] row, int at) {
        int tag = tagLength(row, at);
        int field = tag == 0 ? 0 : lengthLength(row, at + tag);
        int whole = field == 0 ? -1 : tag + field + length(row, at + tag);
        return whole > row.length - at ? -1 : whole;
    }

    /** Whether these are data objects, each tag once. */
    static boolean isRow(byte[] bytes) {
        for (int at = 0; at < bytes.length; ) {
            int length = objectLength(bytes, at);
            byte[] tag = length < 0 ? new byte[0] : tagAt(bytes, at);
            if (!isTag(tag) || position(bytes, tag) != at) {
                return false;
            }
            at += length;
        }
        return true;
    }

    private static byte[] tagAt(byte[] row, int at) {
        return Arrays.copyOfRange(row, at, at + tagLength(row, at));
    }

    private static int position(byte[] row, byte[] tag) {
        for (int at = 0; at < row.length; ) {
            int length = objectLength(row, at);
            if (length < 0) {
                return -1;
            }
            if (Arrays.equals(tagAt(row, at), tag)) {
                return at;
            }
            at += length;
        }
        return -1;
    }

    /** The object with its tag and length; null when there is none. */
    static byte[] find(byte[] row, byte[] tag) {
        int at = position(row, tag);
        return at < 0 ? null : Arrays.copyOfRange(row, at, at + objectLength(row, at));
    }

    /** The row without an object, if it has it. */
    static byte[] without(byte[] row, byte[] tag) {
        int at = position(row, tag);
        if (at < 0) {
            return row;
        }
        int end = at + objectLength(row, at);
        byte[] rest = Arrays.copyOf(row, row.length - (end - at));
        System.arraycopy(row, end, rest, at, row.length - end);
        return rest;
    }

    /** The tags one behind the other. */
    static byte[] tags(byte[] row) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int at = 0; at < row.length; at += objectLength(row, at)) {
            all.writeBytes(tagAt(row, at));
        }
        return all.toByteArray();
    }

    /** A row of tags one by one. */
    static List<byte[]> split(byte[] tags) {
        List<byte[]> found = new ArrayList<>();
        for (int at = 0; at < tags.length; at += found.get(found.size() - 1).length) {
            found.add(tagAt(tags, at));
        }
        return found;
    }
}
