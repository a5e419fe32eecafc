// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.List;
import java.util.function.Consumer;
import org.apache.tools.ant.BuildException;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.verifier.Finding;
import org.opentsm.verifier.Severity;
import org.opentsm.verifier.Verifier;

/** Verifies a CAP that was just made against the export files it was linked with. */
final class Verification {
    private Verification() {}

    /** @throws BuildException when the verifier found errors; each has been reported */
    static void check(CapFile cap, List<ExportFile> exports, Consumer<String> report) {
        ExportFileProvider provider = (aid, major, minor) -> exports.stream()
                .filter(file -> file.aid().equals(new Aid(aid)) && file.major() == major && file.minor() >= minor)
                .findFirst();
        List<Finding> findings = Verifier.verify(cap, provider);
        findings.forEach(finding -> report.accept("verify: " + finding));
        long errors = findings.stream()
                .filter(finding -> finding.severity() == Severity.ERROR)
                .count();
        if (errors > 0) {
            throw new BuildException("verification found " + errors + (errors == 1 ? " error" : " errors")
                    + " in the CAP just made; nothing was written");
        }
    }
}
