// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.OwnerPIN;
import javacard.framework.Shareable;
import javacard.framework.Util;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.RSAPublicKey;
import javacard.security.RandomData;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/** An applet with one instruction for each thing the simulator must get right. */
public class Probe extends Applet implements ProbeService {

    private static short staticCounter;
    private static final byte[] STATIC_BYTES = new byte[2];
    private static Object keptByAll;

    private final byte[] store = new byte[4];
    private final byte[] onDeselect = JCSystem.makeTransientByteArray((short) 2, JCSystem.CLEAR_ON_DESELECT);
    private final byte[] onReset = JCSystem.makeTransientByteArray((short) 2, JCSystem.CLEAR_ON_RESET);
    private final byte[] work = JCSystem.makeTransientByteArray((short) 300, JCSystem.CLEAR_ON_DESELECT);
    private final RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
    private final KeyPair pair = new KeyPair(KeyPair.ALG_RSA_CRT, KeyBuilder.LENGTH_RSA_1024);
    private final Cipher rawRsa = Cipher.getInstance(Cipher.ALG_RSA_NOPAD, false);
    private final OwnerPIN pin = new OwnerPIN((byte) 3, (byte) 4);
    private short number;
    private Object kept;

    private Probe() {
        pin.update(new byte[] {1, 2, 3, 4}, (short) 0, (byte) 4);
    }

    public static void install(byte[] parameters, short offset, byte length) {
        byte aidLength = parameters[offset];
        short privileges = (short) (offset + 1 + aidLength);
        short data = (short) (privileges + 1 + parameters[privileges]);
        if (parameters[data] > 0 && parameters[(short) (data + 1)] == (byte) 0xEE) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        if (parameters[data] > 0 && parameters[(short) (data + 1)] == (byte) 0xEF) {
            Signature.getInstance((byte) 0x7F, false);
        }
        if (parameters[data] > 0 && parameters[(short) (data + 1)] == (byte) 0xED) {
            JCSystem.beginTransaction();
        }
        // A card hands over its whole buffer: what is behind the data can be read.
        if (parameters[(short) (offset + (length & 0xFF))] != 0) {
            ISOException.throwIt(ISO7816.SW_UNKNOWN);
        }
        new Probe().register(parameters, (short) (offset + 1), aidLength);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        // 01 is what a security domain asks for another interface with
        return parameter == 0x55 || parameter == 0x01 ? this : null;
    }

    @Override
    public short whoCalls(byte[] out, short offset) {
        AID server = JCSystem.getAID();
        AID client = JCSystem.getPreviousContextAID();
        short end = (short) (offset + server.getBytes(out, offset));
        return (short) (end + client.getBytes(out, end));
    }

    @Override
    public void fail() {
        ISOException.throwIt((short) 0x6A99);
    }

    @Override
    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            return;
        }
        short length = buffer[ISO7816.OFFSET_LC] == 0 ? 0 : apdu.setIncomingAndReceive();
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x01:
                write(buffer);
                break;
            case 0x02:
                Util.arrayCopyNonAtomic(store, (short) 0, buffer, (short) 0, (short) 4);
                Util.setShort(buffer, (short) 4, number);
                Util.setShort(buffer, (short) 6, staticCounter);
                Util.arrayCopyNonAtomic(onDeselect, (short) 0, buffer, (short) 8, (short) 2);
                Util.arrayCopyNonAtomic(onReset, (short) 0, buffer, (short) 10, (short) 2);
                Util.arrayCopyNonAtomic(STATIC_BYTES, (short) 0, buffer, (short) 12, (short) 2);
                apdu.setOutgoingAndSend((short) 0, (short) 14);
                break;
            case 0x03:
                onDeselect[0] = buffer[ISO7816.OFFSET_P1];
                onReset[0] = buffer[ISO7816.OFFSET_P1];
                break;
            case 0x04:
                random.generateData(buffer, (short) 0, (short) 16);
                apdu.setOutgoingAndSend((short) 0, (short) 16);
                break;
            case 0x05:
                generate(apdu, buffer);
                break;
            case 0x06:
                apdu.setOutgoingAndSend((short) 0, rsa(buffer, length));
                break;
            case 0x07:
                share(apdu, buffer, length);
                break;
            case 0x08:
                uncaught(buffer[ISO7816.OFFSET_P1]);
                break;
            case 0x09:
                kept = new byte[1];
                break;
            case 0x0A:
                boolean right = pin.check(buffer, ISO7816.OFFSET_CDATA, (byte) length);
                buffer[0] = (byte) (right ? 1 : 0);
                buffer[1] = pin.getTriesRemaining();
                apdu.setOutgoingAndSend((short) 0, (short) 2);
                break;
            case 0x0B:
                apdu.setOutgoingAndSend(ISO7816.OFFSET_CDATA, length);
                break;
            case 0x0C:
                atomicity(buffer[ISO7816.OFFSET_P1]);
                break;
            case 0x0D:
                while (buffer[ISO7816.OFFSET_INS] == 0x0D) {
                    number++;
                }
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    /** P1: 00 plain, 01 committed, 02 aborted, 03 exception inside a transaction, 04 left open. P2: the value. */
    private void write(byte[] buffer) {
        byte mode = buffer[ISO7816.OFFSET_P1];
        byte value = buffer[ISO7816.OFFSET_P2];
        if (mode != 0) {
            JCSystem.beginTransaction();
        }
        store[0] = value;
        store[1] = value;
        number = value;
        Util.arrayFillNonAtomic(work, (short) 0, (short) 2, value);
        Util.arrayCopy(work, (short) 0, store, (short) 2, (short) 2);
        staticCounter = value;
        STATIC_BYTES[0] = value;
        if (mode == 1) {
            JCSystem.commitTransaction();
        } else if (mode == 2) {
            JCSystem.abortTransaction();
        } else if (mode == 3) {
            ISOException.throwIt((short) 0x6A81);
        }
    }

    /** A PIN's try counter and a non-atomic fill stand outside the transaction that is aborted. */
    private void atomicity(byte value) {
        JCSystem.beginTransaction();
        pin.check(work, (short) 0, (byte) 4);
        store[0] = value;
        Util.arrayFillNonAtomic(store, (short) 1, (short) 1, value);
        JCSystem.abortTransaction();
    }

    /** P1: 00 new pair, 01 new pair in an aborted transaction, 02 the pair there is. Answers the modulus. */
    private void generate(APDU apdu, byte[] buffer) {
        byte mode = buffer[ISO7816.OFFSET_P1];
        if (mode == 0) {
            pair.genKeyPair();
        } else if (mode == 1) {
            JCSystem.beginTransaction();
            pair.genKeyPair();
            JCSystem.abortTransaction();
        }
        short length = ((RSAPublicKey) pair.getPublic()).getModulus(buffer, (short) 0);
        apdu.setOutgoingAndSend((short) 0, length);
    }

    /** Raw RSA of the data, P1 01 with the private key, P2 the cipher's mode; answers the block. */
    private short rsa(byte[] buffer, short length) {
        rawRsa.init(buffer[ISO7816.OFFSET_P1] == 1 ? pair.getPrivate() : pair.getPublic(), buffer[ISO7816.OFFSET_P2]);
        Util.arrayCopyNonAtomic(buffer, ISO7816.OFFSET_CDATA, work, (short) 0, length);
        Util.arrayFillNonAtomic(buffer, (short) 0, (short) 200, (byte) 0x77);
        return rawRsa.doFinal(work, (short) 0, length, buffer, (short) 0);
    }

    /** Data: AID of another instance. P1 00: its answer to whoCalls, then the own AID after the call; 01: fail. */
    private void share(APDU apdu, byte[] buffer, short length) {
        AID server = JCSystem.lookupAID(buffer, ISO7816.OFFSET_CDATA, (byte) length);
        ProbeService service = (ProbeService) JCSystem.getAppletShareableInterfaceObject(server, (byte) 0x55);
        switch (buffer[ISO7816.OFFSET_P1]) {
            case 1:
                service.fail();
                break;
            case 2:
                kept = service;
                break;
            case 3:
                keptByAll = service;
                break;
            case 4:
                keptByAll = null;
                break;
            default:
                // it is only called
        }
        short end = service.whoCalls(buffer, (short) 0);
        end += JCSystem.getAID().getBytes(buffer, end);
        apdu.setOutgoingAndSend((short) 0, end);
    }

    private void uncaught(byte kind) {
        if (kind == 0) {
            throw new NullPointerException();
        }
        if (kind == 1) {
            store[4] = 0;
        }
        uncaught(kind);
    }
}
