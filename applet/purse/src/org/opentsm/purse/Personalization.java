// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.OwnerPIN;
import javacard.framework.Util;

/**
 * What the security domain hands on: STORE DATA with BER-TLV objects, each length one byte. The last block closes
 * personalisation for good; a break before it leaves the purse without effect, and it is begun again.
 */
final class Personalization {

    private final Accounts accounts;
    private final Keys keys;
    private final OwnerPIN pin;
    private final CappFile capp;
    private final byte[] serial = new byte[Spec.SERIAL];
    private final byte[] publicData = new byte[Spec.PUBLIC_MAX];
    private short publicLength;
    private boolean hasSerial;
    private boolean hasMaxima;
    private boolean hasPin;
    private boolean done;

    Personalization(Accounts accounts, Keys keys, OwnerPIN pin, CappFile capp) {
        this.capp = capp;
        this.accounts = accounts;
        this.keys = keys;
        this.pin = pin;
    }

    boolean isDone() {
        return done;
    }

    boolean hasPin() {
        return hasPin;
    }

    /** One command {@code 80 E2 P1 P2 Lc data}. 6985 once done, 6A80 malformed, 6A86 another form. */
    void process(byte[] buffer, short offset, short length) {
        if (done) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        if (length < 5 || buffer[(short) (offset + 1)] != Spec.INS_STORE_DATA) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
        byte p1 = buffer[(short) (offset + 2)];
        if ((byte) (p1 & Spec.P1_STORE_FORM) != Spec.P1_STORE_BER_TLV) {
            ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
        short data = (short) (offset + 5);
        // not by Lc, which counts the MAC too on some cards
        short end = (short) (offset + length);
        check(buffer, data, end);
        store(buffer, data, end);
        if ((p1 & Spec.P1_STORE_LAST) != 0) {
            boolean enough =
                    hasSerial && hasMaxima && keys.has(Spec.KEY_LOAD, (byte) 1) && keys.has(Spec.KEY_TAC, (byte) 1);
            if (!enough) {
                ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
            }
            done = true;
        }
    }

    private static void require(boolean held) {
        if (!held) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
    }

    /** Every object before the first is stored. Zeros at the end fill the last block of a cipher. */
    private static void check(byte[] buffer, short at, short end) {
        while (at < end && buffer[at] != 0) {
            require((short) (end - at) >= 2);
            short length = buffer[(short) (at + 1)];
            require(length > 0 && length <= (short) (end - at - 2));
            switch (buffer[at]) {
                case Spec.TAG_SERIAL:
                    require(length == Spec.SERIAL);
                    break;
                case Spec.TAG_LIMITS:
                    require(length == 2 * Spec.AMOUNT);
                    break;
                case Spec.TAG_PIN:
                    require(length >= Spec.PIN_MIN && length <= Spec.PIN_MAX);
                    break;
                case Spec.TAG_KEY:
                    require(length == (short) (3 + Spec.KEY));
                    break;
                case Spec.TAG_PUBLIC:
                    require(length <= Spec.PUBLIC_MAX);
                    break;
                case Spec.TAG_CAPP:
                    require(length <= CappFile.RECORD_MAX);
                    break;
                default:
                    require(false);
            }
            at += (short) (2 + length);
        }
        for (; at < end; at++) {
            require(buffer[at] == 0);
        }
    }

    private void store(byte[] buffer, short at, short end) {
        while (at < end && buffer[at] != 0) {
            short length = buffer[(short) (at + 1)];
            short value = (short) (at + 2);
            switch (buffer[at]) {
                case Spec.TAG_SERIAL:
                    Util.arrayCopy(buffer, value, serial, (short) 0, Spec.SERIAL);
                    hasSerial = true;
                    break;
                case Spec.TAG_LIMITS:
                    accounts.setMaxima(buffer, value);
                    hasMaxima = true;
                    break;
                case Spec.TAG_PIN:
                    pin.update(buffer, value, (byte) length);
                    hasPin = true;
                    break;
                case Spec.TAG_PUBLIC:
                    Util.arrayCopy(buffer, value, publicData, (short) 0, length);
                    publicLength = length;
                    break;
                case Spec.TAG_CAPP:
                    require(capp.add(buffer, value, length));
                    break;
                default:
                    require(keys.put(
                            buffer[value], buffer[(short) (value + 1)], buffer[(short) (value + 2)], buffer, (short)
                                    (value + 3)));
            }
            at = (short) (value + length);
        }
    }

    /**
     * Writes {@code 5A 08 serial, C4 L public data}, nothing before personalisation is done; returns the offset behind.
     */
    short putPublic(byte[] out, short offset) {
        if (!done) {
            return offset;
        }
        out[offset] = Spec.TAG_SERIAL;
        out[(short) (offset + 1)] = (byte) Spec.SERIAL;
        short end = Util.arrayCopyNonAtomic(serial, (short) 0, out, (short) (offset + 2), Spec.SERIAL);
        if (publicLength != 0) {
            out[end] = Spec.TAG_PUBLIC;
            out[(short) (end + 1)] = (byte) publicLength;
            end = Util.arrayCopyNonAtomic(publicData, (short) 0, out, (short) (end + 2), publicLength);
        }
        return end;
    }
}
