// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;

/**
 * CAP files with a Debug component, which no LOAD brings: where a card is LOADed with the code of one of them, debugger
 * and coverage get its lines. {@code -Dopentsm.lines=FILE:FILE} names them.
 */
final class DebugFiles {

    private static final List<CapFile> KNOWN = read(System.getProperty("opentsm.lines", ""));

    private DebugFiles() {}

    private static List<CapFile> read(String names) {
        List<CapFile> found = new ArrayList<>();
        for (String name : names.split(java.io.File.pathSeparator)) {
            if (name.isEmpty()) {
                continue;
            }
            try {
                found.add(CapFile.read(Files.readAllBytes(Path.of(name))));
            } catch (IOException | CapFormatException e) {
                System.err.println("no lines from " + name + ": " + e.getMessage());
            }
        }
        return List.copyOf(found);
    }

    /** The CAP with the same code that has lines, or the loaded one. */
    static CapFile withLines(CapFile loaded) {
        return KNOWN.isEmpty() ? loaded : matching(KNOWN, loaded);
    }

    /** Every component but Descriptor and Debug, which a load file may lack, must be the same. */
    static CapFile matching(List<CapFile> known, CapFile loaded) {
        byte[] code = loaded.loadFileDataBlock(false);
        return known.stream()
                .filter(cap -> Arrays.equals(cap.loadFileDataBlock(false), code))
                .findFirst()
                .orElse(loaded);
    }
}
