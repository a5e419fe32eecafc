package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import javacard.security.MessageDigest;

/**
 * A provider's domain. Its parent gives it a first key pair and a trust point (key-distribution.md
 * 47 to 51); from the owner's first write on, keys come from the owner's own session only.
 */
public class SupplementarySecurityDomain extends Scp10Domain implements PersonalizationTarget {

    private static final short NONCE_LENGTH = (short) 16;
    private static final short DIGEST_LENGTH = (short) 32;

    private final MessageDigest sha256;
    private boolean owned;

    private SupplementarySecurityDomain(byte[] bArray, short bOffset, short bLength) {
        super(bArray, bOffset, bLength, false);
        sha256 = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new SupplementarySecurityDomain(bArray, bOffset, (short) (bLength & 0xFF)).registerOwnAid();
    }

    /** Only the parent may personalize; OPEN knows who that is. */
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        if (parameter != PersonalizationTarget.PARAMETER || client == null || !open().isParent(client, self())) {
            return null;
        }
        return this;
    }

    public short personalize(byte ins, byte p1, byte p2, byte[] buffer, short offset, short length,
            byte[] response, short responseOffset) {
        if (owned) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        switch (ins) {
            case Gp.INS_GENERATE_KEY_PAIR:
                return generateOrRead(Gp.BY_DELEGATION, p1, p2, buffer, offset, length, response, responseOffset);
            case Gp.INS_PUT_KEY:
                return putKeyData(Gp.BY_DELEGATION, p1, p2, buffer, offset, length, response, responseOffset);
            case Gp.INS_STORE_DATA:
                storeObjects(Gp.BY_DELEGATION, buffer, offset, length);
                return (short) 0;
            default:
                ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
                return (short) 0;
        }
    }

    boolean mayChange() {
        return channel.ownerAuthenticated() || (!owned && preIssuance());
    }

    short generate(byte p1, byte p2) {
        if (p1 == Gp.P1_GENERATE) {
            requireOwner();
        }
        return generateOrRead(Gp.BY_OWNER, p1, p2, work, dataOffset(), dataLength(), work, Transients.RESPONSE);
    }

    /**
     * GENERATE ASYMMETRIC KEY PAIR, {@code A4 L {84 02 KVN KID [91 02 bits]}}. The new pair takes
     * over, and the domain gets its owner, in one transaction; then the pair before is destroyed.
     * 6985 for a version that is not this writer's: delegation makes the first pair's only, the owner all others.
     */
    private short generateOrRead(byte writer, byte p1, byte p2, byte[] buffer, short offset, short length,
            byte[] response, short responseOffset) {
        if (p2 != 0 || (p1 != Gp.P1_GENERATE && p1 != Gp.P1_READ_PUBLIC_KEY)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        if (p1 == Gp.P1_READ_PUBLIC_KEY) {
            return readPublicKey(buffer, offset, length, response, responseOffset);
        }
        short end = (short) (offset + length);
        byte version = keyReference(buffer, offset, end);
        if ((version == Gp.KVN_FIRST_PAIR) != (writer == Gp.BY_DELEGATION)) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        short size = pairs.defaultSize();
        short field = Tlv.next(buffer, Tlv.value(buffer, offset, end), end);
        if (field < end) {
            short value = Tlv.expect(buffer, field, end, Gp.TAG_KEY_SIZE);
            if (Tlv.length(buffer, field, end) != 2 || Tlv.next(buffer, field, end) != end
                    || (buffer[(short) (value + 1)] & 7) != 0) {
                ISOException.throwIt(Gp.SW_WRONG_DATA);
            }
            size = PublicKeys.sizeIndex((short) (Util.getShort(buffer, value) >> 3));
        }
        byte slot = pairs.generate(size, response, responseOffset);
        JCSystem.beginTransaction();
        pairs.adopt(slot, version, writer);
        written(writer);
        JCSystem.commitTransaction();
        pairs.destroyOthers();
        return publicKeyObject(response, responseOffset);
    }

    /** The owner's first write makes the domain its own (README 5.8). */
    void written(byte writer) {
        if (writer == Gp.BY_OWNER && !owned) {
            owned = true;
            dropDelegatedKeys();
        }
    }

    /**
     * Ends the key sets that came by delegation, in the transaction of the owner's first write. There is none yet:
     * the first pair opens the owner's sessions until GENERATE, the trust point until it is replaced, and both are
     * attested.
     */
    private void dropDelegatedKeys() { }

    /** A domain without an owner holds no certificate: only its owner stores one, and is the owner by it. */
    void requireCertificateFrom(byte writer) {
        if (writer != Gp.BY_OWNER) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
    }

    /** PERSONALIZED with the certificate of the current pair, in one transaction (README 5.8). */
    void adoptCertificate() {
        super.adoptCertificate();
        Open open = open();
        if (open.applicationState(self()) == Gp.DOMAIN_STATE_SELECTABLE) {
            open.setApplicationState(self(), Gp.DOMAIN_STATE_PERSONALIZED);
        }
    }

    /** GET STATUS answers for this domain alone. */
    short getStatus(byte p1, byte p2) {
        requireOwner();
        short search = StatusReader.search(p1, p2, transients);
        short length = work[(short) (search - 1)];
        short out = Transients.RESPONSE;
        boolean matches = p1 == Gp.P1_STATUS_APPLICATIONS && (p2 & Gp.P2_STATUS_NEXT) == 0
                && matchesOwnAid(search, length);
        if (!matches) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        short end = putOwnAid(out);
        end = Tlv.header(work, end, Gp.TAG_LIFE_CYCLE, (short) 1);
        work[end] = open().applicationState(self());
        end = putPrivileges((short) (end + 1));
        return Tlv.enclose(work, out, Gp.TAG_REGISTRY_ENTRY, (short) (end - out));
    }

    /** SET STATUS of this domain: to PERSONALIZED from SELECTABLE, or locked for good but for the issuer. */
    short setStatus(byte p1, byte p2) {
        requireOwner();
        if (p1 != Gp.P1_STATUS_APPLICATIONS && p1 != Gp.P1_STATUS_DOMAIN_TREE) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        if (!isSelf(work, dataOffset(), dataLength())) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        Open open = open();
        byte state = open.applicationState(self());
        byte wanted = p2;
        if (p2 == Gp.STATE_LOCKED) {
            wanted = (byte) (state | Gp.STATE_LOCKED);
        }
        boolean lock = wanted == (byte) (state | Gp.STATE_LOCKED) && wanted != state;
        if (!lock && (wanted != Gp.DOMAIN_STATE_PERSONALIZED || state != Gp.DOMAIN_STATE_SELECTABLE)) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        open.setApplicationState(self(), wanted);
        return (short) 0;
    }

    /**
     * GET ATTESTATION, data {@code 94 10 nonce}: what the controlling authority says of this
     * domain's owner, keys and trust point (key-distribution.md section 6, README 5.7).
     */
    short attestation() {
        short offset = dataOffset();
        short end = (short) (offset + dataLength());
        short nonce = Tlv.expect(work, offset, end, Gp.TAG_NONCE);
        if (Tlv.length(work, offset, end) != NONCE_LENGTH || Tlv.next(work, offset, end) != end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        // a pair loaded before issuance may be known to who loaded it: nothing to attest
        if (pairs.maker() == Gp.BY_CARD_MAKER || !trustPoint.present()) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        AttestationAuthority authority = authority();
        // the challenge's place is free: a command other than EXTERNAL AUTHENTICATE dropped it
        Util.arrayCopyNonAtomic(work, nonce, ram, Transients.CHALLENGE, NONCE_LENGTH);
        short out = Transients.RESPONSE;
        short at = putOwnAid(out);
        at += authority.cardIdentity(work, at);
        short attested = at;
        at = attestedObjects(at);
        at = Tlv.put(work, at, Gp.TAG_NONCE, ram, Transients.CHALLENGE, NONCE_LENGTH);
        Util.arrayFillNonAtomic(ram, Transients.CHALLENGE, NONCE_LENGTH, (byte) 0);
        sha256.reset();
        sha256.doFinal(work, attested, (short) (at - attested), ram, Transients.SCRATCH);
        at += authority.attest(ram, Transients.SCRATCH, work, at);
        return Tlv.enclose(work, out, Gp.TAG_ATTESTATION, (short) (at - out));
    }

    /** Writes version to application provider id (README 5.7); returns the offset behind. */
    private short attestedObjects(short at) {
        at = putByte(at, Gp.TAG_ATTESTATION_VERSION, Gp.ATTESTATION_VERSION);
        at = Tlv.header(work, at, Gp.TAG_KEY_REFERENCE, (short) 2);
        work[at] = pairs.version();
        work[(short) (at + 1)] = Gp.KID_PAIR;
        at += 2;
        at += publicKeyObject(work, at);
        at = Tlv.header(work, at, Gp.TAG_TRUST_POINT_DIGEST, DIGEST_LENGTH);
        trustPoint.digest(sha256, ram, Transients.SCRATCH, work, at);
        at += DIGEST_LENGTH;
        at += Tlv.enclose(work, at, Gp.TAG_KEY_INFORMATION, (short) (keyInformation(at) - at));
        at = putByte(at, Gp.TAG_OWNER_STATE, owned ? Gp.OWNED : Gp.NOT_OWNED);
        at = putByte(at, Gp.TAG_PAIR_MAKER, pairs.maker());
        return data.object(Gp.TAG_PROVIDER, work, at);
    }

    private short putByte(short at, short tag, byte value) {
        at = Tlv.header(work, at, tag, (short) 1);
        work[at] = value;
        return (short) (at + 1);
    }

    private AttestationAuthority authority() {
        AID aid = open().controllingAuthority();
        Shareable given = aid == null ? null
                : JCSystem.getAppletShareableInterfaceObject(aid, AttestationAuthority.PARAMETER);
        if (!(given instanceof AttestationAuthority)) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        return (AttestationAuthority) given;
    }
}
