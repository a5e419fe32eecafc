// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.state;

import java.io.DataInputStream;
import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.Shareable;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.crypto.IntegrityMarks;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.runtime.CardObjects;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.SharedObject;
import org.opentsm.simulator.runtime.TransientArrays;
import sun.misc.Unsafe;

/** Reads what {@link HeapWriter} wrote into a fresh card of the same code. */
final class HeapReader {

    private static final Unsafe UNSAFE = unsafe();
    /** More than any card's memory: a damaged file must not make the simulator allocate without end. */
    private static final int MAX_ARRAY_LENGTH = 1 << 20;

    private final DataInputStream in;
    private final CardRuntime card;
    private final List<Object> seen = new ArrayList<>();
    private final List<Class<?>> classes = new ArrayList<>();

    HeapReader(DataInputStream in, CardRuntime card) {
        this.in = in;
        this.card = card;
    }

    Object read() throws IOException {
        return read(null);
    }

    /** @param existing an array or object the value goes into (a static final field's), or null for a new one */
    Object read(Object existing) throws IOException {
        int kind = in.readUnsignedByte();
        switch (kind) {
            case HeapWriter.NULL:
                return null;
            case HeapWriter.SEEN:
                return seen.get(in.readInt());
            case HeapWriter.SENSITIVE:
                return IntegrityMarks.mark(read(existing));
            case HeapWriter.SHARED:
                return readShared();
            case HeapWriter.SHARED_OPEN:
                return remember(SharedObject.wrap(card, Aids.OPEN, card.open()));
            case HeapWriter.INSTANCE:
                return readInstance(existing);
            case HeapWriter.TRANSIENT: {
                byte event = in.readByte();
                Object array = remember(transientArray(in.readUnsignedByte(), event, existing));
                card.transients().setGroup(array, (AID) read());
                return array;
            }
            default:
                return readArray(kind, existing);
        }
    }

    void readFields(List<Field> fields, Object holder) throws IOException {
        for (Field field : fields) {
            Class<?> type = field.getType();
            if (type == byte.class) {
                CardObjects.set(field, holder, in.readByte());
            } else if (type == short.class) {
                CardObjects.set(field, holder, in.readShort());
            } else if (type == boolean.class) {
                CardObjects.set(field, holder, in.readBoolean());
            } else if (type == int.class) {
                CardObjects.set(field, holder, in.readInt());
            } else if (java.lang.reflect.Modifier.isStatic(field.getModifiers())
                    && java.lang.reflect.Modifier.isFinal(field.getModifiers())) {
                read(CardObjects.get(field, null));
            } else {
                CardObjects.set(field, holder, read());
            }
        }
    }

    Class<?> readClass(java.util.function.Function<Class<?>, List<Field>> fieldsOf) throws IOException {
        int number = in.readUnsignedShort();
        if (number < classes.size()) {
            return classes.get(number);
        }
        String name = in.readUTF();
        String layout = in.readUTF();
        Class<?> type = find(name);
        if (!HeapWriter.layout(fieldsOf.apply(type)).equals(layout)) {
            throw new SimulatorException("state-mismatch", "the saved state is of another version of " + name);
        }
        classes.add(type);
        return type;
    }

    private Class<?> find(String name) {
        try {
            return Class.forName(name, true, card.loader());
        } catch (ClassNotFoundException e) {
            throw new SimulatorException("state-mismatch", null, "the saved state needs the class " + name, e);
        }
    }

    private Object readShared() throws IOException {
        int number = seen.size();
        seen.add(null);
        AID server = (AID) read();
        Shareable target = (Shareable) read();
        Shareable shared = SharedObject.wrap(card, server, target);
        seen.set(number, shared);
        return shared;
    }

    private Object readInstance(Object existing) throws IOException {
        int number = seen.size();
        seen.add(null);
        Class<?> type = readClass(CardObjects::fields);
        Object object = existing != null && existing.getClass() == type ? existing : make(type);
        seen.set(number, object);
        readFields(CardObjects.fields(type), object);
        return object;
    }

    private static Object make(Class<?> type) {
        try {
            return UNSAFE.allocateInstance(type);
        } catch (InstantiationException e) {
            throw new SimulatorException("state-mismatch", null, "cannot make a " + type.getName(), e);
        }
    }

    private Object readArray(int kind, Object existing) throws IOException {
        String component = kind == HeapWriter.OBJECTS ? in.readUTF() : "";
        int length = readLength();
        Object fresh =
                switch (kind) {
                    case HeapWriter.BYTES -> new byte[length];
                    case HeapWriter.BOOLEANS -> new boolean[length];
                    case HeapWriter.SHORTS -> new short[length];
                    case HeapWriter.INTS -> new int[length];
                    case HeapWriter.OBJECTS -> Array.newInstance(find(component), length);
                    default ->
                        throw new SimulatorException(
                                "state-damaged", "the saved state holds an object of unknown kind " + kind);
                };
        boolean fits =
                existing != null && existing.getClass() == fresh.getClass() && Array.getLength(existing) == length;
        Object array = remember(fits ? existing : fresh);
        if (array instanceof byte[] bytes) {
            in.readFully(bytes);
        }
        for (int i = 0; i < length && !(array instanceof byte[]); i++) {
            if (array instanceof boolean[] booleans) {
                booleans[i] = in.readBoolean();
            } else if (array instanceof short[] shorts) {
                shorts[i] = in.readShort();
            } else if (array instanceof int[] ints) {
                ints[i] = in.readInt();
            } else {
                ((Object[]) array)[i] = read();
            }
        }
        return array;
    }

    private Object transientArray(int kind, byte event, Object existing) throws IOException {
        int length = readLength();
        TransientArrays memory = card.transients();
        if (existing != null) {
            return existing;
        }
        return switch (kind) {
            case HeapWriter.BYTES -> memory.makeByteArray(length, event);
            case HeapWriter.BOOLEANS -> memory.makeBooleanArray((short) length, event);
            case HeapWriter.SHORTS -> memory.makeShortArray((short) length, event);
            case HeapWriter.INTS -> memory.makeIntArray((short) length, event);
            default -> memory.makeObjectArray((short) length, event);
        };
    }

    private int readLength() throws IOException {
        int length = in.readInt();
        if (length < 0 || length > MAX_ARRAY_LENGTH) {
            throw new SimulatorException("state-damaged", "the saved state holds an array of " + length + " elements");
        }
        return length;
    }

    private Object remember(Object object) {
        seen.add(object);
        return object;
    }

    private static Unsafe unsafe() {
        try {
            Field field = Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return (Unsafe) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
