// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.classpath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.licel.jcardsim.smartcardio.CardSimulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.smartcardio.Card;
import javax.smartcardio.CardChannel;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.TerminalFactory;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.opentsm.simulator.junit.CardExtension;
import org.opentsm.simulator.smartcardio.SimulatorProvider;
import org.opentsm.simulator.testapplet.Probe;

class CardExtensionTest {

    @RegisterExtension
    private final CardExtension card = CardExtension.with(Probe.class, "F0000000010101");

    @RepeatedTest(2)
    void isNewForEachTest(CardSimulator simulator) {
        assertSame(card.simulator(), simulator);
        assertEquals("00000000000000000000000000009000", card.transmit("8002000000"));
        assertEquals("9000", card.transmit("80010055"));
        card.reset();
        assertEquals("555555550055005500000000" + "55009000", card.transmit("8002000000"));
    }

    @Test
    void keepsSeveralAppletsApart() throws Exception {
        CardExtension two = CardExtension.with(Probe.class, "F0000000010101").and(Probe.class, "F0000000010102");
        two.beforeEach(null);
        assertEquals("9000", two.transmit("80010055"));
        assertEquals("9000", two.select("F0000000010102"));
        assertTrue(two.transmit("8002000000").startsWith("00000000"));
        two.reset();
        assertTrue(two.transmit("8002000000").startsWith("55555555"), "the first is selected again");
        two.afterEach(null);
    }

    @Test
    void isTheCardOfAnImage(@TempDir Path folder) throws Exception {
        CardExtension image = CardExtension.ofImage(image(folder).toString());
        image.beforeEach(null);
        assertEquals("9000", image.select("F0000000010301"));
        image.reset();
        assertEquals("9000", image.select("F0000000010301"), "after a reset too");
        assertThrows(IllegalStateException.class, image::simulator);
        assertThrows(IllegalStateException.class, () -> image.and(Probe.class, "F0000000010101"));
        image.afterEach(null);
    }

    @Test
    void isATerminalOfJavaxSmartcardio(@TempDir Path folder) throws Exception {
        Path image = image(folder);
        TerminalFactory factory = TerminalFactory.getInstance("OpenTSM", image.toString(), new SimulatorProvider());
        Card connected = factory.terminals().list().get(0).connect("*");
        assertEquals("T=0", connected.getProtocol());
        CardChannel channel = connected.openLogicalChannel();
        assertEquals(1, channel.getChannelNumber());
        byte[] aid = {(byte) 0xF0, 0, 0, 0, 1, 3, 1};
        assertEquals(
                0x9000, channel.transmit(new CommandAPDU(0, 0xA4, 4, 0, aid)).getSW());
        assertEquals(1, channel.transmit(new CommandAPDU(0x80, 0x02, 0, 0, 256)).getData()[1]);
        assertTrue(connected.getATR().getBytes().length > 0);
        channel.close();
    }

    private static Path image(Path folder) throws IOException {
        Path image = folder.resolve("card.json");
        Files.writeString(
                image,
                """
            {"name": "t", "atr": "3B00", "isd": null,
             "loadFiles": [{"aid": "F000000001", "path": "%s",
               "modules": [{"aid": "F00000000103", "class": "org.opentsm.simulator.testapplet.ChannelProbe"}]}],
             "applications": [{"module": "F00000000103", "aid": "F0000000010301"}]}"""
                        .formatted(Path.of("target/test-classes").toAbsolutePath()));
        return image;
    }
}
