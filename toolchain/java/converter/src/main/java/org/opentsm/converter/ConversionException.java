// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

/** Stops the work on one class or method; its message becomes a diagnostic at the given line. */
final class ConversionException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int line;

    ConversionException(int line, String message) {
        super(message, null, false, false);
        this.line = line;
    }

    int line() {
        return line;
    }
}
