// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

/** A level, version or declaration that the API tables cannot serve; the message says what to write instead. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ApiException(String message) {
        super(message);
    }

    public ApiException(String message, Throwable cause) {
        super(message, cause);
    }
}
