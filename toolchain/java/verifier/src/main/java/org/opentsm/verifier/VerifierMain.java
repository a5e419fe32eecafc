// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.cap.exp.ExportPath;

/** Verifies a CAP file and prints what was found. */
public final class VerifierMain {
    private static final int MAX_DEPTH = 32;
    private static final int MAX_FILES = 10_000;

    private VerifierMain() {}

    /**
     * Verifies a file.
     *
     * @param exportPaths .exp files, jars and folders with some; then the providers registered as services are asked
     * @param out         takes one line per finding, the worst first, and a last line with the counts; each begins with
     *     the file's name
     * @return the findings; a file that is no CAP gives one error
     * @throws IOException when a file cannot be read
     */
    public static List<Finding> verify(Path cap, List<Path> exportPaths, Appendable out) throws IOException {
        ExportFileProvider exports = new ExportPath(exportPaths).or(ExportPath.services());
        List<Finding> findings;
        try {
            findings = Verifier.verify(CapFile.read(cap), exports);
        } catch (CapFormatException e) {
            findings = List.of(new Finding(
                    Severity.ERROR,
                    e.component(),
                    "",
                    e.offset(),
                    "format",
                    "expected " + e.expected() + ", got " + e.got()));
        } catch (RuntimeException fault) {
            // A fault of the verifier must not end a run over many files, nor pass the file.
            findings = List.of(
                    new Finding(Severity.ERROR, "CAP", "", -1, "verifier-fault", "the verifier failed: " + fault));
        }
        String name = cap.getFileName().toString();
        for (Severity severity : Severity.values()) {
            for (Finding finding : findings) {
                if (finding.severity() == severity) {
                    out.append(name).append(": ").append(finding.toString()).append('\n');
                }
            }
        }
        long errors = count(findings, Severity.ERROR);
        out.append(name)
                .append(": ")
                .append(errors == 0 ? "verified" : "refused")
                .append(", ")
                .append(counted(errors, "error"))
                .append(", ")
                .append(counted(count(findings, Severity.WARNING), "warning"))
                .append(", ")
                .append(counted(count(findings, Severity.NOTE), "note"))
                .append('\n');
        return findings;
    }

    private static long count(List<Finding> findings, Severity severity) {
        return findings.stream()
                .filter(finding -> finding.severity() == severity)
                .count();
    }

    private static String counted(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    /** The file itself; of a folder, all .cap and .ijc files below it, sorted. */
    public static List<Path> capsIn(Path place) throws IOException {
        if (!Files.isDirectory(place)) {
            return List.of(place);
        }
        try (Stream<Path> all = Files.walk(place, MAX_DEPTH)) {
            List<Path> found = all.filter(
                            file -> file.toString().toLowerCase(Locale.ROOT).matches(".*\\.(cap|ijc)")
                                    && Files.isRegularFile(file))
                    .limit(MAX_FILES)
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new IOException(place + ": no .cap or .ijc file in this folder");
            }
            return found;
        }
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
