// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassReader;

/** Which package uses which: no two may need each other, directly or through others. */
class PackagesTest {

    private static final Path CLASSES = Path.of("target/classes");
    private static final String BASE = "org/opentsm/simulator/";
    private static final Pattern NAME = Pattern.compile(BASE + "((?:[a-z]+/)*)[A-Z]");

    @Test
    void packagesUseEachOtherInOneDirection() throws IOException {
        Map<String, Set<String>> uses = uses(BASE);
        assertTrue(
                uses.keySet()
                        .containsAll(List.of("open/", "runtime/", "image/", "state/", "card/", "link/", "control/")),
                uses.keySet().toString());
        assertTrue(uses.get("control/").contains("card/"), "uses are seen at all: " + uses);
        for (String start : uses.keySet()) {
            assertEquals(List.of(), circle(uses, start), "packages that need each other");
        }
    }

    /** The packages below {@code base} with those each names. */
    private static Map<String, Set<String>> uses(String base) throws IOException {
        Map<String, Set<String>> uses = new TreeMap<>();
        try (Stream<Path> files = Files.walk(CLASSES.resolve(base))) {
            for (Path file :
                    files.filter(file -> file.toString().endsWith(".class")).toList()) {
                String own = CLASSES.resolve(base).relativize(file.getParent()).toString();
                Set<String> used = uses.computeIfAbsent(own.isEmpty() ? "" : own + "/", none -> new TreeSet<>());
                Matcher names = NAME.matcher(constants(Files.readAllBytes(file)));
                while (names.find()) {
                    used.add(names.group(1));
                }
                used.remove(own.isEmpty() ? "" : own + "/");
            }
        }
        return uses;
    }

    /** All CONSTANT_Utf8 of a class file (JVMS 4.4.7): the names and descriptors it uses are among them. */
    private static String constants(byte[] classFile) {
        ClassReader reader = new ClassReader(classFile);
        StringBuilder text = new StringBuilder();
        for (int item = 1; item < reader.getItemCount(); item++) {
            int at = reader.getItem(item);
            // The second slot of a long has no content.
            if (at > 0 && reader.readByte(at - 1) == 1) {
                text.append(new String(classFile, at + 2, reader.readUnsignedShort(at), StandardCharsets.ISO_8859_1))
                        .append('\n');
            }
        }
        return text.toString();
    }

    private static List<String> circle(Map<String, Set<String>> uses, String start) {
        Deque<List<String>> paths = new ArrayDeque<>(List.of(List.of(start)));
        Set<String> seen = new TreeSet<>();
        while (!paths.isEmpty()) {
            List<String> path = paths.pop();
            for (String next : uses.getOrDefault(path.get(path.size() - 1), Set.of())) {
                List<String> longer =
                        Stream.concat(path.stream(), Stream.of(next)).toList();
                if (next.equals(start)) {
                    return longer;
                }
                if (seen.add(next)) {
                    paths.push(longer);
                }
            }
        }
        return List.of();
    }
}
