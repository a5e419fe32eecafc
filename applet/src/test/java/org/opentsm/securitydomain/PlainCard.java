// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISOException;
import javacard.framework.Shareable;

/** A card of plain jCardSim with a registry just large enough for the applets' unit tests. */
public final class PlainCard {

    static final String ISD = "A000000151000000";
    static final String CASD = "A00000015153504341534400";
    static final String OPEN = "F06F70656E74736D00";
    static final String LOAD_FILE = "F06F70656E74736D01";
    private static PlainCard installing;

    final Simulator simulator = new Simulator(new SimulatorRuntime());
    final Map<String, byte[]> states = new LinkedHashMap<>();
    /** Load file of an instance; this package's where none is named. */
    final Map<String, String> loadFiles = new LinkedHashMap<>();

    byte cardState = 0x01;
    String casd;

    public PlainCard() {
        synchronized (PlainCard.class) {
            installing = this;
            simulator.installApplet(aid(OPEN), FakeOpen.class);
        }
    }

    static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().withUpperCase().formatHex(bytes);
    }

    private static AID aid(String hex) {
        return new AID(bytes(hex), (short) 0, (byte) bytes(hex).length);
    }

    /** Installs an applet with {@code L AID, L privileges, L C9 contents}. */
    public void install(String aid, Class<? extends Applet> type, String privileges, String parameters) {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (String field : new String[] {aid, privileges, parameters}) {
            data.write(bytes(field).length);
            data.writeBytes(bytes(field));
        }
        simulator.installApplet(aid(aid), type, data.toByteArray(), (short) 0, (byte) data.size());
        states.put(aid, new byte[] {0x07});
    }

    /** Exchanges one APDU; fetches the rest of a long answer. */
    public String exchange(String command) {
        byte[] answer = simulator.transmitCommand(bytes(command));
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (answer[answer.length - 2] == 0x61) {
            all.write(answer, 0, answer.length - 2);
            answer = simulator.transmitCommand(bytes("00C0000000"));
        }
        all.writeBytes(answer);
        return hex(all.toByteArray());
    }

    public byte[] raw(byte[] command) {
        return simulator.transmitCommand(command);
    }

    public void reset() {
        simulator.reset();
    }

    /** The OPEN of this card. */
    public static final class FakeOpen extends Applet implements Open {
        private final PlainCard card = installing;

        public static void install(byte[] buffer, short offset, byte length) {
            new FakeOpen().register();
        }

        @Override
        public Shareable getShareableInterfaceObject(AID client, byte parameter) {
            return this;
        }

        @Override
        public void process(APDU apdu) {
            ISOException.throwIt((short) 0x6D00);
        }

        private static String name(AID aid) {
            byte[] buffer = new byte[16];
            short length = aid.getBytes(buffer, (short) 0);
            return hex(Arrays.copyOf(buffer, length));
        }

        @Override
        public byte cardState() {
            return card.cardState;
        }

        @Override
        public void setCardState(byte state) {
            card.cardState = state;
        }

        @Override
        public byte applicationState(AID application) {
            byte[] state = card.states.get(name(application));
            if (state == null) {
                ISOException.throwIt((short) 0x6A88);
            }
            return state[0];
        }

        @Override
        public void setApplicationState(AID application, byte state) {
            card.states.get(name(application))[0] = state;
        }

        @Override
        public boolean isParent(AID parent, AID child) {
            return name(parent).equals(ISD);
        }

        @Override
        public AID controllingAuthority() {
            return card.casd == null ? null : aid(card.casd);
        }

        @Override
        public void install(AID parent, boolean selectable, byte[] buffer, short offset, short length) {
            int at = offset;
            byte[][] fields = new byte[5][];
            for (int i = 0; i < 5; i++) {
                int size = buffer[at] & 0xFF;
                fields[i] = Arrays.copyOfRange(buffer, at + 1, at + 1 + size);
                at += 1 + size;
            }
            if (card.states.containsKey(hex(fields[2]))) {
                ISOException.throwIt((short) 0x6985);
            }
            byte[] parameters = Arrays.copyOfRange(fields[4], 2, fields[4].length);
            card.install(hex(fields[2]), SupplementarySecurityDomain.class, hex(fields[3]), hex(parameters));
        }

        @Override
        public boolean personalize(AID application, byte[] buffer, short offset, short length) {
            ISOException.throwIt((short) 0x6A88);
            return false;
        }

        @Override
        public void delete(AID by, boolean related, byte[] buffer, short offset, short length) {
            String name = hex(Arrays.copyOfRange(buffer, offset, offset + length));
            if (card.states.remove(name) == null) {
                ISOException.throwIt((short) 0x6A88);
            }
            card.simulator.deleteApplet(aid(name));
        }

        @Override
        public short manage(
                byte ins,
                byte p1,
                byte p2,
                byte[] buffer,
                short offset,
                short length,
                byte[] response,
                short responseOffset,
                short room) {
            throw new IllegalStateException("not asked here");
        }

        @Override
        public short status(byte subset, short cursor, byte[] buffer, short offset, short length, short out) {
            String prefix = hex(Arrays.copyOfRange(buffer, offset, offset + length));
            int index = 0;
            for (Map.Entry<String, byte[]> entry : card.states.entrySet()) {
                boolean issuer = entry.getKey().equals(ISD);
                boolean wanted = entry.getKey().startsWith(prefix) && issuer == (subset == (byte) 0x80);
                if (wanted && index >= cursor) {
                    byte[] aid = bytes(entry.getKey());
                    String file = card.loadFiles.getOrDefault(entry.getKey(), LOAD_FILE);
                    String body = String.format(
                            "4F%02X%s9F7001%02XC503808000C4%02X%s",
                            aid.length,
                            entry.getKey(),
                            issuer ? card.cardState : entry.getValue()[0],
                            file.length() / 2,
                            file);
                    byte[] object = bytes(String.format("E3%02X%s", body.length() / 2, body));
                    System.arraycopy(object, 0, buffer, out, object.length);
                    return (short) (index + 1);
                }
                index++;
            }
            return 0;
        }
    }
}
