// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.state;

import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import javacard.framework.JCSystem;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.crypto.IntegrityMarks;
import org.opentsm.simulator.runtime.CardObjects;
import org.opentsm.simulator.runtime.SharedObject;
import org.opentsm.simulator.runtime.TransientArrays;

/**
 * Writes a card's persistent objects, each once, in the order they are reached. RAM arrays are
 * written by their shape only. {@link HeapReader} reads it back.
 */
final class HeapWriter {

    /** First byte of each object. */
    static final int NULL = 0;

    static final int SEEN = 1;
    static final int TRANSIENT = 2;
    static final int BYTES = 3;
    static final int BOOLEANS = 4;
    static final int SHORTS = 5;
    static final int INTS = 6;
    static final int OBJECTS = 7;
    static final int SHARED = 9;
    static final int SHARED_OPEN = 10;
    static final int INSTANCE = 11;
    /** Before an array that is integrity-sensitive. */
    static final int SENSITIVE = 12;

    private final DataOutputStream out;
    private final TransientArrays transients;
    private final Map<Object, Integer> seen = new IdentityHashMap<>();
    private final Map<Class<?>, Integer> classes = new HashMap<>();

    HeapWriter(DataOutputStream out, TransientArrays transients) {
        this.out = out;
        this.transients = transients;
    }

    void write(Object object) throws IOException {
        if (object == null) {
            out.writeByte(NULL);
            return;
        }
        Integer number = seen.get(object);
        if (number != null) {
            out.writeByte(SEEN);
            out.writeInt(number);
            return;
        }
        seen.put(object, seen.size());
        if (object.getClass().isArray()) {
            writeArray(object);
        } else if (Proxy.isProxyClass(object.getClass())) {
            writeShared((SharedObject) Proxy.getInvocationHandler(object));
        } else {
            writeInstance(object);
        }
    }

    /** The fields' values, in order; the reader knows the fields. */
    void writeFields(List<Field> fields, Object holder) throws IOException {
        for (Field field : fields) {
            Object value = CardObjects.get(field, holder);
            Class<?> type = field.getType();
            if (type == byte.class) {
                out.writeByte((Byte) value);
            } else if (type == short.class) {
                out.writeShort((Short) value);
            } else if (type == boolean.class) {
                out.writeBoolean((Boolean) value);
            } else if (type == int.class) {
                out.writeInt((Integer) value);
            } else {
                write(value);
            }
        }
    }

    void writeClass(Class<?> type, List<Field> fields) throws IOException {
        Integer number = classes.get(type);
        out.writeShort(number == null ? classes.size() : number);
        if (number == null) {
            classes.put(type, classes.size());
            out.writeUTF(type.getName());
            out.writeUTF(layout(fields));
        }
    }

    /** Names and types of fields: a state saved by other code is refused, not misread. */
    static String layout(List<Field> fields) {
        StringBuilder text = new StringBuilder();
        fields.forEach(field -> text.append(field.getName())
                .append(':')
                .append(field.getType().getName())
                .append(';'));
        return text.toString();
    }

    private void writeArray(Object array) throws IOException {
        if (IntegrityMarks.isMarked(array)) {
            out.writeByte(SENSITIVE);
        }
        byte event = transients.isTransient(array);
        if (event != JCSystem.NOT_A_TRANSIENT_OBJECT) {
            out.writeByte(TRANSIENT);
            out.writeByte(event);
            out.writeByte(kind(array));
            out.writeInt(java.lang.reflect.Array.getLength(array));
            write(transients.group(array));
            return;
        }
        int kind = kind(array);
        out.writeByte(kind);
        if (kind == OBJECTS) {
            out.writeUTF(array.getClass().getComponentType().getName());
        }
        out.writeInt(java.lang.reflect.Array.getLength(array));
        switch (kind) {
            case BYTES -> out.write((byte[]) array);
            case BOOLEANS -> {
                for (boolean value : (boolean[]) array) {
                    out.writeBoolean(value);
                }
            }
            case SHORTS -> {
                for (short value : (short[]) array) {
                    out.writeShort(value);
                }
            }
            case INTS -> {
                for (int value : (int[]) array) {
                    out.writeInt(value);
                }
            }
            default -> {
                for (Object value : (Object[]) array) {
                    write(value);
                }
            }
        }
    }

    private static int kind(Object array) {
        if (array instanceof byte[]) {
            return BYTES;
        }
        if (array instanceof boolean[]) {
            return BOOLEANS;
        }
        if (array instanceof short[]) {
            return SHORTS;
        }
        if (array instanceof int[]) {
            return INTS;
        }
        return OBJECTS;
    }

    private void writeShared(SharedObject shared) throws IOException {
        if (!shared.isApplets()) {
            out.writeByte(SHARED_OPEN);
            return;
        }
        out.writeByte(SHARED);
        write(shared.server());
        write(shared.target());
    }

    private void writeInstance(Object object) throws IOException {
        List<Field> fields = CardObjects.fields(object.getClass());
        boolean supported = !object.getClass().getName().contains("bouncycastle");
        if (!supported) {
            throw new SimulatorException(
                    "state-unsupported", "a " + object.getClass().getName() + " cannot be saved");
        }
        out.writeByte(INSTANCE);
        writeClass(object.getClass(), fields);
        writeFields(fields, object);
    }
}
