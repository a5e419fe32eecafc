// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * GENERATE ASYMMETRIC KEY PAIR and PUT KEY, from a domain's own dialogue or handed on by its parent (README 5.3,
 * 5.5), and what is told of the keys. The domain says who may do what.
 */
final class KeyCommands {

    private final SecurityDomain domain;
    private final Transients transients;
    private final KeyPairs pairs;
    private final CertificateStore certificate;
    /** Null for a domain without sessions. */
    private final TrustPoint trustPoint;

    private final StoredKeys sets;

    KeyCommands(
            SecurityDomain domain,
            Transients transients,
            KeyPairs pairs,
            CertificateStore certificate,
            TrustPoint trustPoint,
            StoredKeys sets) {
        this.domain = domain;
        this.transients = transients;
        this.pairs = pairs;
        this.certificate = certificate;
        this.trustPoint = trustPoint;
        this.sets = sets;
    }

    /** A command of the domain's own dialogue; the response goes to RESPONSE. */
    short execute(byte ins, byte p1, byte p2) {
        if (ins == Gp.INS_PUT_KEY) {
            domain.requireChange();
            if (sets != null && domain.writer() != Gp.BY_CARD_MAKER) {
                openKeys(domain.channel, p2, transients.work, transients.dataOffset(), transients.dataLength());
            }
        } else if (p1 == Gp.P1_GENERATE) {
            domain.requireGenerate(p2);
        }
        return run(
                domain.writer(),
                ins,
                p1,
                p2,
                transients.work,
                transients.dataOffset(),
                transients.dataLength(),
                transients.work,
                Transients.RESPONSE);
    }

    /**
     * Opens the secrets of a PUT KEY that goes to the key store under the session's data encryption key, in place. 6982
     * for a public key without a MAC.
     */
    static void openKeys(SecureChannel channel, byte p2, byte[] buffer, short offset, short length) {
        if (isOfSignatures(p2, buffer, offset, length)) {
            KeyField.requireMac(channel);
        } else {
            KeyField.open(channel, buffer, offset, length);
        }
    }

    /**
     * True for what SCP10 and attestation work with: the trust point, the pair and its certificate. Their RSA keys have
     * identifiers 01 and 02 and versions below 70.
     */
    static boolean isOfSignatures(byte p2, byte[] buffer, short offset, short length) {
        if ((p2 != Gp.KID_TRUST_POINT && p2 != Gp.KID_PAIR) || length < 3 || buffer[offset] >= Gp.KVN_AUTHORITIES) {
            return false;
        }
        byte type = KeyField.type(buffer, (short) (offset + 1), (short) (offset + length));
        return type == Gp.KEY_RSA_MODULUS
                || (p2 == Gp.KID_PAIR
                        && ((type >= Gp.KEY_RSA_P && type <= Gp.KEY_RSA_DQ1)
                                || (type == (byte) (Gp.TAG_CERTIFICATE >> 8)
                                        && KeyField.isExtended(buffer, (short) (offset + 1)))));
    }

    /** True when the trust point or the pair has this reference. */
    boolean isReference(byte version, byte id) {
        return (id == Gp.KID_TRUST_POINT && trustPoint.present() && trustPoint.version() == version)
                || (id == Gp.KID_PAIR && pairs.present() && pairs.version() == version);
    }

    /** DELETE [key]; answers 00. */
    short delete(byte p1, byte p2) {
        domain.requireChange();
        if (p1 != 0 || (p2 & 0x7E) != 0) {
            Refuse.parameters();
        }
        if (sets == null) {
            Refuse.notFound();
        }
        sets.delete(domain.writer(), transients.work, transients.dataOffset(), transients.dataLength());
        transients.work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    /** Drops trust point and pair where they fit, 00 fits all; inside the caller's transaction. False when none did. */
    boolean dropReferenced(byte version, byte id) {
        boolean trusted = trustPoint.present() && fits(version, trustPoint.version()) && fits(id, Gp.KID_TRUST_POINT);
        boolean paired = pairs.present() && fits(version, pairs.version()) && fits(id, Gp.KID_PAIR);
        if (trusted) {
            trustPoint.clear();
        }
        if (paired) {
            pairs.drop();
        }
        return trusted || paired;
    }

    private static boolean fits(byte wanted, byte found) {
        return wanted == 0 || wanted == found;
    }

    /** One command of a writer that may; the response may overlap the data. Returns the response's length. */
    short run(
            byte writer,
            byte ins,
            byte p1,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] response,
            short responseOffset) {
        if (ins == Gp.INS_PUT_KEY) {
            return putKey(writer, p1, p2, buffer, offset, length, response, responseOffset);
        }
        if (p2 != 0 || (p1 != Gp.P1_GENERATE && p1 != Gp.P1_READ_PUBLIC_KEY)) {
            Refuse.parameters();
        }
        if (p1 == Gp.P1_READ_PUBLIC_KEY) {
            return readPublicKey(buffer, offset, length, response, responseOffset);
        }
        return generate(writer, buffer, offset, length, response, responseOffset);
    }

    /**
     * GENERATE ASYMMETRIC KEY PAIR, {@code A4 L {84 02 KVN KID [91 02 bits]}}. The new pair takes
     * over, and the domain gets its owner, in one transaction; then the pair before is destroyed.
     * 6985 for a version that is not this writer's: delegation makes the first pair's only, the owner all others.
     */
    private short generate(
            byte writer, byte[] buffer, short offset, short length, byte[] response, short responseOffset) {
        short end = (short) (offset + length);
        byte version = keyReference(buffer, offset, end);
        if ((version == Gp.KVN_FIRST_PAIR) != (writer == Gp.BY_DELEGATION)) {
            Refuse.conditions();
        }
        short size = pairs.defaultSize();
        short field = Tlv.next(buffer, Tlv.value(buffer, offset, end), end);
        if (field < end) {
            short value = Tlv.expect(buffer, field, end, Gp.TAG_KEY_SIZE);
            Tlv.require(Tlv.length(buffer, field, end) == 2
                    && Tlv.next(buffer, field, end) == end
                    && (buffer[(short) (value + 1)] & 7) == 0);
            size = PublicKeys.sizeIndex((short) (Util.getShort(buffer, value) >> 3));
        }
        byte slot = pairs.generate(size, response, responseOffset);
        JCSystem.beginTransaction();
        pairs.adopt(slot, version, writer);
        domain.written(writer);
        JCSystem.commitTransaction();
        pairs.destroyOthers();
        return publicKeyObject(response, responseOffset);
    }

    /** GENERATE with P1 81: data empty or {@code A4 04 84 02 KVN KID}; answers {@code 7F49}. */
    private short readPublicKey(byte[] buffer, short offset, short length, byte[] out, short outOffset) {
        if (length != 0) {
            short end = (short) (offset + length);
            byte version = keyReference(buffer, offset, end);
            Tlv.require(Tlv.length(buffer, offset, end) == 4);
            if (!pairs.present() || version != pairs.version()) {
                Refuse.notFound();
            }
        }
        if (!pairs.present()) {
            Refuse.notFound();
        }
        return publicKeyObject(out, outOffset);
    }

    /** KVN of {@code A4 L {84 02 KVN KID ...}} that fills the data; 6A80 out of form, 6A88 another KID. */
    private static byte keyReference(byte[] buffer, short offset, short end) {
        short field = Tlv.expect(buffer, offset, end, Gp.TAG_AUTHENTICATION_TEMPLATE);
        Tlv.require(Tlv.next(buffer, offset, end) == end);
        short value = Tlv.expect(buffer, field, end, Gp.TAG_KEY_REFERENCE);
        Tlv.require(Tlv.length(buffer, field, end) == 2 && buffer[value] > 0);
        if (buffer[(short) (value + 1)] != Gp.KID_PAIR) {
            Refuse.notFound();
        }
        return buffer[value];
    }

    /** Writes {@code 7F49 L {81 L N, 82 03 010001}} of the current pair; returns its length. */
    short publicKeyObject(byte[] out, short offset) {
        short modulus = pairs.modulusLength();
        short inner = (short) (Tlv.headerSize(Gp.TAG_MODULUS, modulus) + modulus + 5);
        short end = Tlv.header(out, offset, Gp.TAG_PUBLIC_KEY, inner);
        end = Tlv.header(out, end, Gp.TAG_MODULUS, modulus);
        end += pairs.modulus(out, end);
        end = Tlv.put(out, end, Gp.TAG_EXPONENT, PublicKeys.EXPONENT, (short) 0, PublicKeys.EXPONENT_LENGTH);
        return (short) (end - offset);
    }

    /** PUT KEY, {@code KVN, key field}; answers the KVN. */
    private short putKey(
            byte writer, byte p1, byte p2, byte[] buffer, short offset, short length, byte[] out, short outOffset) {
        if (sets != null && !isOfSignatures(p2, buffer, offset, length)) {
            return sets.put(writer, p1, p2, buffer, offset, length, out, outOffset);
        }
        if (p1 != 0 || (p2 != Gp.KID_TRUST_POINT && p2 != Gp.KID_PAIR)) {
            Refuse.parameters();
        }
        short end = (short) (offset + length);
        Tlv.require(length >= 3 && buffer[offset] > 0);
        byte version = buffer[offset];
        short field = (short) (offset + 1);
        if (p2 == Gp.KID_TRUST_POINT) {
            putTrustPoint(writer, version, buffer, field, end);
        } else if (buffer[field] == Gp.KEY_EXTENDED) {
            putCertificate(writer, version, buffer, (short) (field + 1), end);
        } else {
            putPrivateKey(writer, version, buffer, field, end);
        }
        out[outOffset] = version;
        return (short) 1;
    }

    /**
     * PK.TP_EX.AUT: {@code A1 L N, A0 L e, 00} or {@code FF A1 L N, FF A0 L e, 00, 01 usage, 01 access},
     * then perhaps {@code 5F20 10} holder reference.
     */
    private void putTrustPoint(byte writer, byte version, byte[] buffer, short field, short end) {
        if (trustPoint == null) {
            Refuse.parameters();
        }
        boolean extended = buffer[field] == Gp.KEY_EXTENDED;
        short at = component(buffer, field, end, extended, Gp.KEY_RSA_MODULUS);
        short modulus = Tlv.afterLength(buffer, at, end);
        short modulusLength = Tlv.bareLength(buffer, at, end);
        at = component(buffer, KeyField.behind(buffer, field, end), end, extended, Gp.KEY_RSA_EXPONENT);
        short exponent = Tlv.afterLength(buffer, at, end);
        short exponentLength = Tlv.bareLength(buffer, at, end);
        at = (short) (exponent + exponentLength);
        // no check value; format 2 has usage and access, one byte each
        short fixed = extended ? (short) 5 : (short) 1;
        Tlv.require((short) (end - at) >= fixed
                && buffer[at] == 0
                && (!extended || (buffer[(short) (at + 1)] == 1 && buffer[(short) (at + 3)] == 1)));
        at = (short) (at + fixed);
        short holder = Tlv.NONE;
        if (at < end) {
            holder = Tlv.expect(buffer, at, end, Gp.TAG_HOLDER);
            Tlv.require(Tlv.length(buffer, at, end) == Gp.HOLDER_LENGTH && Tlv.next(buffer, at, end) == end);
        }
        PublicKeys.check(buffer, modulus, modulusLength, exponent, exponentLength);
        trustPoint.prepare(version, buffer, modulus, modulusLength, holder);
        JCSystem.beginTransaction();
        trustPoint.adopt();
        domain.written(writer);
        JCSystem.commitTransaction();
    }

    /** Checks a component's type at {@code at}; returns the offset of its length field. */
    private static short component(byte[] buffer, short at, short end, boolean extended, byte type) {
        short typeAt = extended ? (short) (at + 1) : at;
        Tlv.require(
                (short) (end - typeAt) >= 2 && (!extended || buffer[at] == Gp.KEY_EXTENDED) && buffer[typeAt] == type);
        return (short) (typeAt + 1);
    }

    /** {@code 7F21 L ..., 00, 01 82, 01 00} behind the FF (divergence, README 5.5). */
    private void putCertificate(byte writer, byte version, byte[] buffer, short offset, short end) {
        short behind = Tlv.next(buffer, offset, end);
        Tlv.require((short) (end - behind) == 5
                && buffer[behind] == 0
                && buffer[(short) (behind + 1)] == 1
                && buffer[(short) (behind + 2)] == (byte) 0x82
                && buffer[(short) (behind + 3)] == 1
                && buffer[(short) (behind + 4)] == 0);
        Tlv.require(pairs.present() && version == pairs.version());
        domain.requireCertificateFrom(writer);
        certificate.prepare(buffer, offset, behind, pairs);
        JCSystem.beginTransaction();
        domain.adoptCertificate();
        domain.written(writer);
        JCSystem.commitTransaction();
    }

    private void putPrivateKey(byte writer, byte version, byte[] buffer, short field, short end) {
        if (!domain.preIssuance()) {
            Refuse.security();
        }
        if (pairs.load(buffer, field, end)) {
            JCSystem.beginTransaction();
            pairs.adoptLoaded(version);
            domain.written(writer);
            JCSystem.commitTransaction();
            pairs.destroyOthers();
        }
    }

    /**
     * Prepares the keys of STORE DATA's groupings, of as many lists as there are; false when there are none. 6A80 for a
     * key that has no template before it and where a domain has no store, 6A88 for groupings other than these and 0070.
     */
    boolean prepare(byte[] buffer, short offset, short end) {
        if (sets != null) {
            sets.settle();
        }
        boolean found = false;
        short at = offset;
        while (at < end) {
            short next = Dgi.next(buffer, at, end);
            short id = Dgi.id(buffer, at, end);
            if (id == Dgi.KEY_TEMPLATES) {
                Tlv.require(sets != null);
                next = sets.prepare(buffer, at, end);
                found = true;
            } else if (id != Dgi.OBJECTS) {
                Tlv.require(id != Dgi.SECRET_KEY);
                Refuse.notFound();
            }
            at = next;
        }
        return found;
    }

    void adopt(byte writer) {
        sets.adopt(writer);
    }

    void settle() {
        sets.settle();
    }

    /** Writes template E0 with an entry C0 of every key; returns the length of its value. */
    short information(byte[] out, short offset) {
        short end = offset;
        if (trustPoint != null && trustPoint.present()) {
            end = CardData.keyEntry(out, end, Gp.KID_TRUST_POINT, trustPoint.version(), trustPoint.modulusLength());
        }
        if (pairs.present()) {
            end = CardData.keyEntry(out, end, Gp.KID_PAIR, pairs.version(), pairs.modulusLength());
        }
        if (sets != null) {
            end = sets.information(out, end);
        }
        return (short) (end - offset);
    }
}
