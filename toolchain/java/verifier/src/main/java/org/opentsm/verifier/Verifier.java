// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.inference.DescriptorInference;
import org.opentsm.inference.InferenceException;

/** Checks a CAP by every rule of its format, then its bytecode by dataflow. Never fails on hostile CAPs. */
public final class Verifier {
    private Verifier() {}

    /**
     * Verifies a CAP that could be read.
     *
     * @param exports where the imported packages' export files are; references into missing ones stay unchecked
     * @return findings, in the order of the components; empty when all is well
     */
    public static List<Finding> verify(CapFile cap, ExportFileProvider exports) {
        Findings findings = new Findings();
        verify(cap.descriptor().isPresent() ? cap : completed(cap, exports, findings), exports, findings);
        return findings.list();
    }

    /** With what can be told of a Descriptor that was left out. */
    private static CapFile completed(CapFile cap, ExportFileProvider exports, Findings findings) {
        try {
            return DescriptorInference.infer(cap, exports);
        } catch (InferenceException e) {
            findings.error(
                    "Descriptor",
                    -1,
                    "not-inferred",
                    "there is no Descriptor, and the other components do not make up for it: " + e.getMessage());
            return cap;
        }
    }

    private static void verify(CapFile cap, ExportFileProvider exports, Findings findings) {
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
    }
}
