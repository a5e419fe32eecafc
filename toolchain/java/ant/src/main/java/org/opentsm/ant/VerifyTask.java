// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.DynamicAttribute;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.Task;
import org.apache.tools.ant.types.FileSet;
import org.apache.tools.ant.types.Reference;
import org.apache.tools.ant.types.resources.FileProvider;
import org.opentsm.verifier.Severity;
import org.opentsm.verifier.VerifierMain;

/**
 * {@code <verifycap capfile outfile><exportfiles dir includes/></verifycap>}: the vendor's task, by our verifier. A
 * finding is a line of the log, and of {@code outfile} when that is given; an error ends the build. Export files of a
 * folder that is not there are passed over, since those of the card API are ours. Other attributes of the vendor's
 * concern its own output and have no meaning here.
 */
public final class VerifyTask extends Task implements DynamicAttribute {
    private final Map<String, String> attributes = new TreeMap<>();
    private final List<FileSet> exportFiles = new ArrayList<>();

    @Override
    public void setDynamicAttribute(String name, String value) {
        attributes.put(name.toLowerCase(Locale.ROOT), value);
    }

    /** A set of export files. */
    public FileSet createExportfiles() {
        FileSet set = new FileSet();
        set.setProject(getProject());
        set.setErrorOnMissingDir(false);
        exportFiles.add(set);
        return set;
    }

    /** Where the vendor's verifier lies: not needed. */
    public org.apache.tools.ant.types.Path createClasspath() {
        return new org.apache.tools.ant.types.Path(getProject()).createPath();
    }

    public void setClasspathref(Reference reference) {}

    @Override
    public void execute() {
        String cap = attributes.get("capfile");
        if (cap == null) {
            throw new BuildException("<" + getTaskName() + "> needs the attribute capfile", getLocation());
        }
        List<Path> exports = new ArrayList<>();
        for (FileSet set : exportFiles) {
            set.stream()
                    .map(file -> file.as(FileProvider.class).getFile().toPath())
                    .forEach(exports::add);
        }
        StringBuilder text = new StringBuilder();
        boolean refused;
        try {
            refused = VerifierMain.verify(getProject().resolveFile(cap).toPath(), exports, text).stream()
                    .anyMatch(finding -> finding.severity() == Severity.ERROR);
            if (attributes.containsKey("outfile")) {
                Path out = getProject().resolveFile(attributes.get("outfile")).toPath();
                Files.createDirectories(out.toAbsolutePath().getParent());
                Files.writeString(out, text, StandardCharsets.UTF_8);
            }
        } catch (IOException failed) {
            throw new BuildException("cannot read or write: " + failed.getMessage(), failed, getLocation());
        }
        text.toString().lines().forEach(line -> log(line, refused ? Project.MSG_ERR : Project.MSG_INFO));
        if (refused) {
            throw new BuildException(cap + " does not verify", getLocation());
        }
    }
}
