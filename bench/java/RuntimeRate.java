// SPDX-License-Identifier: Apache-2.0
import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.utils.AIDUtil;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import javacard.framework.AID;

/**
 * Commands per second of each instruction of {@link RateApplet}, on whichever simulator stands first on the class path.
 */
public final class RuntimeRate {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final String[] NAMES = {"plain", "aes", "rsa1024", "ecdsa"};
    private static final int[] SHARES = {200, 100, 1, 1};
    /** The JVM's compiler is done when so many rounds were no faster than the best; a busy machine lets it wait. */
    private static final int SETTLED = 5;

    private static final int MOST_ROUNDS = 60;

    private RuntimeRate() {}

    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[0]);
        java.io.PrintStream out = System.out;
        System.setOut(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()));
        Simulator simulator = new Simulator();
        AID aid = AIDUtil.create("F000000001");
        simulator.installApplet(aid, RateApplet.class);
        simulator.selectApplet(aid);
        StringBuilder json = new StringBuilder("{");
        for (int i = 0; i < NAMES.length; i++) {
            byte[] command = new byte[70];
            command[0] = (byte) 0x80;
            command[1] = (byte) (i + 1);
            command[4] = 64;
            double best = 0;
            int since = 0;
            for (int round = 0; round < MOST_ROUNDS && since < SETTLED; round++) {
                double now = rate(simulator, command, count * SHARES[i]);
                since = now > best ? 0 : since + 1;
                best = Math.max(best, now);
            }
            json.append(i == 0 ? "" : ",")
                    .append('"')
                    .append(NAMES[i])
                    .append("\":")
                    .append(Math.round(best));
        }
        out.println(json.append('}'));
    }

    private static double rate(Simulator simulator, byte[] command, int count) {
        long start = THREADS.getCurrentThreadCpuTime();
        for (int i = 0; i < count; i++) {
            byte[] answer = simulator.transmitCommand(command);
            if (answer[answer.length - 2] != (byte) 0x90) {
                throw new IllegalStateException("the applet answered an error");
            }
        }
        return count * 1e9 / (THREADS.getCurrentThreadCpuTime() - start);
    }
}
