// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.DebugInfo;

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

    private DebugNames() {}

    static DebugNames of(CapFile cap) {
        DebugNames names = new DebugNames();
        DebugInfo.of(cap).ifPresent(debug -> debug.classes().forEach(names::add));
        return names;
    }

    private void add(DebugInfo.ClassInfo item) {
        classes.put(item.location(), item.name().substring(item.name().lastIndexOf('/') + 1));
        item.fields().forEach(field -> add(field, item.location()));
        if ((item.access() & ACC_INTERFACE) == 0) {
            item.methods().forEach(method -> methods.put(method.location(), method.name()));
        }
    }

    private void add(DebugInfo.Field field, int location) {
        boolean primitive = field.descriptor().length() == 1;
        boolean isStatic = (field.access() & ACC_STATIC) != 0;
        // A compile-time constant has its value in this place.
        boolean constant = isStatic && primitive && (field.access() & ACC_FINAL) != 0;
        if (!constant) {
            int place = field.contents();
            fields.put(isStatic ? STATIC | place : location << 8 | place & 0xFF, field.name());
        }
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
