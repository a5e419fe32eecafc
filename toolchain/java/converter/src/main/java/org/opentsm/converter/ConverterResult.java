// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.List;
import java.util.Optional;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportFile;

/**
 * The outcome of a conversion.
 *
 * @param cap         empty when there were errors
 * @param exp         empty when nothing of the package can be imported, or there were errors
 * @param listing     readable text of the CAP, when asked for
 * @param diagnostics every error and warning
 */
public record ConverterResult(
        Optional<CapFile> cap, Optional<ExportFile> exp, Optional<String> listing, List<Diagnostic> diagnostics) {
    public ConverterResult {
        diagnostics = List.copyOf(diagnostics);
    }

    public boolean succeeded() {
        return cap.isPresent();
    }

    public List<Diagnostic> errors() {
        return diagnostics.stream().filter(Diagnostic::isError).toList();
    }

    /** "conversion completed with N errors and M warnings." */
    public String summary() {
        long errors = diagnostics.stream().filter(Diagnostic::isError).count();
        return "conversion completed with " + errors + " errors and " + (diagnostics.size() - errors) + " warnings.";
    }
}
