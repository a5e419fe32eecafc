// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.objectweb.asm.Type;
import org.opentsm.cap.exp.ExportFile;

/** One library package twice: as classes in the JVM and converted on the test's card machine. */
final class Twin {
    private final ClassLoader loader;
    private final RawCap cap;
    private final ExportFile exp;
    private final Map<String, ExportFile> api;
    private final CapMachine machine;

    Twin(Map<String, byte[]> classes, ConverterResult converted) {
        loader = new ClassLoader(Twin.class.getClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                byte[] bytes = classes.get(name.replace('.', '/'));
                if (bytes == null) {
                    throw new ClassNotFoundException(name);
                }
                return defineClass(name, bytes, 0, bytes.length);
            }
        };
        cap = new RawCap(converted.cap().orElseThrow().toZip());
        exp = converted.exp().orElseThrow();
        api = Fixture.exports("3.0.5").stream()
                .collect(Collectors.toMap(f -> f.aid().toString(), f -> f));
        machine = new CapMachine(cap, new Names());
    }

    /** Compiles and converts with the given int support. */
    static Twin of(boolean ints, String packageName, String... sources) {
        Map<String, byte[]> classes = Fixture.compile(sources);
        return new Twin(
                classes, Fixture.convert(Fixture.input(packageName, classes).ints(ints)));
    }

    private final class Names implements CapMachine.World {
        @Override
        public String name(int classRef) {
            String aid = cap.imports.get(classRef >> 8 & 0x7F).split(" ")[0];
            return api.get(aid).classByToken(classRef & 0xFF).orElseThrow().name();
        }

        @Override
        public String superName(String name) {
            for (ExportFile file : api.values()) {
                var found = file.classByName(name);
                if (found.isPresent()) {
                    List<String> supers = found.get().superclasses();
                    return supers.isEmpty() ? null : supers.get(supers.size() - 1);
                }
            }
            return null;
        }
    }

    /** Public static methods of a class, in a fixed order. */
    List<Method> methods(String className) {
        try {
            List<Method> result = new ArrayList<>();
            for (Method m : loader.loadClass(className).getDeclaredMethods()) {
                if (java.lang.reflect.Modifier.isStatic(m.getModifiers())
                        && java.lang.reflect.Modifier.isPublic(m.getModifiers())) {
                    m.setAccessible(true);
                    result.add(m);
                }
            }
            result.sort(java.util.Comparator.comparing(Method::getName));
            return result;
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private int offset(Method m) {
        var type = exp.classByName(m.getDeclaringClass().getName().replace('.', '/'))
                .orElseThrow();
        int token = type.method(m.getName(), Type.getMethodDescriptor(m))
                .orElseThrow()
                .token();
        RawCap.Type found = cap.types.values().stream()
                .filter(t -> t.token == type.token())
                .findFirst()
                .orElseThrow();
        return found.methods.stream()
                .filter(k -> k.token() == token && (k.flags() & 8) != 0)
                .findFirst()
                .orElseThrow()
                .offset();
    }

    /** What the JVM makes of a call: the value, or the exception's simple name; then the array arguments. */
    String onJvm(Method m, Object... arguments) {
        Object[] copies = new Object[arguments.length];
        for (int i = 0; i < arguments.length; i++) {
            copies[i] = arguments[i] instanceof byte[] b
                    ? b.clone()
                    : arguments[i] instanceof short[] s ? s.clone() : arguments[i];
        }
        String outcome;
        try {
            outcome = String.valueOf(m.invoke(null, copies));
        } catch (InvocationTargetException e) {
            outcome = e.getCause().getClass().getSimpleName();
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
        StringBuilder text = new StringBuilder(outcome);
        for (Object copy : copies) {
            if (copy instanceof byte[] b) {
                text.append(' ').append(java.util.Arrays.toString(b));
            } else if (copy instanceof short[] s) {
                text.append(' ').append(java.util.Arrays.toString(s));
            }
        }
        return text.toString();
    }

    /** The same on the card machine. */
    String onCard(Method m, Object... arguments) {
        List<Integer> cells = new ArrayList<>();
        List<Integer> arrays = new ArrayList<>();
        for (Object argument : arguments) {
            if (argument instanceof Integer value) {
                cells.add(value >> 16);
                cells.add(value & 0xFFFF);
            } else if (argument instanceof Number value) {
                cells.add(value.intValue());
            } else if (argument instanceof Boolean value) {
                cells.add(value ? 1 : 0);
            } else {
                int handle = argument instanceof byte[] b
                        ? machine.array(11, widen(b))
                        : machine.array(12, widen((short[]) argument));
                cells.add(handle);
                arrays.add(handle);
            }
        }
        String outcome;
        try {
            outcome = text(
                    m,
                    machine.run(
                            offset(m),
                            cells.stream().mapToInt(Integer::intValue).toArray()));
        } catch (CapMachine.Thrown e) {
            outcome = e.name.startsWith("@")
                    ? ownName(Integer.parseInt(e.name.substring(1)))
                    : e.name.substring(e.name.lastIndexOf('/') + 1);
        }
        StringBuilder result = new StringBuilder(outcome);
        arrays.forEach(handle -> result.append(' ').append(java.util.Arrays.toString(machine.arrayValues(handle))));
        return result.toString();
    }

    private String ownName(int classOffset) {
        int token = cap.types.get(classOffset).token;
        String name = exp.classByToken(token).orElseThrow().name();
        return name.substring(name.lastIndexOf('/') + 1);
    }

    private static int[] widen(byte[] values) {
        int[] result = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    private static int[] widen(short[] values) {
        int[] result = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    private static String text(Method m, int[] cells) {
        Class<?> type = m.getReturnType();
        if (type == void.class) {
            return "null";
        }
        if (type == boolean.class) {
            return String.valueOf(cells[0] != 0);
        }
        return type == int.class
                ? String.valueOf(cells[0] << 16 | cells[1] & 0xFFFF)
                : String.valueOf((short) cells[0]);
    }
}
