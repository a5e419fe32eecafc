// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import org.globalplatform.Application;

/**
 * A provider's domain. Its parent gives it a first key pair and a trust point (key-distribution.md
 * 47 to 51); from the owner's first write on, keys come from the owner's own session only.
 */
public class SupplementarySecurityDomain extends SecurityDomain implements PersonalizationTarget, Application {

    private final Attestation attestation;
    private final StoredCommands stored;
    private final Personalization personalization;
    private final ContentCommands content;
    private final boolean personalizedExplicitly;
    private boolean owned;
    /** Life cycle where the registry is not ours. */
    private byte ownState = Gp.DOMAIN_STATE_SELECTABLE;

    private SupplementarySecurityDomain(byte[] bArray, short bOffset, short bLength) {
        super(bArray, bOffset, bLength, true, false);
        attestation = new Attestation(this, transients);
        stored = new StoredCommands(keys, certificate);
        personalization = new Personalization(this, transients);
        content = new ContentCommands(this, transients);
        personalizedExplicitly = InstallData.has(Gp.TAG_EXPLICIT, bArray, bOffset, (short) (bOffset + bLength));
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new SupplementarySecurityDomain(bArray, bOffset, (short) (bLength & 0xFF)).registerOwnAid();
    }

    byte inherited02() {
        return IssuerSecurityDomain.inherited02;
    }

    byte inherited03() {
        return IssuerSecurityDomain.inherited03;
    }

    /** Only the parent may personalize; OPEN knows who that is. */
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        if (parameter != PersonalizationTarget.PARAMETER) {
            return super.getShareableInterfaceObject(client, parameter);
        }
        return client == null || alone || !open().isParent(client, self()) ? null : this;
    }

    /**
     * A domain that never had a key of its own, and no owner, opens with its parent's: how keys come to it on cards
     * whose hosts know nothing of personalization by another domain (README 5.10).
     */
    KeySource keySource() {
        if (alone || owned || sets.next(KeyStore.NONE) != KeyStore.NONE || trustPoint.present() || pairs.present()) {
            return sets;
        }
        short scratch = SymmetricChannel.TEMPORARY;
        short entry = RegisteredDomain.find(open(), ownAid, (short) 1, ownAid[0], work, scratch);
        short parent = entry == Tlv.NONE ? Tlv.NONE : RegisteredDomain.object(work, entry, Gp.TAG_ASSOCIATED_DOMAIN);
        if (parent == Tlv.NONE) {
            return sets;
        }
        short limit = (short) (scratch + RegisteredDomain.ROOM);
        AID aid = JCSystem.lookupAID(work, Tlv.value(work, parent, limit), (byte) Tlv.length(work, parent, limit));
        Shareable given = aid == null ? null : JCSystem.getAppletShareableInterfaceObject(aid, KeySource.PARAMETER);
        return given instanceof KeySource ? (KeySource) given : sets;
    }

    /**
     * Where an application provider is registered, its certificate makes the owner (GPCS 10.4.2), and with the keys
     * that came by delegation one is anybody; elsewhere who has the keys is the owner.
     */
    boolean isOwners(byte maker) {
        return maker != Gp.BY_DELEGATION || !data.has(Gp.TAG_PROVIDER);
    }

    /**
     * The first key set makes a domain PERSONALIZED, unless C9 said that its owner will say so, or a certificate does.
     */
    void personalized() {
        if (!data.has(Gp.TAG_PROVIDER) && !personalizedExplicitly && state() == Gp.DOMAIN_STATE_SELECTABLE) {
            moveTo(Gp.DOMAIN_STATE_PERSONALIZED);
        }
    }

    public short personalize(
            byte ins,
            byte p1,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] response,
            short responseOffset) {
        if (owned) {
            Refuse.conditions();
        }
        switch (ins) {
            case Gp.INS_GENERATE_KEY_PAIR:
            case Gp.INS_PUT_KEY:
                return keys.run(Gp.BY_DELEGATION, ins, p1, p2, buffer, offset, length, response, responseOffset);
            case Gp.INS_STORE_DATA:
                objects.store(Gp.BY_DELEGATION, p1, buffer, offset, length);
                return (short) 0;
            default:
                ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
                return (short) 0;
        }
    }

    /** STORE DATA of an issuer's domain that is not ours, handed on by its OPEN; 6985 once the domain is owned. */
    public void processData(byte[] buffer, short offset, short length) {
        if (owned || !alone) {
            Refuse.conditions();
        }
        stored.take(buffer, offset, length);
    }

    private byte state() {
        return alone ? ownState : open().applicationState(self());
    }

    private void moveTo(byte state) {
        if (alone) {
            ownState = state;
        } else {
            open().setApplicationState(self(), state);
        }
    }

    short execute(byte group, byte ins, byte p1, byte p2) {
        if (personalization.takes(group, ins, p1)) {
            return personalization.execute(ins, p1, p2);
        }
        if (group == Commands.CONTENT && !alone && !deletesKeys(ins) && !setsOwnState(ins, p1)) {
            return content.executeBelow(ins, p1, p2);
        }
        if (ins == Gp.INS_GET_STATUS) {
            return getStatus(p1, p2);
        }
        return ins == Gp.INS_SET_STATUS ? setStatus(p1, p2) : super.execute(group, ins, p1, p2);
    }

    boolean mayChange() {
        return channel.ownerAuthenticated() || (!owned && preIssuance());
    }

    void requireGenerate(byte p2) {
        requireOwner();
    }

    /**
     * The owner's first write makes the domain its own (README 5.8). 6985, and nothing is written, when no key would be
     * left that opens it: then the owner's own key set comes first.
     */
    void written(byte writer) {
        if (writer == Gp.BY_OWNER && !owned) {
            owned = true;
            dropDelegatedKeys();
            if (!channel.opens()) {
                JCSystem.abortTransaction();
                Refuse.conditions();
            }
        }
    }

    /**
     * Ends every key set that the owner did not put, in the transaction of the owner's first write. The first pair
     * opens the owner's sessions until GENERATE, the trust point until it is replaced, and both are attested.
     */
    private void dropDelegatedKeys() {
        sets.dropAllButOwners();
    }

    /** A domain without an owner holds no certificate: only its owner stores one, and is the owner by it. */
    void requireCertificateFrom(byte writer) {
        if (writer != Gp.BY_OWNER) {
            Refuse.conditions();
        }
    }

    /** PERSONALIZED with the certificate of the current pair, in one transaction (README 5.8). */
    void adoptCertificate() {
        super.adoptCertificate();
        if (state() == Gp.DOMAIN_STATE_SELECTABLE) {
            moveTo(Gp.DOMAIN_STATE_PERSONALIZED);
        }
    }

    short attestation() {
        return attestation.answer(owned);
    }

    private boolean setsOwnState(byte ins, byte p1) {
        return ins == Gp.INS_SET_STATUS
                && p1 == Gp.P1_STATUS_APPLICATIONS
                && isSelf(work, transients.dataOffset(), transients.dataLength());
    }

    /** GET STATUS where the registry is not ours: this domain alone. */
    private short getStatus(byte p1, byte p2) {
        requireOwner();
        short search = StatusReader.search(p1, p2, transients);
        short length = work[(short) (search - 1)];
        short out = Transients.RESPONSE;
        boolean matches =
                p1 == Gp.P1_STATUS_APPLICATIONS && (p2 & Gp.P2_STATUS_NEXT) == 0 && matchesOwnAid(search, length);
        if (!matches) {
            Refuse.notFound();
        }
        short end = putOwnAid(out);
        end = Tlv.header(work, end, Gp.TAG_LIFE_CYCLE, (short) 1);
        work[end] = state();
        end = putPrivileges((short) (end + 1));
        return Tlv.enclose(work, out, Gp.TAG_REGISTRY_ENTRY, (short) (end - out));
    }

    /** SET STATUS of this domain: to PERSONALIZED from SELECTABLE, or locked for good but for the issuer. */
    private short setStatus(byte p1, byte p2) {
        requireOwner();
        if (p1 != Gp.P1_STATUS_APPLICATIONS && p1 != Gp.P1_STATUS_DOMAIN_TREE) {
            Refuse.parameters();
        }
        if (!isSelf(work, transients.dataOffset(), transients.dataLength())) {
            Refuse.notFound();
        }
        byte state = state();
        byte wanted = p2;
        if (p2 == Gp.STATE_LOCKED) {
            wanted = (byte) (state | Gp.STATE_LOCKED);
        }
        boolean lock = wanted == (byte) (state | Gp.STATE_LOCKED) && wanted != state;
        if (!lock && (wanted != Gp.DOMAIN_STATE_PERSONALIZED || state != Gp.DOMAIN_STATE_SELECTABLE)) {
            Refuse.conditions();
        }
        moveTo(wanted);
        return (short) 0;
    }
}
