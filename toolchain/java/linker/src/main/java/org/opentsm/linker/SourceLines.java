// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.DebugInfo;

/**
 * Source files and lines from the Debug component, JCVM 6.14. Nothing verifies that component and no card loads it:
 * names end in reports and in a debugger's paths, so one that is no Java file's is left out, and so is a line of no
 * instruction.
 */
final class SourceLines {
    private static final int MAX_NAME = 512;
    private static final Pattern FILE = Pattern.compile("([\\p{L}\\p{N}_$]+/)*[\\p{L}\\p{N}_$-]+\\.\\p{L}+");

    private final Map<Integer, String> files = new HashMap<>();
    private final Map<Integer, Map<Integer, Integer>> lines = new HashMap<>();

    SourceLines(CapFile cap) {
        DebugInfo.of(cap).ifPresent(debug -> debug.classes().forEach(this::add));
    }

    private void add(DebugInfo.ClassInfo item) {
        String file = item.name().substring(0, item.name().lastIndexOf('/') + 1) + item.source();
        if (file.length() > MAX_NAME || !FILE.matcher(file).matches()) {
            return;
        }
        files.put(item.location(), file);
        for (DebugInfo.Method method : item.methods()) {
            if (method.size() > 0) {
                Map<Integer, Integer> starts = new HashMap<>();
                method.lines().stream()
                        .filter(line -> line.number() > 0)
                        .forEach(line -> starts.put(line.start(), line.number()));
                lines.put(method.location(), starts);
            }
        }
    }

    /** Path of the source of the class or interface at an offset of Class, with its package, by slashes. */
    Optional<String> fileOf(int classOffset) {
        return Optional.ofNullable(files.get(classOffset));
    }

    /** Line by the offset of its first instruction in the code of the method at an offset of Method. */
    Map<Integer, Integer> linesOf(int methodOffset) {
        return lines.getOrDefault(methodOffset, Map.of());
    }
}
