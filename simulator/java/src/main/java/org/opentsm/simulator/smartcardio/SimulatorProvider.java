// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.smartcardio;

import java.security.Provider;

/**
 * Gives javax.smartcardio simulated cards: {@code TerminalFactory.getInstance("OpenTSM", images, new
 * SimulatorProvider())}, where {@code images} is the path of a card image, a list of paths, or null for those of the
 * property {@code opentsm.images}, separated as class paths are. Each image is a terminal with its card in it.
 */
public final class SimulatorProvider extends Provider {

    private static final long serialVersionUID = 1;

    public SimulatorProvider() {
        super("OpenTSM", "0.1", "simulated cards as terminals");
        put("TerminalFactory.OpenTSM", SimulatorTerminals.Factory.class.getName());
    }
}
