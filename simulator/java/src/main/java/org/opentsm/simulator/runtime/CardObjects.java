// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import javacard.security.Checksum;
import javacard.security.KeyAgreement;
import javacard.security.MessageDigest;
import javacard.security.RandomData;
import javacard.security.Signature;
import javacardx.crypto.Cipher;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.crypto.CryptoHost;

/** What a card's heap is made of: which fields of an object are memory, and which objects are machinery. */
public final class CardObjects {

    /** Where Java's word transient marks what an engine makes anew; in an applet it means nothing. */
    private static final String ENGINES = CryptoHost.class.getPackageName();

    private static final ClassValue<List<Field>> FIELDS = new ClassValue<>() {
        @Override
        protected List<Field> computeValue(Class<?> type) {
            return instanceFields(type);
        }
    };

    private CardObjects() {}

    /** Instance fields of {@code type} and its superclasses, superclass first, in order of declaration. */
    public static List<Field> fields(Class<?> type) {
        return FIELDS.get(type);
    }

    /** Static fields that hold memory: compile-time constants are left out. */
    public static List<Field> statics(Class<?> type) {
        List<Field> found = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            int modifiers = field.getModifiers();
            boolean constant =
                    Modifier.isFinal(modifiers) && (field.getType().isPrimitive() || field.getType() == String.class);
            if (Modifier.isStatic(modifiers) && !field.isSynthetic() && !constant) {
                field.setAccessible(true);
                found.add(field);
            }
        }
        return found;
    }

    /** True for the platform's crypto engines: key and mode are set outside transactions. */
    public static boolean isEngine(Object object) {
        return object instanceof Cipher
                || object instanceof Signature
                || object instanceof MessageDigest
                || object instanceof RandomData
                || object instanceof Checksum
                || object instanceof KeyAgreement;
    }

    public static Object get(Field field, Object holder) {
        try {
            return field.get(holder);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    public static void set(Field field, Object holder, Object value) {
        try {
            field.set(holder, value);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Field> instanceFields(Class<?> type) {
        // An exception that an applet keeps for the next time is card memory as far as it is the applet's.
        if (type == Object.class || type.getName().startsWith("java.") && Throwable.class.isAssignableFrom(type)) {
            return List.of();
        }
        if (type.getName().startsWith("java.")) {
            throw new SimulatorException(
                    "state-unsupported", "a card object holds a " + type.getName() + ", which is not card memory");
        }
        List<Field> found = new ArrayList<>(instanceFields(type.getSuperclass()));
        for (Field field : type.getDeclaredFields()) {
            boolean machinery = Modifier.isTransient(field.getModifiers())
                    && type.getPackageName().equals(ENGINES);
            if (!Modifier.isStatic(field.getModifiers()) && !machinery) {
                field.setAccessible(true);
                found.add(field);
            }
        }
        return List.copyOf(found);
    }
}
