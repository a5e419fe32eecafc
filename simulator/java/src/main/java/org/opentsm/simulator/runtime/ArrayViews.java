// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.Map;
import java.util.WeakHashMap;
import javacard.framework.AID;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;

/**
 * Array views of Java Card 3.1. The JVM has no array that lies in another one, so a view is an array of its own with a
 * copy of the elements: brought up to date before each read, written through at each store, both by instrumented code.
 * Platform methods get the copy, and what they changed in it is written through behind the call.
 */
final class ArrayViews {

    private static final int RIGHTS = JCSystem.ATTR_READABLE_VIEW | JCSystem.ATTR_WRITABLE_VIEW;

    // Arrays have identity hash and equality. A view holds its array, and nothing but the applet's code the view.
    private final Map<Object, View> views = new WeakHashMap<>();
    /** True once a card has had a view: others pay for the test of a flag. */
    private boolean used;

    /** @param owner load file whose context has it; null for the runtime's */
    record View(Object array, int offset, int length, int rights, AID owner) {

        boolean has(int right) {
            return (rights & right) != 0;
        }
    }

    /** A place in an array that is no view. */
    record Place(Object array, int index) {}

    View find(Object object) {
        return used ? views.get(object) : null;
    }

    /** @see JCSystem#makeArrayView */
    Object make(Object array, int offset, int length, int rights, AID owner) {
        boolean primitives = array.getClass().isArray()
                && array.getClass().getComponentType().isPrimitive();
        if (!primitives || rights == 0 || (rights & ~RIGHTS) != 0) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        if (offset < 0 || length < 0 || offset + length > Array.getLength(array)) {
            throw new ArrayIndexOutOfBoundsException(offset);
        }
        View below = find(array);
        if (below != null && (rights & ~below.rights) != 0) {
            throw new SecurityException("the view below has not that right");
        }
        used = true;
        Object made = Array.newInstance(array.getClass().getComponentType(), length);
        views.put(made, new View(array, offset, length, rights, owner));
        return made;
    }

    short rights(Object object) {
        View view = find(object);
        if (view == null && (object == null || !object.getClass().isArray())) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        return (short) (view == null ? RIGHTS : view.rights);
    }

    /** Called before an element is read. @throws SecurityException the view cannot be read */
    void beforeRead(Object object) {
        View view = find(object);
        if (view != null) {
            if (!view.has(JCSystem.ATTR_READABLE_VIEW)) {
                throw new SecurityException("the view cannot be read");
            }
            pull(object, view);
        }
    }

    /** Elements as they are now: an array below may be a view itself. */
    private void pull(Object object, View view) {
        View below = find(view.array);
        if (below != null) {
            pull(view.array, below);
        }
        System.arraycopy(view.array, view.offset, object, 0, view.length);
    }

    /**
     * Where elements of a view are stored.
     *
     * @throws SecurityException              the view cannot be written
     * @throws ArrayIndexOutOfBoundsException they are not all in the view
     */
    Place beforeStore(Object object, int index, int count) {
        Object array = object;
        int at = index;
        for (View view = find(array); view != null; view = find(array)) {
            if (!view.has(JCSystem.ATTR_WRITABLE_VIEW)) {
                throw new SecurityException("the view cannot be written");
            }
            if (at < 0 || count < 0 || at + count > view.length) {
                throw new ArrayIndexOutOfBoundsException(at);
            }
            array = view.array;
            at += view.offset;
        }
        return new Place(array, at);
    }

    /** A method of the platform gets the view; it only fills it when {@code filled}. */
    void beforePlatform(Object object, boolean filled) {
        View view = find(object);
        if (view != null) {
            if (!filled) {
                beforeRead(object);
            }
            pull(object, view);
        }
    }

    /** What the platform's method put into the view. Returns the place that changes; null for none. */
    Place changedByPlatform(Object object) {
        View view = find(object);
        if (view == null) {
            return null;
        }
        Object now = clone(object);
        pull(object, view);
        if (same(now, object)) {
            return null;
        }
        Place place = beforeStore(object, 0, view.length);
        System.arraycopy(now, 0, object, 0, view.length);
        return place;
    }

    private static Object clone(Object array) {
        int length = Array.getLength(array);
        Object copy = Array.newInstance(array.getClass().getComponentType(), length);
        System.arraycopy(array, 0, copy, 0, length);
        return copy;
    }

    private static boolean same(Object one, Object other) {
        return Arrays.deepEquals(new Object[] {one}, new Object[] {other});
    }
}
