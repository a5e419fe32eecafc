// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

/**
 * An envelope, which one of the applications it triggers may answer: once one has, or has gone on to a proactive
 * command, none of the others may; ETSI TS 102 241 6.6.
 */
final class Question {

    private boolean over;

    boolean isOver() {
        return over;
    }

    void end() {
        over = true;
    }
}
