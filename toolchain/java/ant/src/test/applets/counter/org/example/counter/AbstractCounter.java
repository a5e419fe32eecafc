// SPDX-License-Identifier: Apache-2.0
package org.example.counter;

import javacard.framework.SystemException;

/** Counts up to a bound; subclasses say what happens there. */
public abstract class AbstractCounter implements ResettableCounter {
    protected static short instances;
    public static final byte STEP = 1;

    protected short current;
    protected byte[] label;
    private boolean blocked;

    protected AbstractCounter(byte[] label) {
        this.label = label;
        instances += STEP;
    }

    public final short value() {
        return current;
    }

    public short add(short amount) {
        if (blocked || amount < 0 || amount > (short) (MAX - current)) {
            blocked = true;
            overflow(LIMIT_REACHED);
        } else {
            current += amount;
        }
        return current;
    }

    public void reset() {
        current = 0;
        unblock();
    }

    public short name(byte[] buffer, short offset) {
        for (short i = 0; i < label.length; i++) {
            buffer[(short) (offset + i)] = label[i];
        }
        return (short) (offset + label.length);
    }

    void unblock() {
        blocked = false;
    }

    protected abstract void overflow(byte reason);

    /** Answers overflows with an exception. */
    public static class Strict extends AbstractCounter {
        public Strict(byte[] label) {
            super(label);
        }

        protected void overflow(byte reason) {
            SystemException.throwIt(reason);
        }
    }
}
