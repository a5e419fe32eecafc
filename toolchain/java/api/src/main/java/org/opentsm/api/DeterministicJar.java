// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.opentsm.cap.AtomicFile;

/** Writes jars whose bytes depend on their contents only: fixed times, sorted names, manifest first. */
public final class DeterministicJar {
    private static final LocalDateTime TIME = LocalDateTime.of(2026, 1, 1, 0, 0);
    private static final String MANIFEST = "META-INF/MANIFEST.MF";

    private DeterministicJar() {}

    /** Writes the jar whole or not at all. */
    public static void write(Path jar, Map<String, byte[]> entries) throws IOException {
        Map<String, byte[]> sorted = new TreeMap<>(entries);
        byte[] manifest = sorted.remove(MANIFEST);
        if (manifest == null) {
            manifest = "Manifest-Version: 1.0\r\n\r\n".getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            put(zip, MANIFEST, manifest);
            for (Map.Entry<String, byte[]> entry : sorted.entrySet()) {
                put(zip, entry.getKey(), entry.getValue());
            }
        }
        AtomicFile.write(jar, bytes.toByteArray());
    }

    private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(TIME);
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}
