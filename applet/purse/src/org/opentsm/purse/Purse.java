// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.OwnerPIN;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.Application;

/**
 * A stored-value application: a deposit and a purse, loaded on line and spent off line. Its keys come through its
 * security domain and never from a command of its own.
 */
public class Purse extends Applet implements Application {

    /** OPEN, where it has an AID; elsewhere it asks without one. */
    private static final byte[] OPEN = {(byte) 0xF0, 'o', 'p', 'e', 'n', 't', 's', 'm', 0x00};

    private static final byte CLASS_MASK = (byte) 0xFC;
    private static final short LOAD_DATA = (short) 11;
    private static final short UPDATE_DATA = (short) 7;
    private static final short COMMIT_DATA = (short) 11;
    private static final short PURCHASE_DATA = (short) 15;
    private static final short LIMIT_DATA = (short) 14;

    private final OwnerPIN pin = new OwnerPIN(Spec.PIN_TRIES, Spec.PIN_MAX);
    private final Accounts accounts = new Accounts();
    private final CappFile capp = new CappFile();
    private final Personalization personalization;
    private final Dialogue dialogue;
    private final byte[] ownAid;

    private Purse(byte[] aid, short offset, short length, byte algorithm) {
        Cryptography cryptography = null;
        if (algorithm == Spec.AES) {
            cryptography = new Aes();
        } else if (algorithm == Spec.TRIPLE_DES) {
            cryptography = new TripleDes();
        } else {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        ownAid = new byte[length];
        Util.arrayCopyNonAtomic(aid, offset, ownAid, (short) 0, length);
        Keys keys = new Keys(cryptography);
        personalization = new Personalization(accounts, keys, pin, capp);
        dialogue = new Dialogue(accounts, keys, cryptography, capp);
    }

    /** Install data {@code L AID, L privileges, L parameters}; parameters {@code 80 01 algorithm}, AES when empty. */
    public static void install(byte[] bArray, short bOffset, byte bLength) {
        short end = (short) (bOffset + (short) (bLength & 0xFF));
        short aidLength = bArray[bOffset];
        short parameters = (short) (bOffset + 1 + aidLength);
        parameters += (short) (1 + bArray[parameters]);
        byte algorithm = Spec.AES;
        if (parameters < end && bArray[parameters] != 0) {
            if (bArray[parameters] != 3
                    || (short) (parameters + 4) > end
                    || bArray[(short) (parameters + 1)] != Spec.TAG_ALGORITHM
                    || bArray[(short) (parameters + 2)] != 1) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            algorithm = bArray[(short) (parameters + 3)];
        }
        new Purse(bArray, (short) (bOffset + 1), aidLength, algorithm)
                .register(bArray, (short) (bOffset + 1), (byte) aidLength);
    }

    /** Personalisation is for OPEN alone, which knows the security domain that asks it. */
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        boolean open = client == null || client.equals(OPEN, (short) 0, (byte) OPEN.length);
        return parameter == 0 && open ? this : null;
    }

    public void processData(byte[] baBuffer, short sOffset, short sLength) {
        personalization.process(baBuffer, sOffset, sLength);
    }

    public boolean select() {
        dialogue.end();
        return true;
    }

    public void deselect() {
        pin.reset();
        dialogue.end();
    }

    public void process(APDU apdu) throws ISOException {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            apdu.setOutgoingAndSend((short) 0, selectResponse(buffer));
            return;
        }
        byte ins = buffer[ISO7816.OFFSET_INS];
        boolean commits =
                ins == Spec.INS_CREDIT_FOR_LOAD || ins == Spec.INS_DEBIT || ins == Spec.INS_UPDATE_OVERDRAW_LIMIT;
        if (!commits && ins != Spec.INS_UPDATE_CAPP_CACHE) {
            dialogue.end();
        }
        if (!personalization.isDone()) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        requireClass(buffer, ins);
        short length = hasData(ins) ? apdu.setIncomingAndReceive() : (short) 0;
        short out;
        if (commits) {
            out = commit(buffer, ins, length);
        } else {
            out = execute(buffer, ins, length);
        }
        if (out > 0) {
            apdu.setOutgoingAndSend((short) 0, out);
        }
    }

    private static boolean hasData(byte ins) {
        return ins != Spec.INS_GET_BALANCE && ins != Spec.INS_READ_RECORD;
    }

    private static void requireClass(byte[] buffer, byte ins) {
        boolean iso = ins == Spec.INS_VERIFY || ins == Spec.INS_READ_RECORD;
        if ((byte) (buffer[ISO7816.OFFSET_CLA] & CLASS_MASK) != (iso ? (byte) 0x00 : (byte) 0x80)) {
            ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
        }
    }

    private static void requireLength(short length, short wanted) {
        if (length != wanted) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
    }

    private static void requireParameters(boolean held) {
        if (!held) {
            ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
    }

    private short execute(byte[] buffer, byte ins, short length) {
        byte p1 = buffer[ISO7816.OFFSET_P1];
        byte p2 = buffer[ISO7816.OFFSET_P2];
        switch (ins) {
            case Spec.INS_VERIFY:
                requireParameters(p1 == 0 && p2 == 0);
                verify(buffer, length);
                return (short) 0;
            case Spec.INS_INITIALIZE:
                return initialize(buffer, p1, p2, length);
            case Spec.INS_GET_BALANCE:
                requireParameters(p1 == 0 && (p2 == Spec.DEPOSIT || p2 == Spec.PURSE));
                return accounts.putBalance(p2, buffer, (short) 0);
            case Spec.INS_GET_TRANSACTION_PROOF:
                requireParameters(p1 == 0);
                requireLength(length, Spec.COUNTER);
                return accounts.putProof(p2, buffer, ISO7816.OFFSET_CDATA, buffer, (short) 0);
            case Spec.INS_UPDATE_CAPP_CACHE:
                updateCache(buffer, p1, p2, length);
                return (short) 0;
            case Spec.INS_READ_RECORD:
                if (p2 == Spec.P2_CAPP) {
                    return capp.put(p1, buffer, (short) 0);
                }
                requireParameters(p2 == Spec.P2_LOG);
                return accounts.putLogRow((short) (p1 & 0xFF), buffer, (short) 0);
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
                return (short) 0;
        }
    }

    /** A refusal ends the dialogue: what is debited next is debited with its record or not at all. */
    private void updateCache(byte[] buffer, byte tag, byte p2, short length) {
        try {
            if (p2 != Spec.P2_CAPP) {
                ISOException.throwIt(ISO7816.SW_FILE_NOT_FOUND);
            }
            dialogue.cacheRecord(tag, buffer, ISO7816.OFFSET_CDATA, length);
        } catch (ISOException refused) {
            dialogue.end();
            throw refused;
        }
    }

    private void verify(byte[] buffer, short length) {
        if (length < Spec.PIN_MIN || length > Spec.PIN_MAX) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        if (!personalization.hasPin()) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        if (pin.getTriesRemaining() == 0) {
            ISOException.throwIt(Spec.SW_PIN_BLOCKED);
        }
        if (!pin.check(buffer, ISO7816.OFFSET_CDATA, (byte) length)) {
            ISOException.throwIt((short) (Spec.SW_TRIES_LEFT | pin.getTriesRemaining()));
        }
    }

    /** A purse personalised without a PIN is loaded without one; spending the deposit always wants it. */
    private void requirePin(boolean evenWithout) {
        if ((evenWithout || personalization.hasPin()) && !pin.isValidated()) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
    }

    private short initialize(byte[] buffer, byte p1, byte p2, short length) {
        boolean both = p1 == Spec.P1_LOAD || p1 == Spec.P1_PURCHASE;
        boolean one = p1 == Spec.P1_UNLOAD || p1 == Spec.P1_UPDATE;
        boolean capps = p1 == Spec.P1_CAPP_PURCHASE;
        requireParameters(p2 == Spec.DEPOSIT ? both || one : (both || capps) && p2 == Spec.PURSE);
        requireLength(length, p1 == Spec.P1_UPDATE ? UPDATE_DATA : LOAD_DATA);
        byte type;
        switch (p1) {
            case Spec.P1_LOAD:
                type = p2 == Spec.DEPOSIT ? Spec.TYPE_LOAD_DEPOSIT : Spec.TYPE_LOAD_PURSE;
                break;
            case Spec.P1_CAPP_PURCHASE:
                type = Spec.TYPE_CAPP;
                break;
            case Spec.P1_PURCHASE:
                type = p2 == Spec.DEPOSIT ? Spec.TYPE_PURCHASE_DEPOSIT : Spec.TYPE_PURCHASE_PURSE;
                break;
            default:
                type = p1 == Spec.P1_UNLOAD ? Spec.TYPE_UNLOAD : Spec.TYPE_LIMIT;
        }
        if (type != Spec.TYPE_PURCHASE_PURSE && type != Spec.TYPE_CAPP) {
            requirePin(type == Spec.TYPE_PURCHASE_DEPOSIT);
        }
        return dialogue.initialize(type, p2, buffer, ISO7816.OFFSET_CDATA, (short) 0);
    }

    /** CREDIT, DEBIT, UPDATE: whatever is wrong with it, the dialogue ends. */
    private short commit(byte[] buffer, byte ins, short length) {
        byte p1 = buffer[ISO7816.OFFSET_P1];
        try {
            requireParameters(buffer[ISO7816.OFFSET_P2] == 0);
            if (ins == Spec.INS_DEBIT) {
                requireParameters(p1 == Spec.P1_DEBIT_PURCHASE || p1 == Spec.P1_DEBIT_UNLOAD);
                boolean purchase = p1 == Spec.P1_DEBIT_PURCHASE;
                requireLength(length, purchase ? PURCHASE_DATA : COMMIT_DATA);
                return purchase
                        ? dialogue.purchase(buffer, ISO7816.OFFSET_CDATA, (short) 0)
                        : dialogue.unload(buffer, ISO7816.OFFSET_CDATA, (short) 0);
            }
            requireParameters(p1 == 0);
            requireLength(length, ins == Spec.INS_CREDIT_FOR_LOAD ? COMMIT_DATA : LIMIT_DATA);
            return ins == Spec.INS_CREDIT_FOR_LOAD
                    ? dialogue.credit(buffer, ISO7816.OFFSET_CDATA, (short) 0)
                    : dialogue.updateLimit(buffer, ISO7816.OFFSET_CDATA, (short) 0);
        } finally {
            dialogue.end();
        }
    }

    /** {@code 6F { 84 AID, A5 { 5A serial, C4 public data } }}. */
    private short selectResponse(byte[] buffer) {
        short at = (short) 2;
        buffer[at++] = (byte) 0x84;
        buffer[at++] = (byte) ownAid.length;
        at = Util.arrayCopyNonAtomic(ownAid, (short) 0, buffer, at, (short) ownAid.length);
        buffer[at] = (byte) 0xA5;
        short end = personalization.putPublic(buffer, (short) (at + 2));
        buffer[(short) (at + 1)] = (byte) (end - at - 2);
        buffer[0] = (byte) 0x6F;
        buffer[1] = (byte) (end - 2);
        return end;
    }
}
