// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ExportFileProvider;

/** Checks a CAP by every rule of its format, then its bytecode by dataflow. Never fails on hostile CAPs. */
public final class Verifier {
    private Verifier() {
    }

    /**
     * Verifies a CAP that could be read.
     *
     * @param exports where the imported packages' export files are; references into missing ones stay unchecked
     * @return findings, in the order of the components; empty when all is well
     */
    public static List<Finding> verify(CapFile cap, ExportFileProvider exports) {
        Findings findings = new Findings();
        PackageView view = new PackageView(cap, exports, findings);
        Hierarchy hierarchy = new Hierarchy(view);
        new ContainerRules(view).check();
        new ConstantPoolRules(view).check();
        new ClassRules(view, hierarchy).check();
        new InterfaceRules(view, hierarchy).check();
        new StaticFieldRules(view).check();
        cap.export().ifPresent(export -> new ExportRules(view).check(export));
        cap.descriptor().ifPresent(descriptor -> {
            new DescriptorRules(view, descriptor).check();
            DataFlow flow = new DataFlow(view, hierarchy);
            new MethodRules(view).check().forEach(flow::check);
        });
        return findings.list();
    }
}
