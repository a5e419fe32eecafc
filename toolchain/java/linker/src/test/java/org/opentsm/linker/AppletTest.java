// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import java.util.HexFormat;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.Applet;
import org.junit.jupiter.api.Test;

/** Applets on jCardSim: the class file and the linked CAP answer alike. */
class AppletTest {
    private static final String PACKAGE = "F000000007";
    private static final String FIRST = "F00000000701";
    private static final String SECOND = "F00000000702";
    private static final String[] SOURCES = {
        """
        package a; import javacard.framework.*; import javacard.security.*; import javacardx.crypto.*;
        public class First extends Applet implements MultiSelectable, AppletEvent {
          private static short installed; static final byte[] GREETING = {0x48, 0x69};
          private final byte[] store = new byte[16]; private final byte[] scratch; private OwnerPIN pin; private MessageDigest digest; private Cipher cipher; private DESKey key; private boolean open; private Object last;
          protected First(byte[] p, short o, byte l) {
            scratch = JCSystem.makeTransientByteArray((short) 32, JCSystem.CLEAR_ON_DESELECT); pin = new OwnerPIN((byte) 3, (byte) 4); pin.update(new byte[] {1, 2, 3, 4}, (short) 0, (byte) 4);
            digest = MessageDigest.getInstance(MessageDigest.ALG_SHA, false); key = (DESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DES, KeyBuilder.LENGTH_DES, false);
            cipher = Cipher.getInstance(Cipher.ALG_DES_CBC_NOPAD, false); installed++; register();
          }
          public static void install(byte[] p, short o, byte l) { new First(p, o, l); }
          public boolean select() { open = true; return true; }
          public void deselect() { open = false; }
          public boolean select(boolean b) { return true; } public void deselect(boolean b) { } public void uninstall() { store[0] = 0; }
          public void process(APDU apdu) {
            if (selectingApplet()) { return; }
            byte[] b = apdu.getBuffer(); short length;
            switch (b[ISO7816.OFFSET_INS]) {
              case 0x01: Util.arrayCopyNonAtomic(GREETING, (short) 0, b, (short) 0, (short) 2); b[2] = (byte) installed; b[3] = (byte) (open ? 1 : 0); apdu.setOutgoingAndSend((short) 0, (short) 4); return;
              case 0x02: length = apdu.setIncomingAndReceive(); Util.arrayCopy(b, ISO7816.OFFSET_CDATA, store, (short) 0, length > 16 ? (short) 16 : length); return;
              case 0x03: apdu.setOutgoing(); apdu.setOutgoingLength((short) 16); apdu.sendBytesLong(store, (short) 0, (short) 16); return;
              case 0x04: length = apdu.setIncomingAndReceive(); length = digest.doFinal(b, ISO7816.OFFSET_CDATA, length, b, (short) 0); apdu.setOutgoingAndSend((short) 0, length); return;
              case 0x05: length = apdu.setIncomingAndReceive(); key.setKey(store, (short) 0); cipher.init(key, Cipher.MODE_ENCRYPT); length = cipher.doFinal(b, ISO7816.OFFSET_CDATA, length, scratch, (short) 0); Util.arrayCopyNonAtomic(scratch, (short) 0, b, (short) 0, length); apdu.setOutgoingAndSend((short) 0, length); return;
              case 0x06: length = apdu.setIncomingAndReceive(); if (!pin.check(b, ISO7816.OFFSET_CDATA, (byte) length)) ISOException.throwIt((short) (0x63C0 | pin.getTriesRemaining())); return;
              case 0x07: ISOException.throwIt(Util.getShort(b, ISO7816.OFFSET_P1));
              case 0x08: try { MessageDigest.getInstance((byte) 99, false); } catch (CryptoException e) { ISOException.throwIt((short) (0x6F00 | e.getReason())); }
              case 0x09: store[b[ISO7816.OFFSET_P1]] = 1; return;
              case 0x0A: try { user(b[ISO7816.OFFSET_P1]); } catch (UserException e) { ISOException.throwIt((short) (0x6400 + e.getReason())); } return;
              case 0x0B: AID other = JCSystem.lookupAID(Second.NAME, (short) 0, (byte) Second.NAME.length); Counter c = (Counter) JCSystem.getAppletShareableInterfaceObject(other, (byte) 0); Util.setShort(b, (short) 0, c.next(b[ISO7816.OFFSET_P1])); apdu.setOutgoingAndSend((short) 0, (short) 2); return;
              case 0x0C: last = key; b[0] = (byte) ((last instanceof DESKey ? 1 : 0) + (last instanceof Key ? 2 : 0) + (last instanceof AESKey ? 4 : 0) + (last.equals(key) ? 8 : 0)); b[1] = key.getType(); apdu.setOutgoingAndSend((short) 0, (short) 2); return;
              default: ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
            }
          }
          private void user(byte p) throws UserException { if (p == 1) { throw new UserException((short) 5); } if (p == 2) UserException.throwIt((short) 7); }
        }""",
        """
        package a; import javacard.framework.*; public class Second extends Applet implements Counter {
          static final byte[] NAME = {(byte) 0xF0, 0, 0, 0, 7, 2}; private short count = 40;
          public static void install(byte[] p, short o, byte l) { new Second().register(p, (short) (o + 1), p[o]); }
          public Shareable getShareableInterfaceObject(AID client, byte p) { return p == 0 ? this : null; }
          public short next(short by) { count += by; return count; }
          public void process(APDU apdu) { if (selectingApplet()) return; apdu.setOutgoing(); apdu.setOutgoingLength((short) 2); Util.setShort(apdu.getBuffer(), (short) 0, count); apdu.sendBytes((short) 0, (short) 2); }
        }""",
        "package a; public interface Counter extends javacard.framework.Shareable { short next(short by); }"
    };
    private static final String[] COMMANDS = {
        "8001000000",
        "8002000008" + "0102030405060708",
        "8003000010",
        "8004000003" + "616263",
        "8005000008" + "1122334455667788",
        "8006000004" + "01020304",
        "8006000004" + "01020305",
        "80076A8200",
        "8008000000",
        "8009630000",
        "8009020000",
        "8003000010",
        "800A000000",
        "800A010000",
        "800A020000",
        "800B030000",
        "800BFF0000",
        "800C000000",
        "80FF000000",
        "00A4040006" + SECOND,
        "8001000000",
        "00A4040006" + FIRST,
        "8001000000",
        "80030000"
    };

    private static final class CardUnderTest {
        private final Simulator simulator = new Simulator(new SimulatorRuntime());

        void install(String aid, Class<?> applet) {
            byte[] bytes = HexFormat.of().parseHex(aid);
            byte[] parameters = new byte[bytes.length + 3];
            parameters[0] = (byte) bytes.length;
            System.arraycopy(bytes, 0, parameters, 1, bytes.length);
            simulator.installApplet(
                    new AID(bytes, (short) 0, (byte) bytes.length),
                    applet.asSubclass(Applet.class),
                    parameters,
                    (short) 0,
                    (byte) parameters.length);
        }

        String send(String command) {
            return HexFormat.of()
                    .withUpperCase()
                    .formatHex(simulator.transmitCommand(HexFormat.of().parseHex(command)));
        }
    }

    @Test
    void installedAppletsAnswerAlike() {
        answersAlike(new Workshop(true));
    }

    @Test
    void appletsWithoutDescriptorAnswerAlike() {
        answersAlike(new Workshop(false));
    }

    private static void answersAlike(Workshop shop) {
        LinkedPackage made = shop.add("a", PACKAGE, false, Map.of(FIRST, "a.First", SECOND, "a.Second"), SOURCES);
        CardUnderTest before = new CardUnderTest();
        before.install(FIRST, shop.originalClass("a.First"));
        before.install(SECOND, shop.originalClass("a.Second"));
        CardUnderTest after = new CardUnderTest();
        after.install(FIRST, shop.byLinkedName(made.applets().get(FIRST)));
        after.install(SECOND, shop.byLinkedName(made.applets().get(SECOND)));
        assertEquals("9000", after.send("00A4040006" + FIRST));
        before.send("00A4040006" + FIRST);
        StringBuilder answers = new StringBuilder();
        for (String command : COMMANDS) {
            String answer = after.send(command);
            assertEquals(before.send(command), answer, command);
            answers.append(answer).append(' ');
        }
        String text = answers.toString();
        assertTrue(
                text.startsWith(
                        "486901019000 9000 010203040506070800000000000000009000 A9993E364706816ABA3E25717850C26C9CD0D89D9000 "),
                text);
        for (String seen :
                new String[] {" 6A82 ", " 63C2 ", " 6F03 ", " 6405 ", " 6407 ", " 6D00 ", " 002B9000 ", " 002A9000 "}) {
            assertTrue(text.contains(seen), seen + "in " + text);
        }
    }

    /** UserException() is in the API, but not in jCardSim. */
    @Test
    void userExceptionWithoutReason() {
        Workshop shop = new Workshop();
        LinkedPackage made = shop.add(
                "a",
                PACKAGE,
                false,
                Map.of(FIRST, "a.Only"),
                """
            package a; import javacard.framework.*; public class Only extends Applet {
              public static void install(byte[] p, short o, byte l) { new Only().register(); }
              public void process(APDU apdu) { if (selectingApplet()) return; try { fail(); } catch (UserException e) { ISOException.throwIt((short) (0x6A00 + e.getReason())); } }
              private void fail() throws UserException { throw new UserException(); } }""");
        CardUnderTest card = new CardUnderTest();
        card.install(FIRST, shop.byLinkedName(made.applets().get(FIRST)));
        card.send("00A4040006" + FIRST);
        assertEquals("6A00", card.send("80010000"));
    }
}
