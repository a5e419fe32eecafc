// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;

/**
 * Export files from .exp files, jars and folders (searched in depth). The lowest version that fits an import serves it.
 */
public final class ExportPath implements ExportFileProvider {
    private static final int MAX_FILES = 4096;
    private static final int MAX_DEPTH = 16;
    private final List<ExportFile> files = new ArrayList<>();

    /**
     * @param path files ending in .exp, jars or zips that hold some, or folders
     * @throws IOException        when a given place does not exist or cannot be read
     * @throws CapFormatException when an export file in it is broken
     */
    public ExportPath(List<Path> path) throws IOException {
        for (Path place : path) {
            if (Files.isDirectory(place)) {
                addFolder(place);
            } else {
                addFile(place);
            }
        }
    }

    private void addFolder(Path folder) throws IOException {
        List<Path> found;
        try (Stream<Path> walk = Files.walk(folder, MAX_DEPTH)) {
            found = walk.filter(file -> isExport(file.toString()) && Files.isRegularFile(file))
                    .limit(MAX_FILES)
                    .sorted()
                    .toList();
        }
        for (Path file : found) {
            files.add(ExportFile.read(file));
        }
    }

    private void addFile(Path file) throws IOException {
        if (isExport(file.toString())) {
            files.add(ExportFile.read(file));
            return;
        }
        for (CapZip.Item item : CapZip.readSome(file, ExportPath::isExport)) {
            files.add(ExportFile.read(item.content()));
        }
    }

    private static boolean isExport(String name) {
        return name.toLowerCase(java.util.Locale.ROOT).endsWith(".exp");
    }

    public List<ExportFile> files() {
        return List.copyOf(files);
    }

    @Override
    public Optional<ExportFile> find(byte[] packageAid, int major, int minor) {
        Aid aid = new Aid(packageAid);
        return files.stream()
                .filter(file -> file.aid().equals(aid) && file.major() == major && file.minor() >= minor)
                .min(Comparator.comparingInt(ExportFile::minor));
    }

    /**
     * The providers that modules on the class path register for {@link ExportFileProvider} as services, as one.
     * The API declarations register theirs this way.
     */
    public static ExportFileProvider services() {
        ExportFileProvider all = (aid, major, minor) -> Optional.empty();
        for (ExportFileProvider provider : ServiceLoader.load(ExportFileProvider.class)) {
            all = all.or(provider);
        }
        return all;
    }
}
