// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a Debug component says, JCVM 6.14: {@code u2 string_count; {u2 length; utf8}[]; u2 package_name_index; u2
 * class_count; class_debug_info[]}. Nothing checks it against the other components.
 *
 * @param classes in the component's order
 */
public record DebugInfo(List<ClassInfo> classes) {
    private static final int VARIABLE_BYTES = 9;

    /**
     * A class or interface.
     *
     * @param name     with its package, by slashes
     * @param location offset in Class
     * @param source   name of the source file without a folder; empty when the compiler left none
     */
    public record ClassInfo(
            String name, int access, int location, String source, List<Field> fields, List<Method> methods) {}

    /** @param contents image offset, token, or the value of a constant, by its low two bytes */
    public record Field(String name, String descriptor, int access, int contents) {}

    /**
     * A method.
     *
     * @param location offset in Method, of the header
     * @param size     bytes of its code; 0 when it has none
     */
    public record Method(String name, int location, int size, List<Line> lines) {}

    /**
     * Instructions of one source line.
     *
     * @param start  offset of the first one in the method's code
     * @param number of the line, from 1
     */
    public record Line(int start, int number) {}

    public DebugInfo {
        classes = List.copyOf(classes);
    }

    /** @return empty without a Debug component, and for one of another shape, which some tools write */
    public static Optional<DebugInfo> of(CapFile cap) {
        return cap.debug().flatMap(debug -> {
            try {
                return Optional.of(read(new ByteReader("Debug", debug.info())));
            } catch (CapFormatException e) {
                // What it says is a comfort, never needed.
                return Optional.empty();
            }
        });
    }

    private static DebugInfo read(ByteReader in) {
        List<String> strings = new ArrayList<>();
        for (int count = in.u2(); count > 0; count--) {
            strings.add(Text.decode(in, in.u2()));
        }
        in.u2();
        List<ClassInfo> classes = new ArrayList<>();
        for (int count = in.u2(); count > 0; count--) {
            classes.add(readClass(in, strings));
        }
        return new DebugInfo(classes);
    }

    private static ClassInfo readClass(ByteReader in, List<String> strings) {
        String name = string(in, strings);
        int access = in.u2();
        int location = in.u2();
        in.u2();
        String source = string(in, strings);
        int interfaceCount = in.u1();
        int fieldCount = in.u2();
        int methodCount = in.u2();
        in.u2s(interfaceCount);
        List<Field> fields = new ArrayList<>();
        for (; fieldCount > 0; fieldCount--) {
            String field = string(in, strings);
            String descriptor = string(in, strings);
            int fieldAccess = in.u2();
            in.u2();
            fields.add(new Field(field, descriptor, fieldAccess, in.u2()));
        }
        List<Method> methods = new ArrayList<>();
        for (; methodCount > 0; methodCount--) {
            methods.add(readMethod(in, strings));
        }
        return new ClassInfo(name, access, location, source, List.copyOf(fields), List.copyOf(methods));
    }

    private static Method readMethod(ByteReader in, List<String> strings) {
        String name = string(in, strings);
        in.bytes(4);
        int location = in.u2();
        in.u1();
        int size = in.u2();
        int variableCount = in.u2();
        int lineCount = in.u2();
        in.bytes(VARIABLE_BYTES * variableCount);
        List<Line> lines = new ArrayList<>();
        for (; lineCount > 0; lineCount--) {
            int start = in.u2();
            in.u2();
            lines.add(new Line(start, in.u2()));
        }
        return new Method(name, location, size, List.copyOf(lines));
    }

    private static String string(ByteReader in, List<String> strings) {
        int at = in.position();
        int index = in.u2();
        if (index >= strings.size()) {
            throw new CapFormatException("Debug", at, "a string below " + strings.size(), String.valueOf(index));
        }
        return strings.get(index);
    }
}
