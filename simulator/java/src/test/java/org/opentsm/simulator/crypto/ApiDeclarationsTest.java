// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objectweb.asm.Type;

/** Every member that the toolchain declares up to 3.2 is in the classes that run, with its value. */
class ApiDeclarationsTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "javacard.security",
                "javacardx.crypto",
                "javacardx.framework.math",
                "javacardx.framework.tlv",
                "javacardx.framework.util",
                "javacardx.security",
                "javacardx.security.derivation",
                "javacardx.security.util"
            })
    void everyDeclaredMemberIsThere(String name) throws Exception {
        List<String> missing = new ArrayList<>();
        int checked = 0;
        Class<?> current = null;
        for (String line : lines(name)) {
            String[] words = line.strip().replaceAll(" @.*", "").split(" ");
            switch (words[0]) {
                case "class", "interface" -> current = type(name, words, missing);
                case "const" -> {
                    checked++;
                    if (current != null && !constant(current, words)) {
                        missing.add(current.getName() + "." + words[2]);
                    }
                }
                case "static", "virtual", "method" -> {
                    checked++;
                    if (current != null && !member(current, words[words.length - 2], words[words.length - 1])) {
                        missing.add(current.getName() + "." + words[words.length - 2] + words[words.length - 1]);
                    }
                }
                default -> {}
            }
        }
        assertTrue(checked > 5, "lines are read");
        assertEquals(List.of(), missing);
    }

    private static List<String> lines(String name) throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                ApiDeclarationsTest.class.getResourceAsStream("/org/opentsm/api/packages/" + name + ".api"),
                StandardCharsets.UTF_8))) {
            return in.lines().toList();
        }
    }

    private static Class<?> type(String packageName, String[] words, List<String> missing) {
        String name = packageName + "."
                + Arrays.stream(words)
                        .skip(2)
                        .filter(word -> Character.isUpperCase(word.charAt(0)))
                        .findFirst()
                        .orElseThrow();
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            missing.add(name);
            return null;
        }
    }

    private static boolean constant(Class<?> type, String[] words) {
        try {
            Object value = type.getField(words[2]).get(null);
            return words[1].equals("boolean")
                    ? value.equals(words[3].equals("1"))
                    : ((Number) value).intValue() == Integer.parseInt(words[3]);
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    private static boolean member(Class<?> type, String name, String descriptor) {
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            if (name.equals("<init>")
                    && Type.getConstructorDescriptor(constructor).equals(descriptor)) {
                return true;
            }
        }
        List<Method> methods = new ArrayList<>(List.of(type.getMethods()));
        methods.addAll(List.of(type.getDeclaredMethods()));
        return methods.stream()
                .anyMatch(method -> method.getName().equals(name)
                        && Type.getMethodDescriptor(method).equals(descriptor));
    }
}
