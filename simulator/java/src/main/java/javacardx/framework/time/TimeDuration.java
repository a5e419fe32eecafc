// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.time;

import com.licel.jcardsim.base.SimulatorSystem;
import java.math.BigInteger;
import javacard.framework.JCSystem;
import org.opentsm.simulator.crypto.CryptoHost;

/** A span of time in microseconds; Java Card API 3.1. Its value is card memory of the kind that was asked for. */
public final class TimeDuration {

    public static final byte MICROS = 2;
    public static final byte MILLIS = 3;
    public static final byte SECONDS = 4;
    public static final byte MINUTES = 5;
    public static final byte HOURS = 6;
    public static final byte DAYS = 7;
    private static final long[] UNITS = {1, 1000, 1_000_000, 60_000_000L, 3_600_000_000L, 86_400_000_000L};
    private static final int SIZE = 8;

    private final byte[] value;

    private TimeDuration(byte memory) {
        value = CryptoHost.allocate(SIZE, memory);
    }

    /** Nothing long. @param memory JCSystem.MEMORY_TYPE_PERSISTENT, or a transient one */
    public static TimeDuration getInstance(byte memory) {
        byte event =
                switch (memory) {
                    case JCSystem.MEMORY_TYPE_PERSISTENT -> 0;
                    case JCSystem.MEMORY_TYPE_TRANSIENT_RESET -> JCSystem.CLEAR_ON_RESET;
                    case JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT -> JCSystem.CLEAR_ON_DESELECT;
                    default -> throw new DateTimeException(DateTimeException.INVALID_VALUE);
                };
        return new TimeDuration(event);
    }

    public static TimeDuration getInstance(byte memory, short amount, short unit) {
        return getInstance(memory).plus(amount, unit);
    }

    private static long unit(short unit) {
        if (unit < MICROS || unit > DAYS) {
            throw new DateTimeException(DateTimeException.INVALID_UNIT);
        }
        return UNITS[unit - MICROS];
    }

    private long microseconds() {
        return new BigInteger(value).longValue();
    }

    TimeDuration microseconds(long changed) {
        CryptoHost.current().writing(value);
        for (int i = 0; i < SIZE; i++) {
            value[i] = (byte) (changed >> 8 * (SIZE - 1 - i));
        }
        return this;
    }

    private TimeDuration add(long more) {
        try {
            return microseconds(Math.addExact(microseconds(), more));
        } catch (ArithmeticException e) {
            throw new DateTimeException(DateTimeException.INVALID_VALUE);
        }
    }

    public byte getMemoryType() {
        return switch (SimulatorSystem.instance().getTransientMemory().isTransient(value)) {
            case JCSystem.CLEAR_ON_RESET -> JCSystem.MEMORY_TYPE_TRANSIENT_RESET;
            case JCSystem.CLEAR_ON_DESELECT -> JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT;
            default -> JCSystem.MEMORY_TYPE_PERSISTENT;
        };
    }

    public boolean isNegative() {
        return microseconds() < 0;
    }

    public TimeDuration abs() {
        return microseconds(Math.abs(microseconds()));
    }

    public TimeDuration neg() {
        return microseconds(-microseconds());
    }

    public TimeDuration reset() {
        return microseconds(0);
    }

    public short compareTo(TimeDuration other) {
        return (short) Long.compare(microseconds(), other.microseconds());
    }

    public short compareTo(short amount, short unit) {
        return (short) Long.compare(microseconds(), amount * unit(unit));
    }

    public TimeDuration minus(TimeDuration other) {
        return add(-other.microseconds());
    }

    public TimeDuration minus(short amount, short unit) {
        return add(-amount * unit(unit));
    }

    public TimeDuration plus(TimeDuration other) {
        return add(other.microseconds());
    }

    public TimeDuration plus(short amount, short unit) {
        return add(amount * unit(unit));
    }

    /** A signed number of units, most significant byte first. */
    public TimeDuration set(byte[] from, short offset, short length, short unit) {
        if (length < 1 || length > SIZE) {
            throw new DateTimeException(DateTimeException.INVALID_VALUE);
        }
        BigInteger amount = new BigInteger(from, offset, length).multiply(BigInteger.valueOf(unit(unit)));
        if (amount.bitLength() >= Long.SIZE) {
            throw new DateTimeException(DateTimeException.INVALID_VALUE);
        }
        return microseconds(amount.longValue());
    }

    /** Whole units, in as few bytes as hold them. */
    public short toBytes(byte[] to, short offset, short length, short unit) {
        byte[] bytes = BigInteger.valueOf(microseconds() / unit(unit)).toByteArray();
        if (bytes.length > length) {
            throw new DateTimeException(DateTimeException.INVALID_VALUE);
        }
        CryptoHost.current().writing(to);
        System.arraycopy(bytes, 0, to, offset, bytes.length);
        return (short) bytes.length;
    }

    public short getByteLength(short unit) {
        return (short) BigInteger.valueOf(microseconds() / unit(unit)).toByteArray().length;
    }
}
