// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

import org.opentsm.simulator.crypto.CryptoHost;

/** Reading and writing of BER lengths, within bounds. */
final class Tlv {

    private static final int LONG_FORM = 0x80;

    private Tlv() {}

    static int at(byte[] array, int offset, short malformed) {
        if (offset < 0) {
            throw new ArrayIndexOutOfBoundsException(offset);
        }
        if (offset >= array.length) {
            throw new TLVException(malformed);
        }
        return array[offset] & 0xFF;
    }

    /** Where the value begins and how long it is. @throws TLVException MALFORMED_TLV when it passes the array's end */
    static int[] value(byte[] array, int offset) {
        int at = offset + BERTag.size(array, (short) offset);
        int first = at(array, at++, TLVException.MALFORMED_TLV);
        int length = first;
        if (first >= LONG_FORM) {
            int count = first & 0x7F;
            if (count == 0 || count > 4) {
                throw new TLVException(TLVException.MALFORMED_TLV);
            }
            long value = 0;
            for (int i = 0; i < count; i++) {
                value = value << 8 | at(array, at++, TLVException.MALFORMED_TLV);
            }
            if (value > Short.MAX_VALUE) {
                throw new TLVException(TLVException.TLV_LENGTH_GREATER_THAN_32767);
            }
            length = (int) value;
        }
        if (at + length > array.length) {
            throw new TLVException(TLVException.MALFORMED_TLV);
        }
        return new int[] {at, length};
    }

    static byte[] encode(byte[] tag, byte[] value) {
        byte[] length = value.length < LONG_FORM
                ? new byte[] {(byte) value.length}
                : value.length < 0x100
                        ? new byte[] {(byte) 0x81, (byte) value.length}
                        : new byte[] {(byte) 0x82, (byte) (value.length >> 8), (byte) value.length};
        if (value.length > Short.MAX_VALUE) {
            throw new TLVException(TLVException.TLV_LENGTH_GREATER_THAN_32767);
        }
        byte[] out = new byte[tag.length + length.length + value.length];
        System.arraycopy(tag, 0, out, 0, tag.length);
        System.arraycopy(length, 0, out, tag.length, length.length);
        System.arraycopy(value, 0, out, tag.length + length.length, value.length);
        return out;
    }

    static short give(byte[] result, byte[] out, int offset) {
        if (offset < 0 || offset + result.length > out.length) {
            throw new ArrayIndexOutOfBoundsException(offset + result.length);
        }
        CryptoHost.current().writing(out);
        System.arraycopy(result, 0, out, offset, result.length);
        return (short) result.length;
    }

    static byte[] part(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset + length > array.length) {
            throw new ArrayIndexOutOfBoundsException(offset + length);
        }
        return java.util.Arrays.copyOfRange(array, offset, offset + length);
    }

    static byte[] joined(byte[] one, byte[] other) {
        byte[] out = java.util.Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, out, one.length, other.length);
        return out;
    }
}
