// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportPath;

/**
 * The jars, or folders of class files, and export files that {@code <import>} elements name. What is not there is
 * passed over with a warning: a submodule with classes and export files of a public API, which ours stand in for.
 */
record ImportedPackages(List<Path> jars, List<ExportFile> exports) {
    /** @param report takes a warning for what is not there */
    static ImportedPackages of(Project project, List<ImportElement> elements, Consumer<String> report) {
        List<Path> jars = new ArrayList<>();
        List<ExportFile> exports = new ArrayList<>();
        for (ImportElement element : elements) {
            if (element.jar() == null && element.exps() == null) {
                throw new BuildException("an <import> needs jar, exps or both");
            }
            Path jar = existing(project, element.jar(), "import jar or folder of classes", false, report);
            Path exps = existing(project, element.exps(), "import exps folder", true, report);
            if (jar != null) {
                jars.add(jar);
            }
            Path place = exps != null ? exps : jar;
            if (place == null) {
                continue;
            }
            List<ExportFile> found = read(place);
            if (found.isEmpty() && (exps != null || element.exps() == null)) {
                throw new BuildException(
                        "no export file (.exp) in " + place + ": name their folder with the attribute exps");
            }
            exports.addAll(found);
        }
        return new ImportedPackages(List.copyOf(jars), List.copyOf(exports));
    }

    private static Path existing(Project project, String name, String what, boolean folder, Consumer<String> report) {
        if (name == null) {
            return null;
        }
        File file = project.resolveFile(name);
        if (folder ? !file.isDirectory() : !file.exists()) {
            report.accept("warning: " + what + " does not exist: " + file
                    + "; packages of the card API are ours, what needs another one will say so");
            return null;
        }
        return file.toPath();
    }

    private static List<ExportFile> read(Path place) {
        try {
            return new ExportPath(List.of(place)).files();
        } catch (CapFormatException | IOException broken) {
            throw new BuildException("cannot read export files of " + place + ": " + broken.getMessage(), broken);
        }
    }
}
