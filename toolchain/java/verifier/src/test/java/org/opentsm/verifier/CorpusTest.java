// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Sound CAPs from outside must verify without findings. System property {@code cap.corpus} names their folder,
 * {@code exp.corpus} the places of the export files they import, parted like a class path. Without them the CAPs built
 * in this repository are taken; their API is not on this module's class path, so notes on imports remain.
 */
class CorpusTest {
    @Test
    void everyCapOfTheCorpusIsSound() throws IOException {
        String given = System.getProperty("cap.corpus");
        Path folder = given == null ? Path.of("../../../build/cap") : Path.of(given);
        if (given == null && !Files.isDirectory(folder)) {
            return;
        }
        String places = System.getProperty("exp.corpus", "");
        List<Path> exports = places.isEmpty()
                ? List.of()
                : Arrays.stream(places.split(java.io.File.pathSeparator))
                        .map(Path::of)
                        .toList();
        List<Path> caps;
        try (Stream<Path> walk = Files.walk(folder, 32)) {
            caps = walk.filter(file -> file.toString().endsWith(".cap"))
                    .sorted()
                    .toList();
        }
        for (Path cap : caps) {
            StringBuilder text = new StringBuilder();
            List<Finding> findings = VerifierMain.verify(cap, exports, text);
            long counted = findings.stream()
                    .filter(f -> !exports.isEmpty() || f.severity() != Severity.NOTE)
                    .count();
            assertEquals(0, counted, text::toString);
        }
        System.out.println("corpus: " + caps.size() + " CAPs are sound");
    }
}
