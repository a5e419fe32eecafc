// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

/** A command ends with this status word and no data. */
final class StatusException extends RuntimeException {

    private static final long serialVersionUID = 1;

    final int status;

    StatusException(int status) {
        super(null, null, false, false);
        this.status = status;
    }

    static void require(boolean held, int status) {
        if (!held) {
            throw new StatusException(status);
        }
    }
}
