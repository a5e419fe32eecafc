// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.Arrays;

/**
 * Objects that the active context was just found free to touch: code touches the same ones again and again. They hold
 * for one context and until something crosses, so whoever changes either must clear them.
 */
final class Clearances {

    /** A power of two. */
    private static final int SLOTS = 64;

    private final Object[] objects = new Object[SLOTS];
    private boolean used;

    private static int slot(Object object) {
        return System.identityHashCode(object) & SLOTS - 1;
    }

    boolean has(Object object) {
        return objects[slot(object)] == object;
    }

    void add(Object object) {
        used = true;
        objects[slot(object)] = object;
    }

    void clear() {
        if (used) {
            used = false;
            Arrays.fill(objects, null);
        }
    }
}
