// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.runtime.CardRandom;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.FaultPlan;
import org.opentsm.simulator.runtime.PowerCut;
import org.opentsm.simulator.runtime.Statistics;
import org.opentsm.simulator.state.CardState;

/**
 * Keys and engines in a card's memory: what a reset, a selection, a rollback, a power cut and a saved state do to them.
 */
class KeysOnCardTest {

    private static final String SELECT = "00A4040006F0000000020100";
    private static final String KEY = "000102030405060708090A0B0C0D0E0F";
    private static final String OTHER_KEY = "FFEEDDCCBBAA99887766554433221100";
    /** AES of a zero block under the keys, from Python's cryptography. */
    private static final String UNDER_KEY = "C6A13B37878F5B826F4F8162A1C8D879" + "9000";

    private static final String UNDER_OTHER_KEY = "EBC95850798949F85130F30D37B7E2F5" + "9000";
    private static final String UNINITIALIZED = "6E02";

    private final FaultPlan faults = new FaultPlan();
    private CardImage image;
    private CardCode code;
    private CardRuntime card;

    @TempDir
    private Path folder;

    @BeforeEach
    void insert() throws IOException {
        JsonObject json = JsonParser.parseString(Files.readString(Path.of("../cards/plain.json")))
                .getAsJsonObject();
        json.add(
                "loadFiles",
                JsonParser.parseString(
                        "[{\"aid\":\"F000000002\",\"path\":\"target/test-classes\",\"modules\":[{\"aid\":"
                                + "\"F00000000201\",\"class\":\"org.opentsm.simulator.testapplet.KeyKeeper\"}]}]"));
        json.add("applications", JsonParser.parseString("[{\"module\":\"F00000000201\",\"aid\":\"F00000000201\"}]"));
        image = CardImage.parse(json, Path.of(""));
        card = fresh();
        CardFactory.install(image, code, card);
        card.reset();
        assertEquals("9000", send(SELECT));
        for (String which : new String[] {"00", "01", "02"}) {
            assertEquals("9000", send("8010" + which + "0010" + KEY));
            assertEquals("9000", send("8012" + which + "00"));
            assertEquals(UNDER_KEY, send("8014" + which + "0000"));
        }
        assertEquals("9000", send("80200000"));
    }

    private CardRuntime fresh() {
        code = new CardCode(image, Path.of("../../applet/target/classes"));
        return new CardRuntime(code.packages(), new CardRandom(null, new byte[0]), new Statistics(), faults);
    }

    private String send(String command) {
        return Hex.encode(card.process(Hex.decode(command)));
    }

    @Test
    void aResetClearsKeysInRamAndKeepsEnginesInitialized() {
        card.reset();
        assertEquals("9000", send(SELECT));
        assertEquals(UNDER_KEY, send("8014000000"));
        assertEquals(UNINITIALIZED, send("8014010000"));
        assertEquals(UNINITIALIZED, send("8014020000"));
        assertEquals(UNINITIALIZED, send("80120100"));
    }

    @Test
    void aSelectionOfAnotherClearsKeysOfTheSelection() {
        send("00A4040008A000000151000000");
        assertEquals("9000", send(SELECT));
        assertEquals(UNDER_KEY, send("8014000000"));
        assertEquals(UNDER_KEY, send("8014010000"));
        assertEquals(UNINITIALIZED, send("8014020000"));
    }

    @Test
    void anAbortedTransactionGivesTheKeysBack() {
        assertEquals("9000", send("8016000010" + OTHER_KEY));
        assertEquals("9000", send("80120000"));
        assertEquals(UNDER_KEY, send("8014000000"));
        assertEquals("01019000", send("8022000000"));
    }

    @Test
    void aKeyWhoseWriteLosesPowerIsTheOldOneAndTheNextIsTheNew() {
        faults.cutAtWrite(1);
        assertThrows(PowerCut.class, () -> send("8010000010" + OTHER_KEY));
        card.reset();
        send(SELECT);
        send("80120000");
        assertEquals(UNDER_KEY, send("8014000000"));
        send("8010000010" + OTHER_KEY);
        send("80120000");
        assertEquals(UNDER_OTHER_KEY, send("8014000000"));
    }

    @Test
    void aSavedCardHasItsKeysAndInitializedEngines() {
        Path file = folder.resolve("keys.card");
        CardState state = new CardState(file, new byte[32]);
        state.save(card);
        state.close();
        card = fresh();
        CardState again = new CardState(file, new byte[32]);
        again.load(card, code.loadFiles());
        again.close();
        card.reset();
        assertEquals("9000", send(SELECT));
        assertEquals(UNDER_KEY, send("8014000000"));
        assertEquals(UNINITIALIZED, send("8014010000"));
        assertEquals("01019000", send("8022000000"));
    }
}
