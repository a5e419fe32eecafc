// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.exp.ExportFile;

/**
 * CAP and export files from outside: the repository's own when they are built, and those under the folder of system
 * property {@code cap.corpus}, where files of other converters can be tried.
 */
class CorpusTest {
    private static List<Path> files(String ending) throws IOException {
        String given = System.getProperty("cap.corpus");
        Path folder = given == null ? Path.of("../../../build/cap") : Path.of(given);
        if (given == null && !Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(folder, 32)) {
            return walk.filter(file -> file.toString().endsWith(ending) && Files.isRegularFile(file))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void everyCapWritesBackToItsBytesAndTheSecondReaderAgrees() throws IOException {
        List<Path> caps = files(".cap");
        assertFalse(System.getProperty("cap.corpus") != null && caps.isEmpty(), "the given corpus holds no CAP");
        for (Path file : caps) {
            byte[] bytes = Files.readAllBytes(file);
            CapFile cap = CapFile.read(bytes);
            assertEquals(countEntries(bytes), CapZip.read(bytes).size(), file::toString);
            assertArrayEquals(bytes, cap.toZip(), file::toString);
            PageReader.read(bytes);
        }
        System.out.println("corpus: " + caps.size() + " CAPs");
    }

    @Test
    void everyExportFileWritesBackToItsBytes() throws IOException {
        List<Path> exports = files(".exp");
        for (Path file : exports) {
            byte[] bytes = Files.readAllBytes(file);
            assertArrayEquals(bytes, ExportFile.read(bytes).toBytes(), file::toString);
        }
        System.out.println("corpus: " + exports.size() + " export files");
    }

    private static int countEntries(byte[] zip) throws IOException {
        int count = 0;
        try (ZipInputStream in = new ZipInputStream(new java.io.ByteArrayInputStream(zip))) {
            while (in.getNextEntry() != null) {
                count++;
            }
        }
        return count;
    }
}
