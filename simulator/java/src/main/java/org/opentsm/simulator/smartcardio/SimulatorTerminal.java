// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.smartcardio;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.smartcardio.Card;
import javax.smartcardio.CardException;
import javax.smartcardio.CardTerminal;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.CardImage;

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
                String text = Files.readString(file);
                JsonObject json = JsonParser.parseString(text).getAsJsonObject();
                CardImage image = CardImage.parse(json, file.getParent());
                // Class files of the security domains; an image with their CAP, or without an issuer domain, needs
                // none.
                Path applets = Path.of(
                        System.getProperty("opentsm.applets", file.getParent().toString()));
                card = new org.opentsm.simulator.card.Card(image, text.getBytes(StandardCharsets.UTF_8), applets, null);
            }
            return new SimulatedCard(card);
        } catch (SimulatorException | IOException | JsonParseException | IllegalStateException e) {
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
