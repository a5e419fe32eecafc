// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import javacard.framework.JCSystem;
import javacard.framework.OwnerPIN;
import org.opentsm.simulator.crypto.ManagedPin;

/**
 * The persistent heap as it was at beginTransaction(), to go back to. Taken as a whole and not
 * write by write: a key generated or an array filled by the platform's own code is covered too.
 * RAM arrays, crypto engines and a PIN's try counter stand outside, JCRE 3.0.4 7.7 and OwnerPIN.
 */
final class Transaction {

    private final TransientArrays transients;
    private final Map<Object, Object> before = new IdentityHashMap<>();
    private final List<Object[]> statics = new ArrayList<>();
    private final Deque<Object> pending = new ArrayDeque<>();

    Transaction(Iterable<?> roots, Iterable<Class<?>> classes, TransientArrays transients) {
        this.transients = transients;
        roots.forEach(this::reach);
        for (Class<?> type : classes) {
            for (Field field : CardObjects.statics(type)) {
                Object value = CardObjects.get(field, null);
                statics.add(new Object[] {field, value});
                if (!field.getType().isPrimitive()) {
                    reach(value);
                }
            }
        }
        while (!pending.isEmpty()) {
            capture(pending.pop());
        }
    }

    /** Puts every object back as it was. */
    void rollBack() {
        for (Object[] pair : statics) {
            Field field = (Field) pair[0];
            if (!java.lang.reflect.Modifier.isFinal(field.getModifiers())) {
                CardObjects.set(field, null, pair[1]);
            }
        }
        before.forEach((object, saved) -> {
            if (object.getClass().isArray()) {
                System.arraycopy(saved, 0, object, 0, java.lang.reflect.Array.getLength(object));
            } else {
                List<Field> fields = CardObjects.fields(object.getClass());
                Object[] values = (Object[]) saved;
                for (int i = 0; i < values.length; i++) {
                    CardObjects.set(fields.get(i), object, values[i]);
                }
            }
        });
    }

    /** How many bytes of fields and array elements differ from the beginning: what a card must be able to take back. */
    int changedBytes() {
        int changed = 0;
        for (Object[] pair : statics) {
            Field field = (Field) pair[0];
            changed += same(CardObjects.get(field, null), pair[1]) ? 0 : size(field.getType());
        }
        for (Map.Entry<Object, Object> entry : before.entrySet()) {
            Object object = entry.getKey();
            if (object.getClass().isArray()) {
                changed += changedElements(object, entry.getValue())
                        * size(object.getClass().getComponentType());
            } else {
                List<Field> fields = CardObjects.fields(object.getClass());
                Object[] values = (Object[]) entry.getValue();
                for (int i = 0; i < values.length; i++) {
                    boolean kept = same(CardObjects.get(fields.get(i), object), values[i]);
                    changed += kept ? 0 : size(fields.get(i).getType());
                }
            }
        }
        return changed;
    }

    private static int changedElements(Object array, Object saved) {
        if (array instanceof byte[] now && java.util.Arrays.equals(now, (byte[]) saved)) {
            return 0;
        }
        int changed = 0;
        for (int i = 0; i < java.lang.reflect.Array.getLength(array); i++) {
            changed += same(java.lang.reflect.Array.get(array, i), java.lang.reflect.Array.get(saved, i)) ? 0 : 1;
        }
        return changed;
    }

    /** Values of primitive fields come boxed; objects are the same or not. */
    private static boolean same(Object now, Object then) {
        return now == then || now instanceof Number && now.equals(then) || now instanceof Boolean && now.equals(then);
    }

    /** Bytes of a card's memory: references and shorts 2, int 4. */
    private static int size(Class<?> type) {
        return type == byte.class || type == boolean.class ? 1 : type == int.class ? 4 : 2;
    }

    /** A non-atomic write stays after a rollback. */
    void keep(byte[] array, int offset, int length) {
        Object saved = before.get(array);
        if (saved != null) {
            System.arraycopy(array, offset, saved, offset, length);
        }
    }

    private void reach(Object object) {
        if (object == null || before.containsKey(object)) {
            return;
        }
        if (!CardObjects.isEngine(object)) {
            pending.push(object);
            return;
        }
        // The engine stays as it is; the key it holds may be reached by nothing else.
        for (Field field : CardObjects.fields(object.getClass())) {
            if (!field.getType().isPrimitive()) {
                reach(CardObjects.get(field, object));
            }
        }
    }

    private void capture(Object object) {
        if (before.containsKey(object)) {
            return;
        }
        if (Proxy.isProxyClass(object.getClass())) {
            if (Proxy.getInvocationHandler(object) instanceof SharedObject shared && shared.isApplets()) {
                reach(shared.target());
            }
        } else if (object instanceof Object[] array) {
            if (transients.isTransient(array) == JCSystem.NOT_A_TRANSIENT_OBJECT) {
                before.put(array, array.clone());
            }
            for (Object element : array) {
                reach(element);
            }
        } else if (object.getClass().isArray()) {
            if (transients.isTransient(object) == JCSystem.NOT_A_TRANSIENT_OBJECT) {
                before.put(object, copy(object));
            }
        } else {
            captureFields(object);
        }
    }

    private void captureFields(Object object) {
        List<Field> fields = CardObjects.fields(object.getClass());
        Object[] values = new Object[fields.size()];
        before.put(object, values);
        for (int i = 0; i < values.length; i++) {
            Field field = fields.get(i);
            values[i] = CardObjects.get(field, object);
            boolean tryCounter = (field.getDeclaringClass() == OwnerPIN.class
                            || field.getDeclaringClass() == ManagedPin.class)
                    && (field.getName().equals("triesLeft") || field.getName().equals("flags"));
            if (!field.getType().isPrimitive() && !tryCounter) {
                reach(values[i]);
            }
        }
    }

    private static Object copy(Object array) {
        int length = java.lang.reflect.Array.getLength(array);
        Object copy = java.lang.reflect.Array.newInstance(array.getClass().getComponentType(), length);
        System.arraycopy(array, 0, copy, 0, length);
        return copy;
    }
}
