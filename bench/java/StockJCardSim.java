// SPDX-License-Identifier: Apache-2.0
import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * The peer of the bench: stock jCardSim, called in its own JVM without any link, on an applet that
 * answers GET DATA '0042' as our security domains do. Prints one JSON line.
 */
public final class StockJCardSim extends Applet {
    private final byte[] answer = {0x42, 0x04, 0x11, 0x22, 0x33, 0x44};

    public static void install(byte[] parameters, short offset, byte length) {
        new StockJCardSim().register();
    }

    @Override
    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            return;
        }
        if (buffer[ISO7816.OFFSET_INS] != (byte) 0xCA) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
        System.arraycopy(answer, 0, buffer, 0, answer.length);
        apdu.setOutgoingAndSend((short) 0, (short) answer.length);
    }

    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[0]);
        Simulator simulator = new Simulator(new SimulatorRuntime());
        byte[] aidBytes = {(byte) 0xF0, 1, 2, 3, 4, 5};
        AID aid = new AID(aidBytes, (short) 0, (byte) aidBytes.length);
        simulator.installApplet(aid, StockJCardSim.class);
        simulator.selectApplet(aid);
        byte[] command = {(byte) 0x80, (byte) 0xCA, 0x00, 0x42, 0x00};
        run(simulator, command, count / 4);
        long start = System.nanoTime();
        run(simulator, command, count);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf("{\"apdus\":%d,\"seconds\":%.6f}%n", count, seconds);
    }

    private static void run(Simulator simulator, byte[] command, int count) {
        for (int i = 0; i < count; i++) {
            byte[] response = simulator.transmitCommand(command);
            if (response.length != 8) {
                throw new IllegalStateException("unexpected answer of " + response.length + " bytes");
            }
        }
    }
}
