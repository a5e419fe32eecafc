// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

/**
 * What a card has, in bytes.
 *
 * @param persistent        objects of applets
 * @param transientReset    RAM of CLEAR_ON_RESET
 * @param transientDeselect RAM of CLEAR_ON_DESELECT
 * @param commit            what one transaction may write
 */
public record MemoryLimits(int persistent, int transientReset, int transientDeselect, int commit) {

    /** Nothing is refused. */
    public static final MemoryLimits NONE =
            new MemoryLimits(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE);
}
