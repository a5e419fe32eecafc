// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Collects findings without repeats; bounded, so that a hostile class file cannot fill the memory. */
final class Diagnostics {
    private static final int LIMIT = 2000;
    private final Set<Diagnostic> items = new LinkedHashSet<>();
    private int errors;

    void error(String message) {
        error("", "", 0, message);
    }

    void error(String className, String method, int line, String message) {
        add(new Diagnostic(Diagnostic.Severity.ERROR, className.replace('/', '.'), method, line, message));
    }

    void warning(String className, String method, int line, String message) {
        add(new Diagnostic(Diagnostic.Severity.WARNING, className.replace('/', '.'), method, line, message));
    }

    private void add(Diagnostic item) {
        if (items.size() < LIMIT && items.add(item) && item.isError()) {
            errors++;
        }
    }

    boolean hasErrors() {
        return errors > 0;
    }

    boolean errorsMatch(String text) {
        return items.stream().anyMatch(item -> item.isError() && item.message().contains(text));
    }

    int errorCount() {
        return errors;
    }

    List<Diagnostic> list() {
        return List.copyOf(new ArrayList<>(items));
    }
}
