// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

/** Where the card's power is to end: before or after a command, or at a write to persistent memory. */
public final class FaultPlan {

    /** Which side of the command's processing the power ends on. */
    public enum Side {
        BEFORE_PROCESSING,
        BEFORE_RESPONSE
    }

    private static final long NEVER = -1;

    private long apdusLeft = NEVER;
    private Side side = Side.BEFORE_PROCESSING;
    private long writesLeft = NEVER;
    private boolean cut;

    /** The power ends at the command that follows {@code apdus} complete ones. */
    public void cutAfterApdus(long apdus, Side where) {
        apdusLeft = apdus;
        side = where;
    }

    /**
     * The power ends at the {@code number}th write from now (1: the next), which is not done; 0 takes the plan back.
     */
    public void cutAtWrite(long number) {
        writesLeft = number;
    }

    /** True while the power is to end somewhere ahead. */
    public boolean isPlanned() {
        return apdusLeft != NEVER || writesLeft > 0;
    }

    public void beforeCommand() {
        if (apdusLeft == 0 && side == Side.BEFORE_PROCESSING) {
            cutNow();
        }
    }

    public void afterCommand() {
        if (apdusLeft == 0) {
            cutNow();
        }
        if (apdusLeft > 0) {
            apdusLeft--;
        }
    }

    void beforeWrite() {
        if (cut || writesLeft > 0 && --writesLeft == 0) {
            cutNow();
        }
    }

    void powered() {
        cut = false;
    }

    void cutNow() {
        apdusLeft = NEVER;
        writesLeft = NEVER;
        // Code that runs while the stack unwinds (finally blocks) must not write either.
        cut = true;
        throw new PowerCut();
    }
}
