// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

/**
 * One result of verification.
 *
 * @param component component name, for example "Method"
 * @param where     class and method in words, "" when the finding is about the whole component
 * @param offset    info offset, or bytecode offset when where names a method; -1 for none
 * @param rule      short stable name of the rule, for example "stack-overflow"
 * @param text      what is wrong and what was expected
 */
public record Finding(Severity severity, String component, String where, int offset, String rule, String text) {
    @Override
    public String toString() {
        StringBuilder line = new StringBuilder(severity.name().toLowerCase(java.util.Locale.ROOT));
        line.append(": ").append(component);
        if (!where.isEmpty()) {
            line.append(' ').append(where);
        }
        if (offset >= 0) {
            line.append(" at ").append(offset);
        }
        return line.append(": ")
                .append(text)
                .append(" [")
                .append(rule)
                .append(']')
                .toString();
    }
}
