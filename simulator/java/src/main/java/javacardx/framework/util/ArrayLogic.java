// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.util;

import java.lang.reflect.Array;
import org.opentsm.simulator.crypto.CryptoHost;

/** Copies, fills, compares and searches arrays of primitive types, as bytes where the types differ. */
public final class ArrayLogic {

    private ArrayLogic() {}

    /** @return offset behind the last element written */
    public static short arrayCopyRepack(Object src, short srcOff, short srcLen, Object dest, short destOff) {
        return repack(src, srcOff, srcLen, dest, destOff);
    }

    public static short arrayCopyRepackNonAtomic(Object src, short srcOff, short srcLen, Object dest, short destOff) {
        return repack(src, srcOff, srcLen, dest, destOff);
    }

    /** Fills with the element of {@code valArray} at {@code valOff}. */
    public static short arrayFillGeneric(Object theArray, short off, short len, Object valArray, short valOff) {
        return fill(theArray, off, len, valArray, valOff);
    }

    public static short arrayFillGenericNonAtomic(
            Object theArray, short off, short len, Object valArray, short valOff) {
        return fill(theArray, off, len, valArray, valOff);
    }

    /** @return -1, 0 or 1 by the first elements that differ */
    public static byte arrayCompareGeneric(Object src, short srcOff, Object dest, short destOff, short length) {
        requireSameType(src, dest);
        checkSpan(src, srcOff, length);
        checkSpan(dest, destOff, length);
        for (int i = 0; i < length; i++) {
            int compared = Integer.compare(element(src, srcOff + i), element(dest, destOff + i));
            if (compared != 0) {
                return (byte) compared;
            }
        }
        return 0;
    }

    /** @param valArray the element to find, big-endian, from {@code valOff} @return its offset, or -1 */
    public static short arrayFindGeneric(Object theArray, short off, byte[] valArray, short valOff) {
        int size = size(theArray);
        checkSpan(valArray, valOff, size);
        if (off < 0) {
            throw new ArrayIndexOutOfBoundsException(off);
        }
        int wanted = theArray instanceof boolean[] ? valArray[valOff] == 0 ? 0 : 1 : element(valArray, valOff);
        for (int i = 1; i < size; i++) {
            wanted = wanted << 8 | valArray[valOff + i] & 0xFF;
        }
        for (int i = off; i < Array.getLength(theArray); i++) {
            if (element(theArray, i) == wanted) {
                return (short) i;
            }
        }
        return -1;
    }

    private static short repack(Object src, short srcOff, short srcLen, Object dest, short destOff) {
        if (src instanceof boolean[] != dest instanceof boolean[]) {
            throw new UtilException(UtilException.TYPE_MISMATCHED);
        }
        int bytes = srcLen * size(src);
        int destSize = size(dest);
        checkSpan(src, srcOff, srcLen);
        if (bytes % destSize != 0) {
            throw new UtilException(UtilException.ILLEGAL_VALUE);
        }
        checkSpan(dest, destOff, bytes / destSize);
        CryptoHost.current().writing(dest);
        byte[] packed = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            int shift = 8 * (size(src) - 1 - i % size(src));
            packed[i] = (byte) (element(src, srcOff + i / size(src)) >> shift);
        }
        for (int i = 0; i < bytes / destSize; i++) {
            int value = packed[i * destSize];
            for (int part = 1; part < destSize; part++) {
                value = value << 8 | packed[i * destSize + part] & 0xFF;
            }
            set(dest, destOff + i, value);
        }
        return (short) (destOff + bytes / destSize);
    }

    private static short fill(Object theArray, short off, short len, Object valArray, short valOff) {
        requireSameType(theArray, valArray);
        checkSpan(theArray, off, len);
        checkSpan(valArray, valOff, 1);
        CryptoHost.current().writing(theArray);
        int value = element(valArray, valOff);
        for (int i = off; i < off + len; i++) {
            set(theArray, i, value);
        }
        return (short) (off + len);
    }

    private static void requireSameType(Object one, Object other) {
        size(one);
        size(other);
        if (one.getClass() != other.getClass()) {
            throw new UtilException(UtilException.TYPE_MISMATCHED);
        }
    }

    /** Bytes of an element. */
    private static int size(Object array) {
        if (array == null) {
            throw new NullPointerException();
        }
        if (array instanceof byte[] || array instanceof boolean[]) {
            return 1;
        }
        if (array instanceof short[]) {
            return 2;
        }
        if (array instanceof int[]) {
            return 4;
        }
        throw new UtilException(UtilException.TYPE_MISMATCHED);
    }

    private static void checkSpan(Object array, int offset, int length) {
        size(array);
        if (offset < 0 || length < 0 || offset + length > Array.getLength(array)) {
            throw new ArrayIndexOutOfBoundsException(offset + length);
        }
    }

    private static int element(Object array, int index) {
        return array instanceof boolean[] flags ? flags[index] ? 1 : 0 : Array.getInt(array, index);
    }

    private static void set(Object array, int index, int value) {
        if (array instanceof byte[] bytes) {
            bytes[index] = (byte) value;
        } else if (array instanceof short[] shorts) {
            shorts[index] = (short) value;
        } else if (array instanceof int[] ints) {
            ints[index] = value;
        } else {
            ((boolean[]) array)[index] = value != 0;
        }
    }
}
