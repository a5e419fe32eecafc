// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Field;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Set;
import javacard.framework.AID;
import javacard.security.Key;

/** Clears what only a deleted instance could reach: its keys and arrays are gone, not just unlinked. */
final class Wipe {

    private Wipe() {}

    /**
     * @param gone the deleted instance
     * @param kept instances that stay; what they or the static fields reach is left alone
     */
    static void clear(Object gone, Iterable<?> kept, Iterable<Class<?>> classes) {
        Set<Object> shared = newSet();
        kept.forEach(root -> reach(root, shared, Set.of()));
        for (Class<?> type : classes) {
            CardObjects.statics(type).stream()
                    .filter(field -> !field.getType().isPrimitive())
                    .forEach(field -> reach(CardObjects.get(field, null), shared, Set.of()));
        }
        Set<Object> own = newSet();
        reach(gone, own, shared);
        // Keys first: a key is cleared through its own method, which needs its fields as they are.
        own.stream().filter(Key.class::isInstance).forEach(key -> ((Key) key).clearKey());
        own.stream().filter(object -> object.getClass().isArray()).forEach(TransientArrays::clear);
    }

    private static Set<Object> newSet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    private static void reach(Object root, Set<Object> seen, Set<Object> except) {
        Deque<Object> pending = new ArrayDeque<>();
        if (root != null) {
            pending.push(root);
        }
        while (!pending.isEmpty()) {
            Object object = pending.pop();
            boolean leaf = object instanceof AID || java.lang.reflect.Proxy.isProxyClass(object.getClass());
            if (leaf || except.contains(object) || !seen.add(object)) {
                continue;
            }
            if (object instanceof Object[] array) {
                for (Object element : array) {
                    if (element != null) {
                        pending.push(element);
                    }
                }
            } else if (!object.getClass().isArray()) {
                for (Field field : CardObjects.fields(object.getClass())) {
                    Object value = field.getType().isPrimitive() ? null : CardObjects.get(field, object);
                    if (value != null) {
                        pending.push(value);
                    }
                }
            }
        }
    }
}
