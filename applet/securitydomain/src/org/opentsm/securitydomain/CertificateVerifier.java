// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.Signature;

/**
 * PSO VERIFY CERTIFICATE: checks a certificate of our profile (applet/README.md section 3) with the
 * Current Public Key, which it then replaces (F.1.3.2). Nothing is written before it verified.
 */
final class CertificateVerifier {

    private final byte[] ram;
    private final PublicKeys keys;
    private final Signature signature;

    CertificateVerifier(Transients transients, PublicKeys keys, Signature signature) {
        this.keys = keys;
        this.signature = signature;
        ram = transients.ram;
    }

    private static void require(boolean held, short status) {
        if (!held) {
            ISOException.throwIt(status);
        }
    }

    /** 6A80 out of form; 6300 when it does not verify. The caller drops every key then. */
    void verify(byte[] buffer, short offset, short end) {
        short body = Tlv.expect(buffer, offset, end, Gp.TAG_CERTIFICATE);
        require(Tlv.next(buffer, offset, end) == end, Gp.SW_WRONG_DATA);
        short serial = Tlv.length(buffer, body, end);
        Tlv.expect(buffer, body, end, Gp.TAG_SERIAL);
        short issuer = Tlv.next(buffer, body, end);
        short issuerValue = fixed(buffer, issuer, end, Gp.TAG_CAR, Gp.HOLDER_LENGTH);
        short holder = Tlv.next(buffer, issuer, end);
        short holderValue = fixed(buffer, holder, end, Gp.TAG_HOLDER, Gp.HOLDER_LENGTH);
        short authorization = Tlv.next(buffer, holder, end);
        byte role = buffer[fixed(buffer, authorization, end, Gp.TAG_HOLDER_AUTHORIZATION, (short) 1)];
        short key = Tlv.next(buffer, authorization, end);
        short prefix = Tlv.NONE;
        if (role == Gp.CHA_AUTHORITY && Tlv.tag(buffer, key, end) == Gp.TAG_DISCRETIONARY) {
            prefix = namePrefix(buffer, key, end);
            key = Tlv.next(buffer, key, end);
        }
        short modulus = Tlv.expect(buffer, key, end, Gp.TAG_PUBLIC_KEY);
        short keyEnd = Tlv.next(buffer, key, end);
        short modulusValue = Tlv.expect(buffer, modulus, keyEnd, Gp.TAG_MODULUS);
        short modulusLength = Tlv.length(buffer, modulus, keyEnd);
        short exponent = Tlv.next(buffer, modulus, keyEnd);
        short exponentValue = Tlv.expect(buffer, exponent, keyEnd, Gp.TAG_EXPONENT);
        PublicKeys.check(buffer, modulusValue, modulusLength, exponentValue, Tlv.length(buffer, exponent, keyEnd));
        short signatureValue = Tlv.expect(buffer, keyEnd, end, Gp.TAG_SIGNATURE);
        require(
                serial >= 1
                        && serial <= Gp.SERIAL_MAX
                        && Tlv.next(buffer, exponent, keyEnd) == keyEnd
                        && Tlv.next(buffer, keyEnd, end) == end,
                Gp.SW_WRONG_DATA);
        checkSignature(buffer, body, keyEnd, issuerValue, signatureValue, Tlv.length(buffer, keyEnd, end));
        byte given =
                role == Gp.CHA_AUTHORITY ? authority(buffer, prefix, keyEnd) : offCardEntity(role, buffer, holderValue);
        ram[Transients.KEY_ROLE] = PublicKeys.ROLE_NONE;
        keys.accept(given, buffer, modulusValue, modulusLength, keyEnd);
        Util.arrayCopyNonAtomic(buffer, holderValue, ram, Transients.KEY_HOLDER, Gp.HOLDER_LENGTH);
        ram[Transients.KEY_HOLDER_KNOWN] = 1;
    }

    private static short fixed(byte[] buffer, short offset, short end, short tag, short length) {
        short value = Tlv.expect(buffer, offset, end, tag);
        require(Tlv.length(buffer, offset, end) == length, Gp.SW_WRONG_DATA);
        return value;
    }

    /** Offset of {@code 5F20 L prefix}, all there is in an authority's 73. */
    private static short namePrefix(byte[] buffer, short discretionary, short end) {
        short field = Tlv.value(buffer, discretionary, end);
        short last = Tlv.next(buffer, discretionary, end);
        Tlv.expect(buffer, field, last, Gp.TAG_HOLDER);
        short length = Tlv.length(buffer, field, last);
        require(length >= 1 && length <= Gp.HOLDER_LENGTH && Tlv.next(buffer, field, last) == last, Gp.SW_WRONG_DATA);
        return field;
    }

    private void checkSignature(byte[] buffer, short body, short end, short issuer, short value, short length) {
        byte role = ram[Transients.KEY_ROLE];
        boolean good = (role == PublicKeys.ROLE_TRUST_POINT || role == PublicKeys.ROLE_INTERMEDIATE)
                && length == keys.currentLength()
                && (ram[Transients.KEY_HOLDER_KNOWN] == 0
                        || Util.arrayCompare(buffer, issuer, ram, Transients.KEY_HOLDER, Gp.HOLDER_LENGTH) == 0);
        require(good && verified(buffer, body, (short) (end - body), value, length), Gp.SW_VERIFICATION_FAILED);
    }

    /** Signature with the current public key over bytes of one buffer. A platform's refusal is a "no". */
    private boolean verified(byte[] buffer, short offset, short length, short value, short valueLength) {
        try {
            signature.init(keys.current(), Signature.MODE_VERIFY);
            return signature.verify(buffer, offset, length, buffer, value, valueLength);
        } catch (RuntimeException e) {
            return false;
        }
    }

    /** An intermediate: certified by the trust point itself. Remembers what it may name. */
    private byte authority(byte[] buffer, short prefix, short end) {
        require(ram[Transients.KEY_ROLE] == PublicKeys.ROLE_TRUST_POINT, Gp.SW_VERIFICATION_FAILED);
        ram[Transients.NAME_PREFIX_LENGTH] = 0;
        if (prefix != Tlv.NONE) {
            short length = Tlv.length(buffer, prefix, end);
            Util.arrayCopyNonAtomic(buffer, Tlv.value(buffer, prefix, end), ram, Transients.NAME_PREFIX, length);
            ram[Transients.NAME_PREFIX_LENGTH] = (byte) length;
        }
        return PublicKeys.ROLE_INTERMEDIATE;
    }

    /**
     * What an off-card entity may become. Under the trust point itself: the owner, if it has the name. Under an
     * intermediate with a prefix: the same, and no name without the prefix; under one without: a guest.
     */
    private byte offCardEntity(byte role, byte[] buffer, short holder) {
        require(role == Gp.CHA_OFF_CARD_ENTITY, Gp.SW_VERIFICATION_FAILED);
        if (ram[Transients.KEY_ROLE] == PublicKeys.ROLE_TRUST_POINT) {
            return PublicKeys.ROLE_OFF_CARD_ENTITY;
        }
        short length = ram[Transients.NAME_PREFIX_LENGTH];
        if (length == 0) {
            return PublicKeys.ROLE_GUEST;
        }
        require(Util.arrayCompare(buffer, holder, ram, Transients.NAME_PREFIX, length) == 0, Gp.SW_VERIFICATION_FAILED);
        return PublicKeys.ROLE_OFF_CARD_ENTITY;
    }
}
