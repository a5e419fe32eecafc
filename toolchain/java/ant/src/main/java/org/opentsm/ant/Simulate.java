// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import javacard.framework.AID;
import javacard.framework.Applet;
import org.opentsm.api.ApiException;

/**
 * Runs compiled applets on a simulated card: one command APDU in hex per line of standard input, one response with its status
 * word per line of standard output. For unit tests of applets; card management is jcardsim-runner's.
 */
final class Simulate {
    private static final int MAX_LINE = 2 * 65_544;

    private Simulate() {
    }

    /** @param operands CLASSES-FOLDER CLASS=AID... */
    static int run(String[] operands) throws IOException {
        if (operands.length < 2 || !Files.isDirectory(Path.of(operands[0]))) {
            throw new ApiException("simulate takes a folder of class files and CLASS=AID for each applet");
        }
        PrintStream answers = System.out;
        System.setOut(System.err);
        URL[] folder = {Path.of(operands[0]).toUri().toURL()};
        try (URLClassLoader loader = new URLClassLoader(folder, Simulate.class.getClassLoader())) {
            Simulator simulator = new Simulator(new SimulatorRuntime());
            for (int i = 1; i < operands.length; i++) {
                install(simulator, loader, operands[i]);
            }
            exchange(simulator, answers);
        }
        return 0;
    }

    private static void install(Simulator simulator, ClassLoader loader, String operand) {
        String[] parts = operand.split("=", 2);
        try {
            byte[] aid = HexFormat.of().parseHex(parts.length == 2 ? parts[1] : "");
            Class<? extends Applet> applet = Class.forName(parts[0], true, loader).asSubclass(Applet.class);
            byte[] parameters = new byte[aid.length + 3];
            parameters[0] = (byte) aid.length;
            System.arraycopy(aid, 0, parameters, 1, aid.length);
            simulator.installApplet(new AID(aid, (short) 0, (byte) aid.length), applet, parameters, (short) 0, (byte) parameters.length);
        } catch (ReflectiveOperationException | ClassCastException | IllegalArgumentException | LinkageError wrong) {
            throw new ApiException("cannot install " + operand + ": " + wrong, wrong);
        }
    }

    private static void exchange(Simulator simulator, PrintStream answers) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            byte[] command;
            try {
                command = HexFormat.of().parseHex(line.trim());
            } catch (IllegalArgumentException notHex) {
                throw new ApiException("not a command APDU in hex: " + line.substring(0, Math.min(40, line.length())));
            }
            if (command.length < 4 || line.length() > MAX_LINE) {
                throw new ApiException("a command APDU has at least 4 bytes");
            }
            answers.println(HexFormat.of().withUpperCase().formatHex(simulator.transmitCommand(command)));
            answers.flush();
        }
    }
}
