// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

/** Which services of local connections the terminal knows by DECLARE SERVICE; it forgets them at reset. */
final class DeclaredServices {

    private static final int MOST = 8;
    private boolean[] declared = new boolean[MOST];

    void clear() {
        declared = new boolean[MOST];
    }

    boolean has(int identifier) {
        return identifier >= 0 && identifier < MOST && declared[identifier];
    }

    /** Looks at the answer to DECLARE SERVICE. */
    void note(CommandCheck command, TlvView response) {
        if (command.type() == CommandCheck.DECLARE_SERVICE && ChannelOwners.isDone(response)) {
            int identifier = command.service();
            if (identifier >= 0 && identifier < MOST) {
                declared[identifier] = !command.isRemoval();
            }
        }
    }
}
