// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.math;

import java.math.BigInteger;
import org.opentsm.simulator.crypto.CryptoHost;

/** Numbers between decimal digits, two in a byte, and binary. */
public final class BCDUtil {

    static final short MAX_BYTES = 32;

    public BCDUtil() {}

    /** The longest number, in bytes. */
    public static short getMaxBytesSupported() {
        return MAX_BYTES;
    }

    /** @throws ArithmeticException when the digits are none, or the length is 0 or not supported */
    public static short convertToHex(byte[] bcdArray, short bOff, short bLen, byte[] hexArray, short outOff) {
        return give(binary(decimal(bcdArray, bOff, bLen)), hexArray, outOff);
    }

    /** @throws ArithmeticException when the length is 0 or not supported */
    public static short convertToBCD(byte[] hexArray, short bOff, short bLen, byte[] bcdArray, short outOff) {
        checkSpan(hexArray, bOff, bLen);
        requireLength(bLen);
        return give(digits(new BigInteger(1, hexArray, bOff, bLen)), bcdArray, outOff);
    }

    /** @throws ArithmeticException when the length is 0 */
    public static boolean isBCDFormat(byte[] bcdArray, short bOff, short bLen) {
        checkSpan(bcdArray, bOff, bLen);
        if (bLen == 0) {
            throw new ArithmeticException("no digits");
        }
        for (int i = bOff; i < bOff + bLen; i++) {
            if ((bcdArray[i] >> 4 & 0x0F) > 9 || (bcdArray[i] & 0x0F) > 9) {
                return false;
            }
        }
        return true;
    }

    static void checkSpan(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset + length > array.length) {
            throw new ArrayIndexOutOfBoundsException(offset + length);
        }
    }

    private static void requireLength(int length) {
        if (length < 1 || length > MAX_BYTES) {
            throw new ArithmeticException("length " + length);
        }
    }

    static BigInteger decimal(byte[] array, short offset, short length) {
        checkSpan(array, offset, length);
        requireLength(length);
        if (!isBCDFormat(array, offset, length)) {
            throw new ArithmeticException("not decimal");
        }
        StringBuilder text = new StringBuilder();
        for (int i = offset; i < offset + length; i++) {
            text.append(array[i] >> 4 & 0x0F).append(array[i] & 0x0F);
        }
        return new BigInteger(text.toString());
    }

    /** Without leading zero bytes; zero is one byte. */
    static byte[] binary(BigInteger number) {
        byte[] bytes = number.toByteArray();
        return bytes.length > 1 && bytes[0] == 0 ? java.util.Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
    }

    static byte[] digits(BigInteger number) {
        String text = number.toString();
        String even = text.length() % 2 == 0 ? text : "0" + text;
        byte[] bytes = new byte[even.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) ((even.charAt(2 * i) - '0') << 4 | even.charAt(2 * i + 1) - '0');
        }
        return bytes;
    }

    private static short give(byte[] result, byte[] out, short offset) {
        checkSpan(out, offset, result.length);
        CryptoHost.current().writing(out);
        System.arraycopy(result, 0, out, offset, result.length);
        return (short) result.length;
    }
}
