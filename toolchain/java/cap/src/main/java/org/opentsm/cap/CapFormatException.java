// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/** Bytes that are not a CAP or export file: which part, where, what was expected and what was found. */
public final class CapFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String component;
    private final int offset;
    private final String expected;
    private final String got;

    /**
     * @param component component or file part, for example "Class" or "zip"
     * @param offset    offset in that part's info, or -1 when no single byte is at fault
     * @param expected  what the format asks for
     * @param got       what was found
     */
    public CapFormatException(String component, int offset, String expected, String got) {
        super(component + (offset >= 0 ? " at " + offset : "") + ": expected " + expected + ", got " + got);
        this.component = component;
        this.offset = offset;
        this.expected = expected;
        this.got = got;
    }

    public String component() {
        return component;
    }

    public int offset() {
        return offset;
    }

    public String expected() {
        return expected;
    }

    public String got() {
        return got;
    }
}
