// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

/**
 * One finding of the converter.
 *
 * @param className dotted class name, empty when the finding is about the package
 * @param method    method name with descriptor, empty when the finding is about the class
 * @param line      source line, 0 when unknown
 * @param message   what is wrong and what to write instead
 */
public record Diagnostic(Severity severity, String className, String method, int line, String message) {
    /** Errors leave no CAP file behind; warnings do. */
    public enum Severity {
        ERROR,
        WARNING
    }

    public boolean isError() {
        return severity == Severity.ERROR;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(isError() ? "error: " : "warning: ");
        if (line > 0) {
            text.append("line ").append(line).append(": ");
        }
        if (!className.isEmpty()) {
            text.append(className);
            text.append(method.isEmpty() ? "" : "." + method).append(": ");
        }
        return text.append(message).toString();
    }
}
