// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/**
 * Bounded BER-TLV: tags of one or two bytes, lengths in one to three. A reader is an offset and an
 * end; what would pass the end is 6A80.
 */
final class Tlv {

    static final short NONE = (short) -1;

    private Tlv() {}

    static void require(boolean held) {
        if (!held) {
            Refuse.data();
        }
    }

    /** Tag at {@code offset}: one byte as 00xx. */
    static short tag(byte[] buffer, short offset, short end) {
        require(offset < end);
        if ((buffer[offset] & 0x1F) != 0x1F) {
            return (short) (buffer[offset] & 0xFF);
        }
        require((short) (end - offset) >= 2);
        require(buffer[(short) (offset + 1)] >= 0);
        return Util.getShort(buffer, offset);
    }

    private static short lengthField(byte[] buffer, short offset, short end) {
        short field = (short) (offset + ((tag(buffer, offset, end) & 0x1F00) == 0x1F00 ? 2 : 1));
        require(field < end);
        return field;
    }

    /** Length of a length field that starts with {@code first}. */
    private static short lengthSize(byte first) {
        if (first >= 0) {
            return (short) 1;
        }
        require(first == (byte) 0x81 || first == (byte) 0x82);
        return first == (byte) 0x81 ? (short) 2 : (short) 3;
    }

    /** Value of a BER length field at {@code offset}. */
    private static short lengthValue(byte[] buffer, short offset, short end) {
        short size = lengthSize(buffer[offset]);
        require((short) (end - offset) >= size);
        if (size == 1) {
            return buffer[offset];
        }
        short value =
                size == 2 ? (short) (buffer[(short) (offset + 1)] & 0xFF) : Util.getShort(buffer, (short) (offset + 1));
        require(value >= 0);
        return value;
    }

    /** Offset of the value; checks that all of it lies before {@code end}. */
    static short value(byte[] buffer, short offset, short end) {
        return afterLength(buffer, lengthField(buffer, offset, end), end);
    }

    /** Length of the value. */
    static short length(byte[] buffer, short offset, short end) {
        return lengthValue(buffer, lengthField(buffer, offset, end), end);
    }

    /** Offset behind the object. */
    static short next(byte[] buffer, short offset, short end) {
        return (short) (value(buffer, offset, end) + length(buffer, offset, end));
    }

    /** Offset behind a bare BER length field, as key data fields have it; the value lies before {@code end}. */
    static short afterLength(byte[] buffer, short field, short end) {
        require(field < end);
        short start = (short) (field + lengthSize(buffer[field]));
        require(start <= end);
        require(lengthValue(buffer, field, end) <= (short) (end - start));
        return start;
    }

    /** Value of a bare BER length field. */
    static short bareLength(byte[] buffer, short field, short end) {
        require(field < end);
        return lengthValue(buffer, field, end);
    }

    /** Offset of the first object with {@code tag}, or NONE; all objects up to it must be well formed. */
    static short find(byte[] buffer, short offset, short end, short tag) {
        while (offset < end) {
            if (tag(buffer, offset, end) == tag) {
                value(buffer, offset, end);
                return offset;
            }
            offset = next(buffer, offset, end);
        }
        return NONE;
    }

    /** Checks that the object at {@code offset} has {@code tag}; returns the offset of its value. */
    static short expect(byte[] buffer, short offset, short end, short tag) {
        require(tag(buffer, offset, end) == tag);
        return value(buffer, offset, end);
    }

    /** Bytes a header of {@code tag} and {@code length} takes. */
    static short headerSize(short tag, short length) {
        short size = (tag & 0x1F00) == 0x1F00 ? (short) 2 : (short) 1;
        return (short) (size + (length < 0x80 ? 1 : (length < 0x100 ? 2 : 3)));
    }

    /** Writes tag and length; returns the offset of the value. */
    static short header(byte[] buffer, short offset, short tag, short length) {
        if ((tag & 0x1F00) == 0x1F00) {
            buffer[offset] = (byte) (tag >> 8);
            offset++;
        }
        buffer[offset] = (byte) tag;
        offset++;
        if (length >= 0x100) {
            buffer[offset] = (byte) 0x82;
            return Util.setShort(buffer, (short) (offset + 1), length);
        }
        if (length >= 0x80) {
            buffer[offset] = (byte) 0x81;
            offset++;
        }
        buffer[offset] = (byte) length;
        return (short) (offset + 1);
    }

    /** Writes a whole object; returns the offset behind it. */
    static short put(byte[] buffer, short offset, short tag, byte[] value, short valueOffset, short length) {
        short start = header(buffer, offset, tag, length);
        return Util.arrayCopyNonAtomic(value, valueOffset, buffer, start, length);
    }

    /**
     * Puts a header before {@code length} bytes that stand at {@code offset}, moving them up.
     *
     * @return length of the whole object, which starts at {@code offset}
     */
    static short enclose(byte[] buffer, short offset, short tag, short length) {
        short size = headerSize(tag, length);
        Util.arrayCopyNonAtomic(buffer, offset, buffer, (short) (offset + size), length);
        header(buffer, offset, tag, length);
        return (short) (size + length);
    }
}
