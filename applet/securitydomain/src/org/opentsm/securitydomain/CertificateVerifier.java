package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.Signature;

/**
 * PSO VERIFY CERTIFICATE: checks a certificate of our profile (applet/README.md section 3) with the
 * Current Public Key, which it then replaces (F.1.3.2).
 */
final class CertificateVerifier {

    // Roles of the current public key, KEY_ROLE in RAM
    static final byte ROLE_NONE = (byte) 0;
    /** The trust point, or a certification authority verified in this initiation. */
    static final byte ROLE_AUTHORITY = (byte) 1;
    static final byte ROLE_OFF_CARD_ENTITY = (byte) 2;

    private final Transients transients;
    private final byte[] ram;
    private final PublicKeys keys;
    private final Signature signature;

    CertificateVerifier(Transients transients, PublicKeys keys, Signature signature) {
        this.transients = transients;
        this.keys = keys;
        this.signature = signature;
        ram = transients.ram;
    }

    /** 6A80 out of form; 6300 when it does not verify. The caller drops every key then. */
    void verify(byte[] buffer, short offset, short end) {
        short body = Tlv.expect(buffer, offset, end, Gp.TAG_CERTIFICATE);
        if (Tlv.next(buffer, offset, end) != end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        short serial = Tlv.length(buffer, body, end);
        Tlv.expect(buffer, body, end, Gp.TAG_SERIAL);
        short issuer = Tlv.next(buffer, body, end);
        short issuerValue = fixed(buffer, issuer, end, Gp.TAG_CAR, Gp.HOLDER_LENGTH);
        short holder = Tlv.next(buffer, issuer, end);
        short holderValue = fixed(buffer, holder, end, Gp.TAG_HOLDER, Gp.HOLDER_LENGTH);
        short authorization = Tlv.next(buffer, holder, end);
        byte role = buffer[fixed(buffer, authorization, end, Gp.TAG_HOLDER_AUTHORIZATION, (short) 1)];
        short key = Tlv.next(buffer, authorization, end);
        short modulus = Tlv.expect(buffer, key, end, Gp.TAG_PUBLIC_KEY);
        short keyEnd = Tlv.next(buffer, key, end);
        short modulusValue = Tlv.expect(buffer, modulus, keyEnd, Gp.TAG_MODULUS);
        short modulusLength = Tlv.length(buffer, modulus, keyEnd);
        short exponent = Tlv.next(buffer, modulus, keyEnd);
        short exponentValue = Tlv.expect(buffer, exponent, keyEnd, Gp.TAG_EXPONENT);
        PublicKeys.check(buffer, modulusValue, modulusLength, exponentValue, Tlv.length(buffer, exponent, keyEnd));
        short signatureValue = Tlv.expect(buffer, keyEnd, end, Gp.TAG_SIGNATURE);
        if (serial < 1 || serial > 8 || Tlv.next(buffer, exponent, keyEnd) != keyEnd
                || Tlv.next(buffer, keyEnd, end) != end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        checkSignature(buffer, body, keyEnd, issuerValue, signatureValue, Tlv.length(buffer, keyEnd, end));
        accept(buffer, role, modulusValue, modulusLength, holderValue);
    }

    private static short fixed(byte[] buffer, short offset, short end, short tag, short length) {
        short value = Tlv.expect(buffer, offset, end, tag);
        if (Tlv.length(buffer, offset, end) != length) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        return value;
    }

    private void checkSignature(byte[] buffer, short body, short end, short issuer, short value, short length) {
        boolean good = ram[Transients.KEY_ROLE] == ROLE_AUTHORITY && length == keys.currentLength()
                && (ram[Transients.KEY_HOLDER_KNOWN] == 0
                || Util.arrayCompare(buffer, issuer, ram, Transients.KEY_HOLDER, Gp.HOLDER_LENGTH) == 0);
        if (!good || !verified(buffer, body, (short) (end - body), value, length)) {
            ISOException.throwIt(Gp.SW_VERIFICATION_FAILED);
        }
    }

    /** Signature with the current public key over bytes of one buffer. A platform's refusal is a "no". */
    boolean verified(byte[] buffer, short offset, short length, short value, short valueLength) {
        try {
            signature.init(keys.current(), Signature.MODE_VERIFY);
            return signature.verify(buffer, offset, length, buffer, value, valueLength);
        } catch (RuntimeException e) {
            return false;
        }
    }

    private void accept(byte[] buffer, byte role, short modulus, short modulusLength, short holder) {
        ram[Transients.KEY_ROLE] = ROLE_NONE;
        if (role != Gp.CHA_OFF_CARD_ENTITY && role != Gp.CHA_AUTHORITY) {
            ISOException.throwIt(Gp.SW_VERIFICATION_FAILED);
        }
        keys.load(buffer, modulus, modulusLength);
        Util.arrayCopyNonAtomic(buffer, holder, ram, Transients.KEY_HOLDER, Gp.HOLDER_LENGTH);
        ram[Transients.KEY_HOLDER_KNOWN] = 1;
        ram[Transients.KEY_ROLE] = role == Gp.CHA_AUTHORITY ? ROLE_AUTHORITY : ROLE_OFF_CARD_ENTITY;
    }
}
