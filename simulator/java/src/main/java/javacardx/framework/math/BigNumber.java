// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.math;

import java.math.BigInteger;
import java.util.Arrays;
import org.opentsm.simulator.crypto.CryptoHost;

/**
 * An unsigned number with a maximum. Value and maximum are card memory, big-endian, as long as the constructor said.
 */
public final class BigNumber {

    public static final byte FORMAT_BCD = 1;
    public static final byte FORMAT_HEX = 2;

    private final byte[] value;
    private final byte[] maximum;

    /** @throws ArithmeticException when the length is not supported */
    public BigNumber(short maxBytes) {
        if (maxBytes < 1 || maxBytes > BCDUtil.MAX_BYTES) {
            throw new ArithmeticException("length " + maxBytes);
        }
        value = new byte[maxBytes];
        maximum = new byte[maxBytes];
        Arrays.fill(maximum, (byte) 0xFF);
    }

    public static short getMaxBytesSupported() {
        return BCDUtil.MAX_BYTES;
    }

    /** @throws ArithmeticException when the constructor's length does not hold it, or the value is above it */
    public void setMaximum(byte[] maxValue, short bOff, short bLen, byte arrayFormat) {
        BigInteger number = operand(maxValue, bOff, bLen, arrayFormat);
        if (number.bitLength() > 8 * maximum.length || current().compareTo(number) > 0) {
            throw new ArithmeticException("maximum");
        }
        store(maximum, number);
    }

    /** @throws ArithmeticException when the number is above the maximum or not in the format */
    public void init(byte[] bArray, short bOff, short bLen, byte arrayFormat) {
        assign(operand(bArray, bOff, bLen, arrayFormat));
    }

    /** @throws ArithmeticException when the result is above the maximum */
    public void add(byte[] bArray, short bOff, short bLen, byte arrayFormat) {
        assign(current().add(operand(bArray, bOff, bLen, arrayFormat)));
    }

    /** @throws ArithmeticException when the result is negative */
    public void subtract(byte[] bArray, short bOff, short bLen, byte arrayFormat) {
        assign(current().subtract(operand(bArray, bOff, bLen, arrayFormat)));
    }

    /** @throws ArithmeticException when the result is above the maximum */
    public void multiply(byte[] bArray, short bOff, short bLen, byte arrayFormat) {
        assign(current().multiply(operand(bArray, bOff, bLen, arrayFormat)));
    }

    public byte compareTo(BigNumber operand) {
        return (byte) current().compareTo(operand.current());
    }

    public byte compareTo(byte[] bArray, short bOff, short bLen, byte arrayFormat) {
        return (byte) current().compareTo(operand(bArray, bOff, bLen, arrayFormat));
    }

    /** Right-aligned in {@code numBytes} bytes. @throws ArithmeticException when they are too few */
    public void toBytes(byte[] outBuf, short bOff, short numBytes, byte arrayFormat) {
        byte[] bytes = bytes(arrayFormat);
        if (numBytes < bytes.length) {
            throw new ArithmeticException("needs " + bytes.length + " bytes");
        }
        BCDUtil.checkSpan(outBuf, bOff, numBytes);
        CryptoHost.current().writing(outBuf);
        Arrays.fill(outBuf, bOff, bOff + numBytes, (byte) 0);
        System.arraycopy(bytes, 0, outBuf, bOff + numBytes - bytes.length, bytes.length);
    }

    public short getByteLength(byte arrayFormat) {
        return (short) bytes(arrayFormat).length;
    }

    public void reset() {
        store(value, BigInteger.ZERO);
    }

    private byte[] bytes(byte arrayFormat) {
        requireFormat(arrayFormat);
        return arrayFormat == FORMAT_BCD ? BCDUtil.digits(current()) : BCDUtil.binary(current());
    }

    private static void requireFormat(byte arrayFormat) {
        if (arrayFormat != FORMAT_BCD && arrayFormat != FORMAT_HEX) {
            throw new ArithmeticException("format " + arrayFormat);
        }
    }

    private static BigInteger operand(byte[] bArray, short bOff, short bLen, byte arrayFormat) {
        requireFormat(arrayFormat);
        BCDUtil.checkSpan(bArray, bOff, bLen);
        if (arrayFormat == FORMAT_BCD) {
            return BCDUtil.decimal(bArray, bOff, bLen);
        }
        if (bLen == 0) {
            throw new ArithmeticException("no number");
        }
        return new BigInteger(1, bArray, bOff, bLen);
    }

    private BigInteger current() {
        return new BigInteger(1, value);
    }

    private void assign(BigInteger number) {
        if (number.signum() < 0 || number.compareTo(new BigInteger(1, maximum)) > 0) {
            throw new ArithmeticException("out of range");
        }
        store(value, number);
    }

    private static void store(byte[] target, BigInteger number) {
        CryptoHost.current().writing(target);
        byte[] bytes = BCDUtil.binary(number);
        Arrays.fill(target, (byte) 0);
        System.arraycopy(bytes, 0, target, target.length - bytes.length, bytes.length);
    }
}
