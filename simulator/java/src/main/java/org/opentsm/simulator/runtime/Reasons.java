// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

/**
 * Lines for the person at a card's command line: why the card refused what a tool of anybody's sent it, of which the
 * tool sees a status word. {@code -Dopentsm.reasons=true} prints them to standard error.
 */
final class Reasons {

    private static final boolean PRINTED = Boolean.getBoolean("opentsm.reasons");

    private Reasons() {}

    static void tell(String line) {
        if (PRINTED) {
            System.err.println(line);
        }
    }
}
