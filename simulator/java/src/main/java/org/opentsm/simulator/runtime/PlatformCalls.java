// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Proxy;
import javacard.framework.Util;

/**
 * What an instrumented applet calls in place of an array store or of a platform method of the same
 * name (the receiver first). The card it runs on comes last; {@link ThisCard} says where from. All of it is on the way
 * of each access and store, so it is small enough for the JVM's compiler to put into the applet's code.
 */
public final class PlatformCalls {

    private PlatformCalls() {}

    public static void beforeFieldStore(CardRuntime card) {
        card.persistentWrite();
    }

    /** A reference goes into a field: of the runtime's own objects none may. */
    public static void beforeReferenceStore(Object value, CardRuntime card) {
        card.firewall().requireStorable(value);
        card.persistentWrite();
    }

    /** A static field of the class gets a reference. */
    public static void beforeStaticStore(Object value, String type, CardRuntime card) {
        card.firewall().requireStorable(value);
        if (card.loader().hasLibraries()) {
            card.firewall().storedStatic(value, card.loader().loadFileOf(type));
        }
        card.persistentWrite();
    }

    /** A static field of the class gave a reference. */
    public static void afterStaticLoad(Object value, String type, CardRuntime card) {
        if (card.loader().hasLibraries()) {
            card.firewall().loadedStatic(value, card.loader().loadFileOf(type));
        }
    }

    /** An object is touched: a field, an element, a length, a method. */
    public static void access(Object object, CardRuntime card) {
        card.firewall().touch(object);
    }

    /** CHECKCAST and INSTANCEOF. */
    public static void beforeCast(Object object, String type, CardRuntime card) {
        if (object != null && (card.firewall().isWatching() || object instanceof Proxy)) {
            card.firewall().requireCast(object, type);
        }
    }

    public static void beforeBackwardJump(CardRuntime card) {
        if (card.budget().isSpent()) {
            card.cutOff();
        }
    }

    public static void beforeAllocation(CardRuntime card) {
        card.allocation();
    }

    /** An object of the class was made. */
    public static void afterNew(Class<?> type, CardRuntime card) {
        card.allocation();
        card.memory().allocateObject(type);
    }

    public static void beforeArray(int length, int elementSize, CardRuntime card) {
        card.allocation();
        card.memory().allocateArray(length, elementSize);
    }

    /** The 3.0.5 form, which jCardSim leaves out: two shorts, the higher one first. */
    public static void getAvailableMemory(short[] buffer, short offset, byte type, CardRuntime card) {
        access(buffer, card);
        int bytes = card.memory().available(type);
        buffer[offset] = (short) (bytes >> 16);
        buffer[offset + 1] = (short) bytes;
    }

    /** A getter of a key or an AID that fills an array of the applet's, which may be a persistent one. */
    public static void beforePlatformWrites(CardRuntime card) {
        card.mayHaveChanged();
    }

    /** BASTORE, which serves byte[] and boolean[]. */
    public static void store(Object array, int index, int value, CardRuntime card) {
        access(array, card);
        card.writing(array, 1);
        if (array instanceof byte[] bytes) {
            bytes[index] = (byte) value;
        } else {
            ((boolean[]) array)[index] = (value & 1) != 0;
        }
    }

    public static void store(short[] array, int index, int value, CardRuntime card) {
        access(array, card);
        card.writing(array);
        array[index] = (short) value;
    }

    public static void store(int[] array, int index, int value, CardRuntime card) {
        access(array, card);
        card.writing(array);
        array[index] = value;
    }

    public static void store(Object[] array, int index, Object value, CardRuntime card) {
        access(array, card);
        card.firewall().requireStorable(value);
        card.writing(array);
        array[index] = value;
    }

    public static short arrayCopy(
            byte[] from, short fromOffset, byte[] to, short toOffset, short length, CardRuntime card) {
        access(from, card);
        access(to, card);
        card.writing(to, length);
        return Util.arrayCopy(from, fromOffset, to, toOffset, length);
    }

    /** Not atomic: power lost here leaves the first half written. It stands outside a transaction. */
    public static short arrayCopyNonAtomic(
            byte[] from, short fromOffset, byte[] to, short toOffset, short length, CardRuntime card) {
        access(from, card);
        access(to, card);
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

    public static short arrayFillNonAtomic(byte[] array, short offset, short length, byte value, CardRuntime card) {
        access(array, card);
        card.writing(array);
        short end = Util.arrayFillNonAtomic(array, offset, length, value);
        card.wroteOutsideTransaction(array, offset, length);
        return end;
    }

    public static short setShort(byte[] array, short offset, short value, CardRuntime card) {
        access(array, card);
        card.writing(array);
        return Util.setShort(array, offset, value);
    }
}
