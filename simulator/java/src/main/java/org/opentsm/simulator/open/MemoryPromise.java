// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

/**
 * Memory of an instance, in bytes; -1 where nothing was said. GPCS 2.3.1 Table 11-49.
 *
 * @param volatileQuota      C7: the most volatile memory it may take
 * @param persistentQuota    C8: the most persistent memory it may take
 * @param volatileReserved   D7: kept for it
 * @param persistentReserved D8: kept for it
 */
public record MemoryPromise(int volatileQuota, int persistentQuota, int volatileReserved, int persistentReserved) {

    public static final MemoryPromise NONE = new MemoryPromise(-1, -1, -1, -1);

    public int reservedPersistent() {
        return Math.max(0, persistentReserved);
    }

    public int reservedVolatile() {
        return Math.max(0, volatileReserved);
    }

    /** False when more is reserved than the quota allows. */
    boolean isConsistent() {
        return (volatileQuota < 0 || volatileReserved <= volatileQuota)
                && (persistentQuota < 0 || persistentReserved <= persistentQuota);
    }
}
