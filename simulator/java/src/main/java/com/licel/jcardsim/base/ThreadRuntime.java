// SPDX-License-Identifier: Apache-2.0
package com.licel.jcardsim.base;

/**
 * jCardSim finds a card by thread, and so a thread that waits for its next command would keep the card's whole memory.
 */
public final class ThreadRuntime {

    private ThreadRuntime() {}

    /** Lets go of the card that this thread worked for last. */
    public static void release() {
        SimulatorSystem.setCurrentInstance(SimulatorSystem.DEFAULT_RUNTIME);
    }
}
