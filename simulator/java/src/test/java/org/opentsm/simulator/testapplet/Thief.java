// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import javacard.framework.Util;
import javacard.security.AESKey;

/**
 * Tries to touch what belongs to another context. P1 names the way; answers 00 when it worked, 01 for a
 * SecurityException, 02 for a SystemException.
 */
public class Thief extends Applet implements VaultCallback {

    private static byte[] kept;

    private final byte[] own = new byte[16];
    private final Object[] slots = new Object[2];
    private Object slot;
    private byte[] borrowed;
    private boolean stealing;

    private Thief(byte[] parameters, boolean keep) {
        if (keep) {
            slot = parameters;
        }
    }

    public static void install(byte[] parameters, short offset, byte length) {
        short data = (short) (offset + parameters[offset] + 1);
        data = (short) (data + parameters[data] + 1);
        new Thief(parameters, parameters[data] != 0).register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public byte lengthOfCaller() {
        own[0]++;
        if (stealing) {
            return borrowed[0];
        }
        return JCSystem.getPreviousContextAID().getBytes(own, (short) 0) > 0 ? own[1] : 0;
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        short length = apdu.setIncomingAndReceive();
        AID server = JCSystem.lookupAID(buffer, ISO7816.OFFSET_CDATA, (byte) length);
        VaultService vault = (VaultService) JCSystem.getAppletShareableInterfaceObject(server, (byte) 0);
        byte way = buffer[ISO7816.OFFSET_P1];
        byte result = 0;
        try {
            if (way < 0x10) {
                touch(way, vault);
            } else if (way < 0x20) {
                keep(way, apdu, buffer);
            } else if (way < 0x30) {
                lend(way, vault, buffer);
            } else {
                remember(way, vault);
            }
        } catch (SecurityException e) {
            result = 1;
        } catch (SystemException e) {
            result = 2;
        }
        buffer[0] = result;
        apdu.setOutgoingAndSend((short) 0, (short) 1);
    }

    /** What is remembered of an access must not reach another object, another context or a later time. */
    private void remember(byte way, VaultService vault) {
        byte[] foreign = vault.lend();
        switch (way) {
            case 0x30:
                // Refused once, it is not known as looked at.
                try {
                    own[0] = foreign[0];
                } catch (SecurityException e) {
                    own[1] = own[0];
                }
                own[0] = foreign[0];
                break;
            case 0x31:
                // The owner has just used it.
                vault.first(foreign);
                own[0] = foreign[0];
                break;
            case 0x32:
                // The owner has used it and did not come back by a return.
                try {
                    vault.fail();
                } catch (ISOException e) {
                    own[2] = own[0];
                }
                foreign[1] = own[2];
                break;
            case 0x33:
                // Code of an own object takes another one for itself.
                own[0] = new Vault.Box(own).pick(null);
                own[0] = new Vault.Box(own).pick(vault.box());
                break;
            case 0x34:
                vault.slots()[0] = own;
                break;
            case 0x35:
                own[3] = (byte) vault.slots().length;
                break;
            case 0x36:
                // Called back, with what was lent before.
                borrowed = foreign;
                stealing = true;
                try {
                    vault.call(this);
                } finally {
                    stealing = false;
                }
                break;
            case 0x37:
                // An own array by two names, one of them lent and given back.
                byte[] alias = own;
                alias[0] = 1;
                vault.lend();
                own[0] = alias[0];
                alias[1] = own[0];
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
    }

    private void touch(byte way, VaultService vault) {
        byte[] foreign = vault.lend();
        switch (way) {
            case 0x00:
                own[0] = foreign[0];
                break;
            case 0x01:
                foreign[0] = 9;
                break;
            case 0x02:
                own[0] = (byte) foreign.length;
                break;
            case 0x03:
                Util.arrayCopy(foreign, (short) 0, own, (short) 0, (short) 1);
                break;
            case 0x04:
                own[0] = Util.arrayCompare(own, (short) 0, foreign, (short) 0, (short) 1);
                break;
            case 0x05:
                AESKey key = vault.lendKey();
                own[0] = (byte) key.getSize();
                break;
            case 0x06:
                own[0] = ((Vault) vault).secret;
                break;
            case 0x07:
                own[0] = ((Vault.Box) vault.self()).first();
                break;
            case 0x08:
                own[0] = vault.self() instanceof Vault.Box ? (byte) 1 : 0;
                break;
            case 0x09:
                Util.arrayFillNonAtomic(foreign, (short) 0, (short) 1, (byte) 0);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
    }

    private void keep(byte way, APDU apdu, byte[] buffer) {
        switch (way) {
            case 0x10:
                slot = buffer;
                break;
            case 0x11:
                slot = apdu;
                break;
            case 0x12:
                slots[0] = buffer;
                break;
            case 0x13:
                kept = buffer;
                break;
            case 0x14:
                slot = own;
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
    }

    private void lend(byte way, VaultService vault, byte[] buffer) {
        switch (way) {
            case 0x20:
                vault.first(own);
                break;
            case 0x21:
                vault.first(buffer);
                break;
            case 0x22:
                vault.first(vault.lend());
                break;
            case 0x23:
                vault.ram();
                break;
            case 0x24:
                vault.makeRam();
                break;
            case 0x25:
                vault.call(this);
                break;
            case 0x26:
                borrowed = vault.lend();
                vault.first(borrowed);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
    }
}
