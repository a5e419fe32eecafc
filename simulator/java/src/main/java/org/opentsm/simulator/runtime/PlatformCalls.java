// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Array;
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
        if (card.isGuarded()) {
            card.firewall().touch(object);
        }
    }

    /** An element is read. */
    public static void beforeRead(Object array, CardRuntime card) {
        if (card.isGuarded()) {
            card.firewall().touch(array);
            card.views().beforeRead(array);
        }
    }

    /** An array goes to a method of the platform, which reads it or only fills it. */
    public static void beforePlatform(Object array, boolean filled, CardRuntime card) {
        if (card.isGuarded()) {
            card.firewall().touch(array);
            card.views().beforePlatform(array, filled);
        }
    }

    /** The method of the platform is back. */
    public static void afterPlatform(Object array, CardRuntime card) {
        if (card.isGuarded()) {
            ArrayViews.Place place = card.views().changedByPlatform(array);
            if (place != null) {
                int length = Array.getLength(array);
                card.writing(place.array(), length);
                System.arraycopy(array, 0, place.array(), place.index(), length);
            }
        }
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

    /** A getter of a key or an AID that fills an array of the applet's, which may be a persistent one. */
    public static void beforePlatformWrites(CardRuntime card) {
        card.mayHaveChanged();
    }

    /** BASTORE, which serves byte[] and boolean[]. */
    public static void store(Object array, int index, int value, CardRuntime card) {
        if (card.isGuarded()) {
            ArrayViews.Place place = place(array, index, 1, card);
            put(place.array(), place.index(), value, card);
        } else {
            put(array, index, value, card);
        }
    }

    private static void put(Object array, int index, int value, CardRuntime card) {
        card.writing(array, 1);
        if (array instanceof byte[] bytes) {
            bytes[index] = (byte) value;
        } else {
            ((boolean[]) array)[index] = (value & 1) != 0;
        }
    }

    public static void store(short[] array, int index, int value, CardRuntime card) {
        if (card.isGuarded()) {
            ArrayViews.Place place = place(array, index, 1, card);
            put((short[]) place.array(), place.index(), value, card);
        } else {
            put(array, index, value, card);
        }
    }

    private static void put(short[] array, int index, int value, CardRuntime card) {
        card.writing(array);
        array[index] = (short) value;
    }

    public static void store(int[] array, int index, int value, CardRuntime card) {
        if (card.isGuarded()) {
            ArrayViews.Place place = place(array, index, 1, card);
            put((int[]) place.array(), place.index(), value, card);
        } else {
            put(array, index, value, card);
        }
    }

    private static void put(int[] array, int index, int value, CardRuntime card) {
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
        beforeRead(from, card);
        ArrayViews.Place place = place(to, toOffset, length, card);
        byte[] array = (byte[]) place.array();
        card.writing(array, length);
        Util.arrayCopy(from, fromOffset, array, (short) place.index(), length);
        return (short) (toOffset + length);
    }

    /** Not atomic: power lost here leaves the first half written. It stands outside a transaction. */
    public static short arrayCopyNonAtomic(
            byte[] from, short fromOffset, byte[] to, short toOffset, short length, CardRuntime card) {
        beforeRead(from, card);
        ArrayViews.Place place = place(to, toOffset, length, card);
        byte[] array = (byte[]) place.array();
        short at = (short) place.index();
        try {
            card.writing(array);
        } catch (PowerCut cut) {
            Util.arrayCopyNonAtomic(from, fromOffset, array, at, (short) (length / 2));
            throw cut;
        }
        Util.arrayCopyNonAtomic(from, fromOffset, array, at, length);
        card.wroteOutsideTransaction(array, at, length);
        return (short) (toOffset + length);
    }

    public static short arrayFillNonAtomic(byte[] to, short offset, short length, byte value, CardRuntime card) {
        ArrayViews.Place place = place(to, offset, length, card);
        byte[] array = (byte[]) place.array();
        card.writing(array);
        Util.arrayFillNonAtomic(array, (short) place.index(), length, value);
        card.wroteOutsideTransaction(array, (short) place.index(), length);
        return (short) (offset + length);
    }

    public static short setShort(byte[] to, short offset, short value, CardRuntime card) {
        ArrayViews.Place place = place(to, offset, Short.BYTES, card);
        byte[] array = (byte[]) place.array();
        card.writing(array);
        Util.setShort(array, (short) place.index(), value);
        return (short) (offset + Short.BYTES);
    }

    /** Where elements are stored: of a view in the array below it. */
    private static ArrayViews.Place place(Object array, int offset, int length, CardRuntime card) {
        if (!card.isGuarded()) {
            return new ArrayViews.Place(array, offset);
        }
        card.firewall().touch(array);
        return card.views().beforeStore(array, offset, length);
    }
}
