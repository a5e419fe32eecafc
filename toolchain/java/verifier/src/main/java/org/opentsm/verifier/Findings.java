// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.List;

/** Collects findings up to a bound, so that a hostile CAP cannot fill the memory with them. */
final class Findings {
    private static final int MAX = 1000;
    private final List<Finding> list = new ArrayList<>();

    void error(String component, String where, int offset, String rule, String text) {
        add(new Finding(Severity.ERROR, component, where, offset, rule, text));
    }

    void error(String component, int offset, String rule, String text) {
        error(component, "", offset, rule, text);
    }

    void warning(String component, String where, int offset, String rule, String text) {
        add(new Finding(Severity.WARNING, component, where, offset, rule, text));
    }

    void note(String component, String where, int offset, String rule, String text) {
        add(new Finding(Severity.NOTE, component, where, offset, rule, text));
    }

    private void add(Finding finding) {
        if (list.size() < MAX) {
            list.add(finding);
        } else if (list.size() == MAX) {
            list.add(new Finding(
                    Severity.ERROR, "CAP", "", -1, "too-many", "more than " + MAX + " findings, the rest is left out"));
        }
    }

    boolean full() {
        return list.size() > MAX;
    }

    List<Finding> list() {
        return List.copyOf(list);
    }

    boolean hasErrors() {
        return list.stream().anyMatch(finding -> finding.severity() == Severity.ERROR);
    }
}
