// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.tools.ant.Project;

/**
 * The order in which the CAPs of one task are built: as written, but after those whose export folder or jar they
 * import.
 */
final class CapOrder {
    private final Project project;
    private final List<CapElement> caps;
    private final Set<CapElement> ordered = new LinkedHashSet<>();

    private CapOrder(Project project, List<CapElement> caps) {
        this.project = project;
        this.caps = caps;
    }

    static List<CapElement> of(Project project, List<CapElement> caps) {
        CapOrder order = new CapOrder(project, caps);
        caps.forEach(cap -> order.visit(cap, new LinkedHashSet<>()));
        return new ArrayList<>(order.ordered);
    }

    /** Two that import each other keep the order in which they are written. */
    private void visit(CapElement cap, Set<CapElement> waiting) {
        if (!waiting.add(cap)) {
            return;
        }
        caps.stream().filter(other -> other != cap && imports(cap, other)).forEach(other -> visit(other, waiting));
        ordered.add(cap);
    }

    private boolean imports(CapElement cap, CapElement other) {
        return cap.imports.stream()
                .flatMap(one -> Stream.of(file(one.jar()), file(one.exps())))
                .anyMatch(wanted -> wanted != null
                        && (wanted.equals(file(other.jar))
                                || wanted.equals(file(other.export))
                                || other.export != null && file(other.export).equals(wanted.getParentFile())));
    }

    private File file(String name) {
        return name == null ? null : project.resolveFile(name);
    }
}
