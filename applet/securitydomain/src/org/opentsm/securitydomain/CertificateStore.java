// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/**
 * CERT.SD.AUT. Two slots: a new certificate is written to the spare one and becomes valid with one
 * byte, so a cut leaves the old or the new, never a mixture.
 */
final class CertificateStore {

    private static final short IDENTITY_LENGTH = (short) 8;
    private static final byte NONE = (byte) 0;
    private static final byte FIRST = (byte) 1;
    private static final byte SECOND = (byte) 2;

    private final byte[] first = new byte[Gp.CERTIFICATE_MAX];
    private final byte[] second = new byte[Gp.CERTIFICATE_MAX];
    private byte current;
    private short firstLength;
    private short secondLength;

    boolean present() {
        return current != NONE;
    }

    void clear() {
        current = NONE;
    }

    /** Persistent room of CERTIFICATE_MAX bytes that nothing is read from until the next {@link #prepare}. */
    byte[] spare() {
        return current == FIRST ? second : first;
    }

    private byte[] slot() {
        if (current == NONE) {
            Refuse.notFound();
        }
        return current == FIRST ? first : second;
    }

    private short length() {
        return current == FIRST ? firstLength : secondLength;
    }

    /** Writes the whole object {@code 7F21 L ...}; 6A88 when there is none. Returns its length. */
    short value(byte[] out, short offset) {
        return (short) (Util.arrayCopyNonAtomic(slot(), (short) 0, out, offset, length()) - offset);
    }

    /**
     * Checks the object {@code 7F21 L ...}, whose key must be the pair's current one, and writes it to the
     * spare slot. It counts after {@link #adopt}. 6A80 out of form, too long or for another key.
     */
    void prepare(byte[] buffer, short offset, short end, KeyPairs pairs) {
        short length = (short) (end - offset);
        short body = Tlv.expect(buffer, offset, end, Gp.TAG_CERTIFICATE);
        short key = Tlv.find(buffer, body, end, Gp.TAG_PUBLIC_KEY);
        if (length > Gp.CERTIFICATE_MAX
                || Tlv.next(buffer, offset, end) != end
                || key == Tlv.NONE
                || !pairs.present()) {
            Refuse.data();
        }
        byte[] spare = spare();
        short keyEnd = Tlv.next(buffer, key, end);
        short modulus = Tlv.value(buffer, key, end);
        short value = Tlv.expect(buffer, modulus, keyEnd, Gp.TAG_MODULUS);
        short exponent = Tlv.next(buffer, modulus, keyEnd);
        short exponentValue = Tlv.expect(buffer, exponent, keyEnd, Gp.TAG_EXPONENT);
        // the spare slot is room to compare in: RAM has none left
        short own = pairs.modulus(spare, (short) 0);
        if (Tlv.length(buffer, modulus, keyEnd) != own
                || Util.arrayCompare(buffer, value, spare, (short) 0, own) != 0
                || !PublicKeys.isExponent(buffer, exponentValue, Tlv.length(buffer, exponent, keyEnd))) {
            Refuse.data();
        }
        Util.arrayCopyNonAtomic(buffer, offset, spare, (short) 0, length);
        if (current == FIRST) {
            secondLength = length;
        } else {
            firstLength = length;
        }
    }

    /** Makes the prepared certificate the current one; inside the caller's transaction. */
    void adopt() {
        current = current == FIRST ? SECOND : FIRST;
    }

    /** Offset of a data object inside the certificate, or NONE: also when there is no certificate. */
    private short field(short tag) {
        if (!present()) {
            return Tlv.NONE;
        }
        short end = length();
        return Tlv.find(slot(), Tlv.value(slot(), (short) 0, end), end, tag);
    }

    /** Writes {@code 93 L serial}; 6985 without a certificate that has one. Returns the length written. */
    short serial(byte[] out, short offset) {
        short field = field(Gp.TAG_SERIAL);
        if (field == Tlv.NONE || Tlv.length(slot(), field, length()) > Gp.SERIAL_MAX) {
            Refuse.conditions();
        }
        short value = Tlv.value(slot(), field, length());
        short size = Tlv.length(slot(), field, length());
        return (short) (Tlv.put(out, offset, Gp.TAG_SERIAL, slot(), value, size) - offset);
    }

    /** Last eight bytes of the certificate's holder reference, zero when there is none (scp10.md 4.1). */
    void identity(byte[] out, short offset) {
        Bytes.wipe(out, offset, IDENTITY_LENGTH);
        short holder = field(Gp.TAG_HOLDER);
        if (holder == Tlv.NONE) {
            return;
        }
        short length = Tlv.length(slot(), holder, length());
        short used = length > IDENTITY_LENGTH ? IDENTITY_LENGTH : length;
        short from = (short) (Tlv.next(slot(), holder, length()) - used);
        Util.arrayCopyNonAtomic(slot(), from, out, (short) (offset + IDENTITY_LENGTH - used), used);
    }
}
