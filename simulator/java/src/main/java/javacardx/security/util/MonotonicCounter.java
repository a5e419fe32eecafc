// SPDX-License-Identifier: Apache-2.0
package javacardx.security.util;

import java.math.BigInteger;
import java.util.Arrays;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import org.opentsm.simulator.crypto.CryptoHost;

/** An unsigned big-endian counter that only grows, since 3.1. */
public final class MonotonicCounter {

    private static final int MAX_LENGTH = 8;

    private final byte memoryType;
    private final byte[] value;

    private MonotonicCounter(short size, byte memoryType) {
        this.memoryType = memoryType;
        value = CryptoHost.allocate(
                size,
                memoryType == JCSystem.MEMORY_TYPE_TRANSIENT_RESET
                        ? JCSystem.CLEAR_ON_RESET
                        : memoryType == JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT ? JCSystem.CLEAR_ON_DESELECT : 0);
    }

    /** @param size bytes, 1 to 8 @throws SystemException ILLEGAL_VALUE for another size or memory */
    public static MonotonicCounter getInstance(short size, byte memoryType) {
        boolean memory =
                memoryType >= JCSystem.MEMORY_TYPE_PERSISTENT && memoryType <= JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT;
        if (size < 1 || size > MAX_LENGTH || !memory) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        return new MonotonicCounter(size, memoryType);
    }

    public byte getMemoryType() {
        return memoryType;
    }

    /** Bytes. */
    public short getSize() {
        return (short) value.length;
    }

    /** Sets a value that is not below the present one. @return the size @throws SystemException ILLEGAL_VALUE */
    public short setValue(byte[] buffer, short offset, short length) {
        BigInteger wanted = number(buffer, offset, length);
        if (wanted.compareTo(current()) < 0 || wanted.bitLength() > 8 * value.length) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        store(wanted);
        return getSize();
    }

    /** Copies the value out. @return the size */
    public short get(byte[] buffer, short offset) {
        if (offset < 0 || offset + value.length > buffer.length) {
            throw new ArrayIndexOutOfBoundsException(offset + value.length);
        }
        CryptoHost.current().writing(buffer);
        System.arraycopy(value, 0, buffer, offset, value.length);
        return getSize();
    }

    /** @return what was added, which is less than asked where the counter reached its end */
    public short incrementBy(short increment) {
        if (increment < 0) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        BigInteger limit = BigInteger.ONE.shiftLeft(8 * value.length).subtract(BigInteger.ONE);
        BigInteger next = current().add(BigInteger.valueOf(increment)).min(limit);
        short added = next.subtract(current()).shortValue();
        store(next);
        return added;
    }

    /** @return -1, 0 or 1 */
    public short compareTo(byte[] buffer, short offset, short length) {
        return (short) current().compareTo(number(buffer, offset, length));
    }

    /** @return -1, 0 or 1 */
    public short compareTo(MonotonicCounter monotonicCounter) {
        return (short) current().compareTo(monotonicCounter.current());
    }

    public boolean equalsMax() {
        return current().bitCount() == 8 * value.length;
    }

    private BigInteger current() {
        return new BigInteger(1, value);
    }

    private static BigInteger number(byte[] buffer, short offset, short length) {
        if (offset < 0 || length < 1 || offset + length > buffer.length) {
            throw new ArrayIndexOutOfBoundsException(offset + length);
        }
        return new BigInteger(1, buffer, offset, length);
    }

    private void store(BigInteger number) {
        CryptoHost.current().writing(value);
        byte[] bytes = number.toByteArray();
        int from = bytes.length > value.length ? bytes.length - value.length : 0;
        Arrays.fill(value, (byte) 0);
        System.arraycopy(bytes, from, value, value.length - (bytes.length - from), bytes.length - from);
    }
}
