// SPDX-License-Identifier: Apache-2.0
package org.example.openpgp;

import javacard.framework.APDU;
import javacard.framework.APDUException;
import javacard.framework.Applet;
import javacard.framework.CardException;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.OwnerPIN;
import javacard.framework.PIN;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.RSAPrivateCrtKey;
import javacard.security.RSAPublicKey;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/** A key card in the manner of OpenPGP: two PINs, data objects, a signature key; long data in chained commands. */
public class OpenPgpApplet extends Applet implements Commands {
    private static final short CHAIN_SIZE = 640;
    private static final byte CHAIN_LENGTH = 0;
    private static final byte CHAIN_INS = 1;
    private static final byte OUT_OFFSET = 2;
    private static final byte OUT_LENGTH = 3;
    private static final short KEY_BITS = KeyBuilder.LENGTH_RSA_1024;
    private static final byte[] DEFAULT_USER = {'1', '2', '3', '4', '5', '6'};
    private static final byte[] DEFAULT_ADMIN = {'1', '2', '3', '4', '5', '6', '7', '8'};
    private static short installations;

    private final OwnerPIN user = new OwnerPIN((byte) 3, (byte) 32);
    private final OwnerPIN admin = new OwnerPIN((byte) 3, (byte) 32);
    private final DataObject[] objects = new DataObject[2];
    private final KeyPair pair;
    private final Cipher cipher;
    private final RandomData random;
    private final byte[] chain;
    private final short[] position;
    private short signatures;

    protected OpenPgpApplet() {
        user.update(DEFAULT_USER, (short) 0, (byte) DEFAULT_USER.length);
        admin.update(DEFAULT_ADMIN, (short) 0, (byte) DEFAULT_ADMIN.length);
        objects[0] = new DataObject(TAG_URL, (short) 255);
        objects[1] = new DataObject.OfUser(TAG_NAME, (short) 39);
        pair = new KeyPair(KeyPair.ALG_RSA_CRT, KEY_BITS);
        cipher = Cipher.getInstance(Cipher.ALG_RSA_PKCS1, false);
        random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
        chain = JCSystem.makeTransientByteArray(CHAIN_SIZE, JCSystem.CLEAR_ON_DESELECT);
        position = JCSystem.makeTransientShortArray((short) 4, JCSystem.CLEAR_ON_DESELECT);
        installations++;
    }

    public static void install(byte[] buffer, short offset, byte length) {
        new OpenPgpApplet().register(buffer, (short) (offset + 1), buffer[offset]);
    }

    public void deselect() {
        user.reset();
        admin.reset();
    }

    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        byte ins = buffer[ISO7816.OFFSET_INS];
        if (ins == INS_GET_RESPONSE) {
            sendNext(apdu);
            return;
        }
        if (!collect(apdu, buffer, ins)) {
            return;
        }
        try {
            execute(ins, Util.getShort(buffer, ISO7816.OFFSET_P1));
        } catch (CryptoException e) {
            ISOException.throwIt((short) (ISO7816.SW_UNKNOWN + e.getReason()));
        } catch (CardException e) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        } finally {
            position[CHAIN_LENGTH] = 0;
        }
        sendNext(apdu);
    }

    /** Appends the data of a command; true when it was the last of its chain. */
    private boolean collect(APDU apdu, byte[] buffer, byte ins) {
        boolean more = (buffer[ISO7816.OFFSET_CLA] & CLA_CHAINING) != 0;
        if (position[CHAIN_LENGTH] > 0 && position[CHAIN_INS] != (short) (ins & 0xFF)) {
            position[CHAIN_LENGTH] = 0;
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        position[CHAIN_INS] = (short) (ins & 0xFF);
        position[OUT_LENGTH] = 0;
        short received = hasData(ins) ? apdu.setIncomingAndReceive() : 0;
        while (received > 0) {
            if (received > (short) (CHAIN_SIZE - position[CHAIN_LENGTH])) {
                position[CHAIN_LENGTH] = 0;
                ISOException.throwIt(ISO7816.SW_FILE_FULL);
            }
            position[CHAIN_LENGTH] =
                    Util.arrayCopyNonAtomic(buffer, ISO7816.OFFSET_CDATA, chain, position[CHAIN_LENGTH], received);
            try {
                received = apdu.receiveBytes(ISO7816.OFFSET_CDATA);
            } catch (APDUException e) {
                if (e.getReason() != APDUException.ILLEGAL_USE) {
                    throw e;
                }
                received = 0;
            }
        }
        return !more;
    }

    private static boolean hasData(byte ins) {
        return ins != INS_GET_DATA && ins != INS_GET_CHALLENGE;
    }

    private void execute(byte ins, short p1p2) throws CardException {
        short length = position[CHAIN_LENGTH];
        switch (ins) {
            case INS_VERIFY:
                verify((p1p2 & 0x7F) == 3 ? admin : user, length);
                break;
            case INS_CHANGE_REFERENCE_DATA:
                change((p1p2 & 0x7F) == 3 ? admin : user, length);
                break;
            case INS_RESET_RETRY_COUNTER:
                need(admin);
                user.resetAndUnblock();
                break;
            case INS_PUT_DATA:
                putData(p1p2, length);
                break;
            case INS_GET_DATA:
                getData(p1p2);
                break;
            case INS_GENERATE:
                generate(p1p2 == (short) 0x8000);
                break;
            case INS_PERFORM_SECURITY_OPERATION:
                sign(p1p2, length);
                break;
            case INS_GET_CHALLENGE:
                random.generateData(chain, (short) 0, (short) 8);
                answer((short) 0, (short) 8);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    private void verify(OwnerPIN pin, short length) {
        if (length == 0) {
            if (!pin.isValidated()) {
                ISOException.throwIt((short) (SW_PIN_TRIES | pin.getTriesRemaining()));
            }
            return;
        }
        if (!pin.check(chain, (short) 0, (byte) length)) {
            ISOException.throwIt(
                    pin.getTriesRemaining() == 0
                            ? ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED
                            : (short) (SW_PIN_TRIES | pin.getTriesRemaining()));
        }
    }

    private void change(OwnerPIN pin, short length) {
        byte old = (byte) (pin == admin ? DEFAULT_ADMIN.length : DEFAULT_USER.length);
        if (length < (short) (old + 6)) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        verify(pin, old);
        pin.update(chain, old, (byte) (length - old));
    }

    private static void need(PIN pin) {
        if (!pin.isValidated()) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
    }

    private DataObject find(short tag) throws CardException {
        for (short i = 0; i < objects.length; i++) {
            DataObject object = objects[i];
            if (object != null && object.tag == tag) {
                return object;
            }
        }
        CardException.throwIt(tag);
        return null;
    }

    private void putData(short tag, short length) throws CardException {
        DataObject object = find(tag);
        if (!object.mayWrite(user.isValidated(), admin.isValidated())) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        object.write(chain, (short) 0, length);
    }

    private void getData(short tag) throws CardException {
        if (tag == TAG_STATUS) {
            chain[0] = (byte) (user.isValidated() ? 1 : 0);
            chain[1] = user.getTriesRemaining();
            chain[2] = admin.getTriesRemaining();
            Util.setShort(chain, (short) 3, signatures);
            answer((short) 0, (short) 5);
            return;
        }
        answer((short) 0, find(tag).read(chain, (short) 0));
    }

    private void generate(boolean create) {
        if (create) {
            need(admin);
            pair.genKeyPair();
            signatures = 0;
        }
        RSAPublicKey key = (RSAPublicKey) pair.getPublic();
        if (!key.isInitialized()) {
            ISOException.throwIt(ISO7816.SW_RECORD_NOT_FOUND);
        }
        short at = (short) 0;
        chain[at++] = 0x7F;
        chain[at++] = 0x49;
        chain[at++] = (byte) 0x82;
        short lengthAt = at;
        at += 2;
        chain[at++] = (byte) 0x81;
        chain[at++] = (byte) 0x82;
        short modulus = key.getModulus(chain, (short) (at + 2));
        at = (short) (Util.setShort(chain, at, modulus) + modulus);
        chain[at++] = (byte) 0x82;
        short exponent = key.getExponent(chain, (short) (at + 1));
        chain[at++] = (byte) exponent;
        at += exponent;
        Util.setShort(chain, lengthAt, (short) (at - lengthAt - 2));
        answer((short) 0, at);
    }

    private void sign(short p1p2, short length) {
        if (p1p2 != (short) 0x9E9A) {
            ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
        need(user);
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) pair.getPrivate();
        if (!key.isInitialized() || length > (short) ((short) (key.getSize() >> 3) - 11)) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        cipher.init(key, Cipher.MODE_ENCRYPT);
        short written = cipher.doFinal(chain, (short) 0, length, chain, (short) 0);
        signatures = signatures == (short) 0x7FFF ? signatures : (short) (signatures + 1);
        answer((short) 0, written);
    }

    private void answer(short offset, short length) {
        position[OUT_OFFSET] = offset;
        position[OUT_LENGTH] = length;
    }

    /** Sends up to 256 bytes and says how many are left. */
    private void sendNext(APDU apdu) {
        short left = position[OUT_LENGTH];
        if (left == 0) {
            return;
        }
        short now = apdu.setOutgoing();
        now = now > left ? left : now;
        apdu.setOutgoingLength(now);
        apdu.sendBytesLong(chain, position[OUT_OFFSET], now);
        position[OUT_OFFSET] += now;
        position[OUT_LENGTH] = left = (short) (left - now);
        if (left > 0) {
            ISOException.throwIt((short) (ISO7816.SW_BYTES_REMAINING_00 | (left > 255 ? 0 : left)));
        }
    }
}
