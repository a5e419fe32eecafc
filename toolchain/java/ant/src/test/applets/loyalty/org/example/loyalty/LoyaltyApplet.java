// SPDX-License-Identifier: Apache-2.0
package org.example.loyalty;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.SystemException;
import javacard.framework.Util;
import org.example.counter.AbstractCounter;
import org.example.counter.Counter;
import org.example.counter.ResettableCounter;

/** Points of a shop, counted by a class of the library and shared with partner applets. */
public class LoyaltyApplet extends Applet {
    private static final byte INS_ADD = 0x10;
    private static final byte INS_VALUE = 0x12;
    private static final byte INS_RESET = 0x14;
    private static final byte INS_NAME = 0x16;
    private static final byte[] NAME = {'p', 'o', 'i', 'n', 't', 's'};

    private final ResettableCounter points = new Points();

    /** Keeps to the limit, and remembers how often it was hit. */
    private static final class Points extends AbstractCounter {
        private byte hits;

        Points() {
            super(NAME);
        }

        public short add(short amount) {
            short before = current;
            return super.add(amount) == before ? hits : current;
        }

        protected void overflow(byte reason) {
            hits += reason;
            current = Counter.MAX;
        }
    }

    public static void install(byte[] buffer, short offset, byte length) {
        new LoyaltyApplet().register();
    }

    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return parameter == 0 && client != null ? points : null;
    }

    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        short length = 2;
        switch (buffer[ISO7816.OFFSET_INS]) {
            case INS_ADD:
                apdu.setIncomingAndReceive();
                Util.setShort(buffer, (short) 0, points.add(Util.getShort(buffer, ISO7816.OFFSET_CDATA)));
                break;
            case INS_VALUE:
                Counter counter = points;
                Util.setShort(buffer, (short) 0, counter.value());
                break;
            case INS_RESET:
                points.reset();
                return;
            case INS_NAME:
                length = points.name(buffer, (short) 0);
                break;
            default:
                partner(buffer);
        }
        apdu.setOutgoingAndSend((short) 0, length);
    }

    /** Adds to the counter of another applet, whose AID is in the command. */
    private static void partner(byte[] buffer) {
        AID server = JCSystem.lookupAID(buffer, ISO7816.OFFSET_CDATA, buffer[ISO7816.OFFSET_LC]);
        Shareable object = server == null ? null : JCSystem.getAppletShareableInterfaceObject(server, (byte) 0);
        if (!(object instanceof Counter)) {
            ISOException.throwIt(ISO7816.SW_FUNC_NOT_SUPPORTED);
        }
        try {
            Util.setShort(buffer, (short) 0, ((Counter) object).add((short) 1));
        } catch (SystemException e) {
            ISOException.throwIt(Util.makeShort((byte) 0x69, (byte) e.getReason()));
        }
    }
}
