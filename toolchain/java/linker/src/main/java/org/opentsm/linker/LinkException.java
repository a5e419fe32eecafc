// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.List;
import org.opentsm.verifier.Finding;

/**
 * A CAP that cannot be linked: a stable code, what is wrong in words, and the verifier's findings when they are the
 * reason.
 */
public final class LinkException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kept the CAP from being linked. */
    public enum Code {
        /** The verifier found errors. */
        NOT_VERIFIED,
        /** An imported package, class or member is unknown, of another version, or absent from the platform. */
        IMPORT,
        /** A package of this AID is already linked, or the platform's API has it. */
        LOADED_TWICE,
        /** The CAP uses something that has no form here: a system package, remote types, static resources. */
        UNSUPPORTED,
        /** Tables, types or images contradict each other. */
        INCONSISTENT,
        /** A method or class exceeds the limits of a class file. */
        TOO_LARGE
    }

    private final Code code;
    private final transient List<Finding> findings;

    LinkException(Code code, String message) {
        this(code, message, List.of());
    }

    LinkException(Code code, String message, List<Finding> findings) {
        super(message);
        this.code = code;
        this.findings = List.copyOf(findings);
    }

    static LinkException inconsistent(String message) {
        return new LinkException(Code.INCONSISTENT, message);
    }

    static LinkException unresolved(String message) {
        return new LinkException(Code.IMPORT, message);
    }

    public Code code() {
        return code;
    }

    /** The verifier's errors; empty unless the code is NOT_VERIFIED. */
    public List<Finding> findings() {
        return findings == null ? List.of() : findings;
    }
}
