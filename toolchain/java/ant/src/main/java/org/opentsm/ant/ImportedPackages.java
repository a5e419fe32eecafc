// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportPath;

/** The jars, or folders of class files, and export files that {@code <import>} elements name. */
record ImportedPackages(List<Path> jars, List<ExportFile> exports) {
    static ImportedPackages of(Project project, List<ImportElement> elements) {
        List<Path> jars = new ArrayList<>();
        List<ExportFile> exports = new ArrayList<>();
        for (ImportElement element : elements) {
            if (element.jar() == null && element.exps() == null) {
                throw new BuildException("an <import> needs jar, exps or both");
            }
            Path jar = existing(project, element.jar(), "import jar or folder of classes", false);
            Path exps = existing(project, element.exps(), "import exps folder", true);
            if (jar != null) {
                jars.add(jar);
            }
            Path place = exps != null ? exps : jar;
            List<ExportFile> found = read(place);
            if (found.isEmpty()) {
                throw new BuildException(
                        "no export file (.exp) in " + place + ": name their folder with the attribute exps");
            }
            exports.addAll(found);
        }
        return new ImportedPackages(List.copyOf(jars), List.copyOf(exports));
    }

    private static Path existing(Project project, String name, String what, boolean folder) {
        if (name == null) {
            return null;
        }
        File file = project.resolveFile(name);
        if (folder ? !file.isDirectory() : !file.exists()) {
            throw new BuildException(what + " does not exist: " + file);
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
