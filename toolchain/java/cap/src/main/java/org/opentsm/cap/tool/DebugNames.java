// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.opentsm.cap.ByteReader;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.Text;

/** Class and method names of a Debug component, as far as it can be read; a broken Debug just gives no more names. */
final class DebugNames {
    private static final int ACC_INTERFACE = 0x0200;
    private static final int ACC_STATIC = 0x0008;
    private static final int ACC_FINAL = 0x0010;
    /** Marks keys of static fields in fields. */
    private static final int STATIC = 1 << 24;

    private final Map<Integer, String> classes = new HashMap<>();
    private final Map<Integer, String> methods = new HashMap<>();
    private final Map<Integer, String> fields = new HashMap<>();
    private String[] strings = new String[0];

    private DebugNames() {}

    static DebugNames of(CapFile cap) {
        DebugNames names = new DebugNames();
        cap.debug().ifPresent(debug -> {
            try {
                names.read(new ByteReader("Debug", debug.info()));
            } catch (CapFormatException e) {
                // Some tools write a Debug of their own shape; names are a comfort, never needed.
                names.classes.clear();
                names.methods.clear();
                names.fields.clear();
            }
        });
        return names;
    }

    private void read(ByteReader in) {
        strings = new String[in.u2()];
        for (int i = 0; i < strings.length; i++) {
            strings[i] = Text.decode(in, in.u2());
        }
        in.u2();
        for (int count = in.u2(); count > 0; count--) {
            readClass(in);
        }
    }

    private void readClass(ByteReader in) {
        String name = string(in.u2());
        boolean isInterface = (in.u2() & ACC_INTERFACE) != 0;
        int location = in.u2();
        classes.put(location, name.substring(name.lastIndexOf('/') + 1));
        in.u2();
        in.u2();
        int interfaces = in.u1();
        int fieldCount = in.u2();
        int methodCount = in.u2();
        in.u2s(interfaces);
        for (; fieldCount > 0; fieldCount--) {
            readField(in, location);
        }
        for (; methodCount > 0; methodCount--) {
            String method = string(in.u2());
            in.u2();
            in.u2();
            int place = in.u2();
            in.u1();
            in.u2();
            int variables = in.u2();
            int lines = in.u2();
            in.bytes(9 * variables + 6 * lines);
            if (!isInterface) {
                methods.put(place, method);
            }
        }
    }

    private void readField(ByteReader in, int location) {
        String field = string(in.u2());
        boolean primitive = string(in.u2()).length() == 1;
        int access = in.u2();
        in.u2();
        int place = in.u2();
        boolean isStatic = (access & ACC_STATIC) != 0;
        // A compile-time constant has its value in this place.
        boolean constant = isStatic && primitive && (access & ACC_FINAL) != 0;
        if (!constant) {
            fields.put(isStatic ? STATIC | place : location << 8 | place & 0xFF, field);
        }
    }

    private String string(int index) {
        if (index >= strings.length) {
            throw new CapFormatException("Debug", -1, "a string below " + strings.length, String.valueOf(index));
        }
        return strings[index];
    }

    Optional<String> className(int offset) {
        return Optional.ofNullable(classes.get(offset));
    }

    Optional<String> fieldName(int classRef, int token) {
        return Optional.ofNullable(fields.get(classRef << 8 | token));
    }

    Optional<String> staticName(int imageOffset) {
        return Optional.ofNullable(fields.get(STATIC | imageOffset));
    }

    Optional<String> methodName(int offset) {
        return Optional.ofNullable(methods.get(offset));
    }
}
