// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.framework.JCSystem;
import javacard.framework.OwnerPINx;
import javacard.framework.OwnerPINxWithPredecrement;
import javacard.framework.PINException;

/**
 * A PIN whose limit and counter its owner manages (Java Card API 3.0.5, OwnerPINx). Presenting it stands outside a
 * transaction as far as a whole-heap rollback allows: the try counter is in an array of its own.
 */
public class ManagedPin implements OwnerPINx {

    private static final int TRY_LIMIT = 0;
    private static final int LENGTH = 1;
    private static final int VALIDATED = 0;
    private static final int DECREMENTED = 1;

    private final byte[] settings = new byte[2];
    private final byte[] value;
    /** What a transaction does not take back; Transaction knows the name. */
    private final byte[] triesLeft = new byte[1];

    private final byte[] flags = CryptoHost.allocate(2, JCSystem.CLEAR_ON_RESET);

    public ManagedPin(byte tryLimit, byte maxPinSize) {
        if (tryLimit < 1 || maxPinSize < 1) {
            throw new PINException(PINException.ILLEGAL_VALUE);
        }
        value = new byte[maxPinSize];
        settings[TRY_LIMIT] = tryLimit;
        triesLeft[0] = tryLimit;
    }

    final void write(byte[] memory, int index, byte content) {
        CryptoHost.current().writing(memory);
        memory[index] = content;
    }

    final void forgetPresentation() {
        write(flags, VALIDATED, (byte) 0);
        write(flags, DECREMENTED, (byte) 0);
    }

    final boolean takeDecrement() {
        boolean decremented = flags[DECREMENTED] != 0;
        write(flags, DECREMENTED, (byte) 0);
        return decremented;
    }

    final byte decrement() {
        forgetPresentation();
        if (triesLeft[0] > 0) {
            write(triesLeft, 0, (byte) (triesLeft[0] - 1));
        }
        write(flags, DECREMENTED, (byte) 1);
        return triesLeft[0];
    }

    /** Compares; the counter was decremented before. */
    final boolean compare(byte[] pin, short offset, byte length) {
        Fault.checkSpan(pin, offset, length);
        if (length != settings[LENGTH] || !Arrays.equals(pin, offset, offset + length, value, 0, length)) {
            return false;
        }
        write(triesLeft, 0, settings[TRY_LIMIT]);
        write(flags, VALIDATED, (byte) 1);
        return true;
    }

    @Override
    public boolean check(byte[] pin, short offset, byte length) {
        if (triesLeft[0] == 0) {
            forgetPresentation();
            return false;
        }
        // Before the PIN is looked at: an exception or a power cut costs a try.
        decrement();
        takeDecrement();
        return compare(pin, offset, length);
    }

    @Override
    public final byte getTriesRemaining() {
        return triesLeft[0];
    }

    @Override
    public final boolean isValidated() {
        return flags[VALIDATED] != 0;
    }

    @Override
    public final void reset() {
        if (isValidated()) {
            write(triesLeft, 0, settings[TRY_LIMIT]);
        }
        forgetPresentation();
    }

    @Override
    public final void update(byte[] pin, short offset, byte length) {
        if (length < 0 || length > value.length) {
            throw new PINException(PINException.ILLEGAL_VALUE);
        }
        Fault.checkSpan(pin, offset, length);
        CryptoHost.current().writing(value);
        Arrays.fill(value, (byte) 0);
        System.arraycopy(pin, offset, value, 0, length);
        settings[LENGTH] = length;
        triesLeft[0] = settings[TRY_LIMIT];
        forgetPresentation();
    }

    @Override
    public final byte getTryLimit() {
        return settings[TRY_LIMIT];
    }

    /** The counter begins anew at the limit. */
    @Override
    public final void setTryLimit(byte limit) {
        if (limit < 1) {
            throw new PINException(PINException.ILLEGAL_VALUE);
        }
        write(settings, TRY_LIMIT, limit);
        triesLeft[0] = limit;
        forgetPresentation();
    }

    /** Zero blocks the PIN. */
    @Override
    public final void setTriesRemaining(byte remaining) {
        if (remaining < 0 || remaining > settings[TRY_LIMIT]) {
            throw new PINException(PINException.ILLEGAL_VALUE);
        }
        write(triesLeft, 0, remaining);
        forgetPresentation();
    }

    /** A PIN whose counter is decremented by a call of its own, before check(). */
    public static final class Predecremented extends ManagedPin implements OwnerPINxWithPredecrement {

        public Predecremented(byte tryLimit, byte maxPinSize) {
            super(tryLimit, maxPinSize);
        }

        @Override
        public byte decrementTriesRemaining() {
            return decrement();
        }

        @Override
        public boolean check(byte[] pin, short offset, byte length) {
            if (!takeDecrement()) {
                throw new PINException(PINException.ILLEGAL_STATE);
            }
            return compare(pin, offset, length);
        }
    }
}
