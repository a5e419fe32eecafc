// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.classpath;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.io.CAD;
import com.licel.jcardsim.io.JavaxSmartCardInterface;
import com.licel.jcardsim.samples.HelloWorldApplet;
import com.licel.jcardsim.smartcardio.CardSimulator;
import com.licel.jcardsim.smartcardio.CardTerminalSimulator;
import com.licel.jcardsim.utils.AIDUtil;
import com.licel.jcardsim.utils.ByteUtil;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javacard.framework.AID;
import javacard.framework.SystemException;
import javax.smartcardio.Card;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.CardTerminals;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.ResponseAPDU;
import javax.smartcardio.TerminalFactory;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Calls of jCardSim's classes that tests in public projects make, beyond the usual ones of {@link JCardSimTest}. */
@Timeout(60)
class PublicCallsTest {

    private static final String HELLO_AID = "F000000001";
    private static final AID HELLO = AIDUtil.create(HELLO_AID);
    private static final CommandAPDU SAY = new CommandAPDU(0x01, 0x01, 0x00, 0x00);

    private static CardSimulator hello() {
        CardSimulator simulator = new CardSimulator();
        simulator.installApplet(HELLO, HelloWorldApplet.class);
        return simulator;
    }

    /** As test helpers of several projects connect: a reader's card by its kind in a property. */
    @Test
    void comesFromAReaderByProperty() {
        for (String type : new String[] {"0", "2"}) {
            Properties properties = new Properties();
            properties.setProperty("com.licel.jcardsim.terminal.type", type);
            Simulator simulator = (Simulator) new CAD(properties).getCardInterface();
            simulator.installApplet(HELLO, HelloWorldApplet.class, new byte[0], (short) 0, (byte) 0);
            assertTrue(simulator.selectApplet(HELLO));
            assertEquals(15, simulator.transmitCommand(SAY.getBytes()).length);
        }
        Properties properties = new Properties();
        properties.setProperty("com.licel.jcardsim.terminal.type", "2");
        assertTrue(new CAD(properties).getCardInterface() instanceof JavaxSmartCardInterface);
    }

    @Test
    void loadsWhatPropertiesName() {
        String prefix = "com.licel.jcardsim.card.applet.0.";
        System.setProperty(prefix + "AID", HELLO_AID);
        System.setProperty(prefix + "Class", HelloWorldApplet.class.getName());
        try {
            Simulator simulator = new Simulator();
            simulator.createApplet(HELLO, new byte[0], (short) 0, (byte) 0);
            assertTrue(simulator.selectApplet(HELLO));
        } finally {
            System.clearProperty(prefix + "AID");
            System.clearProperty(prefix + "Class");
        }
        assertThrows(
                RuntimeException.class, () -> new Simulator().createApplet(HELLO, new byte[0], (short) 0, (byte) 0));
    }

    @Test
    void isPutIntoTerminalsAndTakenOut() throws Exception {
        CardTerminals terminals = CardTerminalSimulator.terminals("one", "two");
        CardTerminal one = terminals.getTerminal("one");
        CardSimulator simulator = hello();
        assertFalse(one.isCardPresent());
        simulator.assignToTerminal(one);
        assertSame(one, simulator.getAssignedCardTerminal());
        assertTrue(one.isCardPresent());
        Card card = one.connect("T=0");
        ResponseAPDU selected = card.getBasicChannel().transmit(new CommandAPDU(AIDUtil.select(HELLO_AID)));
        assertEquals(0x9000, selected.getSW());
        card.disconnect(false);
        simulator.assignToTerminal(terminals.getTerminal("two"));
        assertFalse(one.isCardPresent());
        simulator.assignToTerminal(null);
        assertFalse(terminals.getTerminal("two").isCardPresent());
        assertEquals(2, terminals.list().size());
    }

    @Test
    void hasTheProviderOfJCardSim() throws Exception {
        TerminalFactory factory = TerminalFactory.getInstance(
                "CardTerminalSimulator", new String[] {"a"}, new CardTerminalSimulator.SecurityProvider());
        CardTerminal terminal = factory.terminals().list().get(0);
        hello().assignToTerminal(terminal);
        Card card = terminal.connect("*");
        card.getBasicChannel().transmit(new CommandAPDU(AIDUtil.select(HELLO)));
        assertEquals(13, card.getBasicChannel().transmit(SAY).getData().length);
    }

    @Test
    void tellsAtrAndProtocol() {
        CardSimulator simulator = hello();
        assertArrayEquals(ByteUtil.byteArray(Simulator.DEFAULT_ATR), simulator.getATR());
        for (String protocol : new String[] {"T=0", "T=1", "T=CL,TYPE_A,T1", "T=CL,TYPE_B,T1"}) {
            simulator.changeProtocol(protocol);
            assertEquals(protocol, simulator.getProtocol());
            assertTrue(simulator.selectApplet(HELLO));
            assertEquals(0x9000, simulator.transmitCommand(SAY).getSW());
        }
        assertThrows(IllegalArgumentException.class, () -> simulator.changeProtocol("T=9"));
    }

    @Test
    void loadsClassesOfAJar(@TempDir Path folder) throws Exception {
        Path source = folder.resolve("Own.java");
        Files.writeString(
                source,
                "package own; import javacard.framework.*; public class Own extends Applet {"
                        + " public static void install(byte[] b, short o, byte l) { new Own().register(); }"
                        + " public void process(APDU a) {"
                        + " if (!selectingApplet()) ISOException.throwIt((short) 0x6123); } }");
        String path = System.getProperty("java.class.path");
        int failed = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-nowarn", "-cp", path, "-d", folder.toString(), source.toString());
        assertEquals(0, failed);
        ByteArrayOutputStream jar = new ByteArrayOutputStream();
        try (JarOutputStream out = new JarOutputStream(jar)) {
            out.putNextEntry(new JarEntry("own/Own.class"));
            out.write(Files.readAllBytes(folder.resolve("own/Own.class")));
        }
        Simulator simulator = new Simulator();
        simulator.installApplet(HELLO, "own.Own", jar.toByteArray(), new byte[0], (short) 0, (byte) 0);
        assertTrue(simulator.selectApplet(HELLO));
        assertArrayEquals(new byte[] {0x61, 0x23}, simulator.transmitCommand(SAY.getBytes()));
        assertThrows(SystemException.class, () -> simulator.loadApplet(HELLO, "own.None", jar.toByteArray()));
    }
}
