// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * The card's memory as OPEN accounts for it: what load files take, and what instances were promised (GPCS 2.3.1 9.7).
 * An instance without a reservation shares what is left.
 */
final class Memory {

    /** Persistent and volatile memory for content, in bytes. */
    static final int PERSISTENT = 1 << 20;

    static final int VOLATILE = 1 << 15;

    private final Registry registry;

    Memory(Registry registry) {
        this.registry = registry;
    }

    int freePersistent() {
        int used = registry.entries().stream()
                .mapToInt(entry -> entry.code() == null
                        ? entry.row().options().memory().reservedPersistent()
                        : entry.code().size())
                .sum();
        return Math.max(0, PERSISTENT - used);
    }

    int freeVolatile() {
        int used = registry.entries().stream()
                .mapToInt(entry -> entry.row().options().memory().reservedVolatile())
                .sum();
        return Math.max(0, VOLATILE - used);
    }

    /** @throws ISOException 6A84 when there is not so much left; -1 asks for nothing */
    void require(int persistent, int transientBytes) {
        if (persistent > freePersistent() || transientBytes > freeVolatile()) {
            throw new ISOException(ISO7816.SW_FILE_FULL);
        }
    }
}
