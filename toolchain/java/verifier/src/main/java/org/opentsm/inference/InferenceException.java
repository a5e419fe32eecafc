// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

/** The components of a CAP without Descriptor contradict each other, or do not tell enough. */
public final class InferenceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    InferenceException(String message) {
        super(message);
    }
}
