package org.opentsm.simulator.runtime;

import javacard.framework.Util;

/**
 * What an instrumented applet calls in place of an array store or of a platform method of the same
 * name (the receiver first). Everything here runs in the command of {@link CardRuntime#current()}.
 */
public final class PlatformCalls {

    private PlatformCalls() {
    }

    public static void beforeFieldStore() {
        CardRuntime.current().persistentWrite();
    }

    public static void beforeBackwardJump() {
        if (Budget.mayBeSpent()) {
            CardRuntime.current().requireBudget();
        }
    }

    public static void beforeAllocation() {
        CardRuntime.current().allocation();
    }

    /** A getter of a key or an AID that fills an array of the applet's, which may be a persistent one. */
    public static void beforePlatformWrites() {
        CardRuntime.current().mayHaveChanged();
    }

    /** BASTORE, which serves byte[] and boolean[]. */
    public static void store(Object array, int index, int value) {
        CardRuntime.current().writing(array);
        if (array instanceof byte[] bytes) {
            bytes[index] = (byte) value;
        } else {
            ((boolean[]) array)[index] = (value & 1) != 0;
        }
    }

    public static void store(short[] array, int index, int value) {
        CardRuntime.current().writing(array);
        array[index] = (short) value;
    }

    public static void store(int[] array, int index, int value) {
        CardRuntime.current().writing(array);
        array[index] = value;
    }

    public static void store(Object[] array, int index, Object value) {
        CardRuntime.current().writing(array);
        array[index] = value;
    }

    public static short arrayCopy(byte[] from, short fromOffset, byte[] to, short toOffset, short length) {
        CardRuntime.current().writing(to);
        return Util.arrayCopy(from, fromOffset, to, toOffset, length);
    }

    /** Not atomic: power lost here leaves the first half written. It stands outside a transaction. */
    public static short arrayCopyNonAtomic(byte[] from, short fromOffset, byte[] to, short toOffset, short length) {
        CardRuntime card = CardRuntime.current();
        try {
            card.writing(to);
        } catch (PowerCut cut) {
            Util.arrayCopyNonAtomic(from, fromOffset, to, toOffset, (short) (length / 2));
            throw cut;
        }
        short end = Util.arrayCopyNonAtomic(from, fromOffset, to, toOffset, length);
        card.wroteOutsideTransaction(to, toOffset, length);
        return end;
    }

    public static short arrayFillNonAtomic(byte[] array, short offset, short length, byte value) {
        CardRuntime card = CardRuntime.current();
        card.writing(array);
        short end = Util.arrayFillNonAtomic(array, offset, length, value);
        card.wroteOutsideTransaction(array, offset, length);
        return end;
    }

    public static short setShort(byte[] array, short offset, short value) {
        CardRuntime.current().writing(array);
        return Util.setShort(array, offset, value);
    }
}
