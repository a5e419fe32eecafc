// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ExportFileProvider;
import org.opentsm.cap.exp.ExportPath;

/** Verifies a CAP file and prints what was found. */
public final class VerifierMain {
    private VerifierMain() {
    }

    /**
     * Verifies a file.
     *
     * @param exportPaths .exp files, jars and folders with some; then the providers registered as services are asked
     * @param out         takes one line per finding and a last line with the counts
     * @return the findings; a file that is no CAP gives one error
     * @throws IOException when a file cannot be read
     */
    public static List<Finding> verify(Path cap, List<Path> exportPaths, Appendable out) throws IOException {
        ExportFileProvider exports = new ExportPath(exportPaths).or(ExportPath.services());
        List<Finding> findings;
        try {
            findings = Verifier.verify(CapFile.read(cap), exports);
        } catch (CapFormatException e) {
            findings = List.of(new Finding(Severity.ERROR, e.component(), "", e.offset(), "format",
                "expected " + e.expected() + ", got " + e.got()));
        }
        for (Finding finding : findings) {
            out.append(finding.toString()).append('\n');
        }
        long errors = findings.stream().filter(finding -> finding.severity() == Severity.ERROR).count();
        out.append(cap.getFileName().toString()).append(": ").append(errors == 0 ? "verified" : "refused").append(", ")
            .append(errors + (errors == 1 ? " error, " : " errors, ")).append(findings.size() - errors + " other findings\n");
        return findings;
    }

    /** {@code FILE.cap [export path]...}; exit status 1 when there are errors. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 0) {
            System.err.println("usage: verify FILE.cap [EXPORT-FILE|JAR|FOLDER]...");
            System.exit(2);
        }
        List<Path> paths = new ArrayList<>();
        for (String argument : arguments) {
            paths.add(Path.of(argument));
        }
        List<Finding> findings = verify(paths.get(0), paths.subList(1, paths.size()), System.out);
        System.exit(findings.stream().anyMatch(finding -> finding.severity() == Severity.ERROR) ? 1 : 0);
    }
}
