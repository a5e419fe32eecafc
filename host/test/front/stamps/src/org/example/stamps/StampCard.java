// SPDX-License-Identifier: Apache-2.0
package org.example.stamps;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacard.security.RandomData;
import javacard.security.Signature;
import org.globalplatform.Application;

/** A shop's stamps: given by a MAC of the shop over the card's challenge, proved by a MAC of the card. */
public final class StampCard extends Applet implements Application {

    /** OPEN, where it has an AID; elsewhere it asks without one. */
    private static final byte[] OPEN = {(byte) 0xF0, 'o', 'p', 'e', 'n', 't', 's', 'm', 0x00};

    private static final byte INS_CHALLENGE = (byte) 0x50;
    private static final byte INS_STAMP = (byte) 0x52;
    private static final byte INS_COUNT = (byte) 0x54;
    private static final byte P1_LAST = (byte) 0x80;
    private static final short DGI_KEY = (short) 0x8201;
    private static final short TAG_SERIAL = (short) 0x5A08;
    private static final short SERIAL = (short) 8;
    private static final short CHALLENGE = (short) 8;
    private static final short KEY = (short) 16;
    private static final short MAC = (short) 16;

    private final byte[] serial = new byte[SERIAL];
    // challenge, then whether there is one
    private final byte[] session = JCSystem.makeTransientByteArray((short) (CHALLENGE + 1), JCSystem.CLEAR_ON_DESELECT);
    private final byte[] work = JCSystem.makeTransientByteArray((short) 32, JCSystem.CLEAR_ON_DESELECT);
    private final AESKey key =
            (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
    private final Signature cmac = Signature.getInstance(Signature.ALG_AES_CMAC_128, false);
    private final RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
    private boolean done;
    private short count;

    private StampCard() {}

    public static void install(byte[] buffer, short offset, byte length) {
        new StampCard().register(buffer, (short) (offset + 1), buffer[offset]);
    }

    /** For OPEN alone, which hands on what the security domain gets. */
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        boolean open = client == null || client.equals(OPEN, (short) 0, (byte) OPEN.length);
        return parameter == 0 && open ? this : null;
    }

    /** One STORE DATA in clear: {@code 5A 08 serial} or the data grouping {@code 8201 10 key}; the last one closes. */
    public void processData(byte[] buffer, short offset, short length) {
        short data = (short) (offset + ISO7816.OFFSET_CDATA);
        if (done || length < (short) (ISO7816.OFFSET_CDATA + 2 + SERIAL)) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        switch (Util.getShort(buffer, data)) {
            case TAG_SERIAL:
                Util.arrayCopy(buffer, (short) (data + 2), serial, (short) 0, SERIAL);
                break;
            case DGI_KEY:
                if (length < (short) (ISO7816.OFFSET_CDATA + 3 + KEY) || buffer[(short) (data + 2)] != (byte) KEY) {
                    ISOException.throwIt(ISO7816.SW_WRONG_DATA);
                }
                key.setKey(buffer, (short) (data + 3));
                break;
            default:
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        if ((buffer[(short) (offset + ISO7816.OFFSET_P1)] & P1_LAST) != 0) {
            done = key.isInitialized();
        }
    }

    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            if (done) {
                Util.setShort(buffer, (short) 0, TAG_SERIAL);
                Util.arrayCopyNonAtomic(serial, (short) 0, buffer, (short) 2, SERIAL);
                apdu.setOutgoingAndSend((short) 0, (short) (2 + SERIAL));
            }
            return;
        }
        if (!done) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        switch (buffer[ISO7816.OFFSET_INS]) {
            case INS_CHALLENGE:
                random.generateData(session, (short) 0, CHALLENGE);
                session[CHALLENGE] = 1;
                Util.arrayCopyNonAtomic(session, (short) 0, buffer, (short) 0, CHALLENGE);
                apdu.setOutgoingAndSend((short) 0, CHALLENGE);
                break;
            case INS_STAMP:
                stamp(apdu, buffer);
                break;
            case INS_COUNT:
                apdu.setOutgoingAndSend((short) 0, Util.setShort(buffer, (short) 0, count));
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    /** {@code stamps(1) || MAC(16)} over challenge and stamps; the answer is {@code count(2) || MAC(16)}. */
    private void stamp(APDU apdu, byte[] buffer) {
        if (apdu.setIncomingAndReceive() != (short) (1 + MAC) || session[CHALLENGE] == 0) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        session[CHALLENGE] = 0;
        Util.arrayCopyNonAtomic(session, (short) 0, work, (short) 0, CHALLENGE);
        work[CHALLENGE] = buffer[ISO7816.OFFSET_CDATA];
        cmac.init(key, Signature.MODE_VERIFY);
        short mac = (short) (ISO7816.OFFSET_CDATA + 1);
        if (!cmac.verify(work, (short) 0, (short) (CHALLENGE + 1), buffer, mac, MAC)) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        count += (short) (work[CHALLENGE] & 0xFF);
        Util.setShort(work, CHALLENGE, count);
        cmac.init(key, Signature.MODE_SIGN);
        cmac.sign(work, (short) 0, (short) (CHALLENGE + 2), buffer, (short) 2);
        Util.setShort(buffer, (short) 0, count);
        apdu.setOutgoingAndSend((short) 0, (short) (2 + MAC));
    }
}
