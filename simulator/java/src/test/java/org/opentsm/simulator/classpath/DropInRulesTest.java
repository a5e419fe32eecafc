// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.classpath;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.samples.HelloWorldApplet;
import com.licel.jcardsim.utils.AIDUtil;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import javacard.framework.AID;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.runtime.CardRandom;

/** What the drop-in does with jCardSim's own runtime, properties and protected methods. */
class DropInRulesTest {

    private static final AID HELLO = AIDUtil.create("F000000001");

    /** As projects write that want to see into jCardSim. */
    private static final class OwnRuntime extends SimulatorRuntime {}

    @Test
    void saysOnceThatASubclassOfTheirRuntimeKeepsTheirs() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            new Simulator(new OwnRuntime());
            new Simulator(new OwnRuntime());
            new Simulator(new SimulatorRuntime());
        } finally {
            System.setErr(before);
        }
        String said = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(1, said.lines().filter(line -> line.contains("OwnRuntime")).count(), said);
    }

    @Test
    void findsAnAppletByItsName() {
        ClassPathCard card = new ClassPathCard();
        card.loadApplet(HELLO, HelloWorldApplet.class);
        assertNull(card.getApplet(HELLO), "loaded is not installed");
        card.installApplet(HELLO, new byte[0], (short) 0, (byte) 0);
        assertEquals(
                HelloWorldApplet.class.getName(),
                card.getApplet(HELLO).getClass().getName());
        assertNull(card.getApplet(null));
    }

    @Test
    void takesRandomNumbersFromTheSeedOfTheProperty() {
        String property = "com.licel.jcardsim.randomdata.seed";
        System.setProperty(property, "0102");
        try {
            assertArrayEquals(randomBytes(), randomBytes());
        } finally {
            System.clearProperty(property);
        }
        byte[] machines = randomBytes();
        assertFalse(Arrays.equals(machines, randomBytes()));
    }

    private static byte[] randomBytes() {
        CardRandom random = new ClassPathCard().card().random();
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return bytes;
    }
}
