// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator;

/**
 * A failure the caller of the simulator is told about: a stable code, a message, and the image field when one is at
 * fault.
 */
public final class SimulatorException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String code;
    private final String field;

    public SimulatorException(String code, String message) {
        this(code, null, message, null);
    }

    public SimulatorException(String code, String field, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.field = field;
    }

    public static SimulatorException image(String field, String message) {
        return new SimulatorException("image-invalid", field, "card image: " + field + ": " + message, null);
    }

    public String code() {
        return code;
    }

    /** Path of the image field at fault, or null. */
    public String field() {
        return field;
    }
}
