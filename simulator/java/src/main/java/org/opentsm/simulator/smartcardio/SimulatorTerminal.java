// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.smartcardio;

import java.nio.file.Path;
import javax.smartcardio.Card;
import javax.smartcardio.CardException;
import javax.smartcardio.CardTerminal;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.card.ImageFile;

/** A terminal with the card of an image in it, made when it is first connected to. */
final class SimulatorTerminal extends CardTerminal {

    private final Path file;
    private org.opentsm.simulator.card.Card card;

    SimulatorTerminal(String image) {
        file = Path.of(image).toAbsolutePath();
    }

    @Override
    public String getName() {
        return "OpenTSM " + file.getFileName();
    }

    /** @param protocol "*", or T=0 or T=1 as the card has it */
    @Override
    public synchronized Card connect(String protocol) throws CardException {
        try {
            if (card == null) {
                card = ImageFile.open(file);
            }
            return new SimulatedCard(card);
        } catch (SimulatorException e) {
            throw new CardException("no card of " + file + ": " + e.getMessage(), e);
        }
    }

    @Override
    public boolean isCardPresent() {
        return true;
    }

    @Override
    public boolean waitForCardPresent(long timeout) {
        return true;
    }

    @Override
    public boolean waitForCardAbsent(long timeout) {
        return false;
    }
}
