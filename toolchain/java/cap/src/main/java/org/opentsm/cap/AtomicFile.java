// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/** Writes a file beside its final name and renames it: nobody ever sees half a file. */
public final class AtomicFile {
    private AtomicFile() {}

    /**
     * Creates missing folders and replaces a file of that name. The file gets the permissions of any new file, where
     * {@link Files#createTempFile} would keep it from other users.
     *
     * @throws IOException when it cannot be written; a file of that name is then as it was
     */
    public static void write(Path file, byte[] bytes) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        Path temporary = folder.resolve("." + file.getFileName() + "."
                + Long.toHexString(ThreadLocalRandom.current().nextLong()));
        try {
            Files.write(temporary, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}
