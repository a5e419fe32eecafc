// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.classpath;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.io.JavaxSmartCardInterface;
import com.licel.jcardsim.samples.HelloWorldApplet;
import com.licel.jcardsim.samples.MultiInstanceApplet;
import com.licel.jcardsim.smartcardio.CardSimulator;
import com.licel.jcardsim.smartcardio.CardTerminalSimulator;
import com.licel.jcardsim.utils.AIDUtil;
import javacard.framework.AID;
import javacard.framework.SystemException;
import javax.smartcardio.Card;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.ResponseAPDU;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.opentsm.simulator.testapplet.LongProbe;
import org.opentsm.simulator.testapplet.Probe;

/** What public tests of applets do with jCardSim's classes, each in the way that is usual. */
@Timeout(60)
class JCardSimTest {

    private static final AID HELLO = AIDUtil.create("F000000001");
    private static final AID PROBE = AIDUtil.create("F0000000010101");
    private static final byte[] PROBE_DATA = {7, (byte) 0xF0, 0, 0, 0, 1, 1, 1, 0, 0};

    @Test
    void installsSelectsAndTransmits() {
        CardSimulator simulator = new CardSimulator();
        assertEquals(HELLO, simulator.installApplet(HELLO, HelloWorldApplet.class));
        assertTrue(simulator.selectApplet(HELLO));
        ResponseAPDU response = simulator.transmitCommand(new CommandAPDU(0x01, 0x01, 0x00, 0x00));
        assertEquals(0x9000, response.getSW());
        assertEquals("Hello world !", new String(response.getData()));
    }

    @Test
    void answersBytesForBytes() {
        Simulator simulator = new Simulator();
        simulator.loadApplet(HELLO, HelloWorldApplet.class);
        simulator.createApplet(HELLO, new byte[0], (short) 0, (byte) 0);
        assertArrayEquals(new byte[] {(byte) 0x90, 0}, simulator.selectAppletWithResult(HELLO));
        assertFalse(simulator.selectApplet(AIDUtil.create("F000000002")));
        assertEquals(15, simulator.transmitCommand(new byte[] {0x01, 0x01, 0, 0}).length);
    }

    @Test
    void installsByNameWithParameters() {
        JavaxSmartCardInterface simulator = new JavaxSmartCardInterface();
        simulator.installApplet(PROBE, Probe.class.getName(), PROBE_DATA, (short) 0, (byte) PROBE_DATA.length);
        assertTrue(simulator.selectApplet(PROBE));
        assertEquals(
                0x9000,
                simulator
                        .transmitCommand(new CommandAPDU(0x80, 0x02, 0, 0, 256))
                        .getSW());
    }

    @Test
    void rollsBackAndForgetsRamAsACardDoes() {
        CardSimulator simulator = probe();
        simulator.transmitCommand(new CommandAPDU(0x80, 0x01, 0x03, 0x55));
        simulator.transmitCommand(new CommandAPDU(0x80, 0x03, 0x77, 0x00));
        byte[] memory = simulator
                .transmitCommand(new CommandAPDU(0x80, 0x02, 0, 0, 256))
                .getData();
        assertArrayEquals(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0x77, 0, 0x77, 0, 0, 0}, memory);
        simulator.reset();
        simulator.selectApplet(PROBE);
        assertArrayEquals(
                new byte[14],
                simulator
                        .transmitCommand(new CommandAPDU(0x80, 0x02, 0, 0, 256))
                        .getData());
    }

    @Test
    void keepsStaticFieldsOfEachCardApart() {
        CardSimulator one = probe();
        CardSimulator other = probe();
        one.transmitCommand(new CommandAPDU(0x80, 0x01, 0x00, 0x33));
        byte[] memory =
                other.transmitCommand(new CommandAPDU(0x80, 0x02, 0, 0, 256)).getData();
        assertArrayEquals(new byte[14], memory);
    }

    @Test
    void deletesAndBeginsAnew() {
        CardSimulator simulator = probe();
        simulator.deleteApplet(PROBE);
        assertFalse(simulator.selectApplet(PROBE));
        simulator.installApplet(HELLO, HelloWorldApplet.class);
        simulator.resetRuntime();
        assertFalse(simulator.selectApplet(HELLO));
    }

    @Test
    void saysWhyInstallFailed() {
        CardSimulator simulator = new CardSimulator();
        byte[] refused = {7, (byte) 0xF0, 0, 0, 0, 1, 1, 1, 0, 1, (byte) 0xEE};
        SystemException e = assertThrows(
                SystemException.class,
                () -> simulator.installApplet(PROBE, Probe.class, refused, (short) 0, (byte) refused.length));
        assertTrue(e.getCause().getMessage().contains("6A80"), e.getCause().getMessage());
    }

    @Test
    void isACardInATerminal() throws Exception {
        CardSimulator simulator = new CardSimulator();
        simulator.installApplet(HELLO, HelloWorldApplet.class);
        CardTerminal terminal = CardTerminalSimulator.terminal(simulator);
        Card card = terminal.connect("T=1");
        assertEquals("T=1", card.getProtocol());
        ResponseAPDU selected = card.getBasicChannel().transmit(new CommandAPDU(AIDUtil.select(HELLO)));
        assertEquals(0x9000, selected.getSW());
        assertEquals(
                13,
                card.getBasicChannel()
                        .transmit(new CommandAPDU(0x01, 0x01, 0x00, 0x00))
                        .getData()
                        .length);
        card.disconnect(true);
    }

    @Test
    void takesExtendedLengthAndSeveralInstances() {
        CardSimulator simulator = new CardSimulator();
        byte[] own = {5, (byte) 0xF0, 0, 0, 0, 1, 0, 0};
        simulator.installApplet(HELLO, LongProbe.class, own, (short) 0, (byte) own.length);
        simulator.selectApplet(HELLO);
        byte[] sent = new byte[1000];
        sent[999] = 7;
        assertArrayEquals(
                sent,
                simulator
                        .transmitCommand(new CommandAPDU(0x80, 0x01, 0x00, 0x00, sent, 65536))
                        .getData());
        AID other = AIDUtil.create("F000000009");
        byte[] data = {5, (byte) 0xF0, 0, 0, 0, 9, 0, 0};
        simulator.installApplet(other, MultiInstanceApplet.class, data, (short) 0, (byte) data.length);
        assertTrue(simulator.selectApplet(other));
    }

    private static CardSimulator probe() {
        CardSimulator simulator = new CardSimulator();
        simulator.installApplet(PROBE, Probe.class, PROBE_DATA, (short) 0, (byte) PROBE_DATA.length);
        simulator.selectApplet(PROBE);
        return simulator;
    }
}
