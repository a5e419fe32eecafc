// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.tools.ant.Project;
import org.opentsm.cap.exp.ExportFile;

/**
 * The packages that earlier {@code <cap>} elements of this build made: later ones may import them without saying where
 * they are.
 */
final class BuiltPackages {
    private static final String REFERENCE = "org.opentsm.built-packages";

    private record Built(ExportFile export, Map<String, byte[]> classFiles) {}

    private final Map<String, Built> packages = new LinkedHashMap<>();

    private BuiltPackages() {}

    static BuiltPackages of(Project project) {
        Object present = project.getReference(REFERENCE);
        if (present instanceof BuiltPackages built) {
            return built;
        }
        BuiltPackages made = new BuiltPackages();
        project.addReference(REFERENCE, made);
        return made;
    }

    /** @param packageName dotted */
    void add(String packageName, ExportFile export, Map<String, byte[]> classFiles) {
        packages.put(packageName, new Built(export, Map.copyOf(classFiles)));
    }

    /** Export files of all but the package that is being made. */
    List<ExportFile> exports(String packageName) {
        List<ExportFile> exports = new ArrayList<>();
        packages.forEach((name, built) -> {
            if (!name.equals(packageName)) {
                exports.add(built.export);
            }
        });
        return exports;
    }

    /** Writes the class files of all but the package that is being made, to compile against. */
    void writeClasses(String packageName, Path folder) throws IOException {
        for (Map.Entry<String, Built> one : packages.entrySet()) {
            if (one.getKey().equals(packageName)) {
                continue;
            }
            for (Map.Entry<String, byte[]> file : one.getValue().classFiles.entrySet()) {
                Path target = folder.resolve(file.getKey());
                Files.createDirectories(target.getParent());
                Files.write(target, file.getValue());
            }
        }
    }
}
