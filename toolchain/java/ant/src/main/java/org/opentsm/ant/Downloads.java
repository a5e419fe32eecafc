// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.RuntimeConfigurable;
import org.apache.tools.ant.Task;
import org.apache.tools.ant.UnknownElement;
import org.apache.tools.ant.taskdefs.Checksum;
import org.apache.tools.ant.taskdefs.Expand;
import org.apache.tools.ant.taskdefs.Untar;

/**
 * Files that a {@code <get>} of this build was to bring and did not. A task that checks or unpacks such a file has
 * nothing to do: what needs the file says so. Any other file that is absent is Ant's error, as ever.
 */
final class Downloads {
    private static final String CHECKSUM = "checksum";
    private static final Set<String> CONDITIONS = Set.of("condition", "waitfor", "and", "or", "xor", "not");
    private static final String ABSENT = "opentsm.absent.downloads";

    private Downloads() {}

    /** Remembers what a {@code <get>} that has ended left undone. */
    static void ended(UnknownElement get) {
        Map<String, Object> attributes = get.getWrapper().getAttributeMap();
        Project project = get.getProject();
        String to = text(project, attributes.get("dest"));
        String from = text(project, attributes.get("src"));
        if (to == null) {
            return;
        }
        File file = project.resolveFile(to);
        if (file.isDirectory() && from != null) {
            file = new File(file, from.replaceAll("[?#].*", "").replaceAll(".*/", ""));
        }
        if (!file.exists()) {
            absent(project).add(file);
        }
    }

    private static String text(Project project, Object attribute) {
        return attribute == null ? null : project.replaceProperties(attribute.toString());
    }

    private static Set<File> absent(Project project) {
        Set<File> known = project.getReference(ABSENT);
        if (known == null) {
            known = new HashSet<>();
            project.addReference(ABSENT, known);
        }
        return known;
    }

    /** True for a file that is not there because its download failed; the task's log says that it is passed over. */
    private static boolean passesOver(Task task, File file) {
        if (file == null || file.exists() || !absent(task.getProject()).contains(file)) {
            return false;
        }
        task.log(file + " was not downloaded: there is nothing to do for it", Project.MSG_WARN);
        return true;
    }

    /** Ant makes a {@code <checksum>} in a condition without asking for its definition, unless it has an ant-type. */
    static void inConditions(RuntimeConfigurable element) {
        for (RuntimeConfigurable child : Collections.list(element.getChildren())) {
            if (CHECKSUM.equals(child.getElementTag()) && CONDITIONS.contains(element.getElementTag())) {
                child.setPolyType(CHECKSUM);
            }
            inConditions(child);
        }
    }

    /** {@code <checksum>}, also in a condition, where a file that was not downloaded counts as right. */
    public static final class Checked extends Checksum {
        private File file;

        @Override
        public void setFile(File wanted) {
            file = wanted;
            super.setFile(wanted);
        }

        @Override
        public void execute() {
            if (!passesOver(this, file)) {
                super.execute();
            }
        }

        @Override
        public boolean eval() {
            return passesOver(this, file) || super.eval();
        }
    }

    /** {@code <unzip>} and its other names. */
    public static final class Unzipped extends Expand {
        private File file;

        @Override
        public void setSrc(File wanted) {
            file = wanted;
            super.setSrc(wanted);
        }

        @Override
        public void execute() {
            if (!passesOver(this, file)) {
                super.execute();
            }
        }
    }

    /** {@code <untar>}. */
    public static final class Untarred extends Untar {
        private File file;

        @Override
        public void setSrc(File wanted) {
            file = wanted;
            super.setSrc(wanted);
        }

        @Override
        public void execute() {
            if (!passesOver(this, file)) {
                super.execute();
            }
        }
    }
}
