// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Set;
import javacard.framework.AID;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * Whether something that stays holds an applet that is to go, or an object it shares: then it may not go, JCRE 3.0.4
 * 11.3.4.1. What an applet has made besides is not known by its maker, and not looked for.
 */
final class References {

    private final Collection<RegistryEntry> leaving;
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Deque<Object> pending = new ArrayDeque<>();

    private References(Collection<RegistryEntry> leaving) {
        this.leaving = leaving;
    }

    /** @param loader whose classes have the card's static fields */
    static boolean hold(Collection<RegistryEntry> leaving, Registry registry, AppletClassLoader loader) {
        References references = new References(leaving);
        registry.instances().stream()
                .filter(entry -> !leaving.contains(entry))
                .forEach(entry -> references.add(entry.applet));
        for (Class<?> type : loader.defined()) {
            AID home = loader.loadFileOf(type.getName().replace('.', '/'));
            boolean goes = leaving.stream().anyMatch(entry -> !entry.isInstance() && entry.aid.equals(home));
            if (!goes) {
                CardObjects.statics(type).stream()
                        .filter(field -> !field.getType().isPrimitive())
                        .forEach(field -> references.add(CardObjects.get(field, null)));
            }
        }
        return references.find();
    }

    private void add(Object object) {
        if (object != null && seen.add(object)) {
            pending.push(object);
        }
    }

    private boolean find() {
        while (!pending.isEmpty()) {
            Object object = pending.pop();
            if (isLeaving(object)) {
                return true;
            }
            if (object instanceof Object[] array) {
                for (Object element : array) {
                    add(element);
                }
            } else if (!object.getClass().isArray() && !Proxy.isProxyClass(object.getClass())) {
                for (Field field : CardObjects.fields(object.getClass())) {
                    if (!field.getType().isPrimitive()) {
                        add(CardObjects.get(field, object));
                    }
                }
            }
        }
        return false;
    }

    private boolean isLeaving(Object object) {
        if (Proxy.isProxyClass(object.getClass())) {
            return Proxy.getInvocationHandler(object) instanceof SharedObject shared
                    && leaving.stream().anyMatch(entry -> entry.aid.equals(shared.server()));
        }
        return leaving.stream().anyMatch(entry -> entry.isInstance() && entry.applet == object);
    }
}
