// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.AppletEvent;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.MultiSelectable;
import javacard.framework.Shareable;
import javacard.framework.Util;
import javacard.security.RandomData;
import javacardx.apdu.ExtendedLength;

/**
 * What every security domain is: it has a channel, keys and data, and process() hands each command to whom the table
 * of {@link Commands} names. Everything is allocated in the constructor.
 */
abstract class SecurityDomain extends Applet implements AppletEvent, ExtendedLength, MultiSelectable {

    /** True where the issuer's domain is reached over the air: then all domains keep the versions for that. */
    static boolean inheritedOverTheAir;

    final Transients transients;
    final byte[] ram;
    final byte[] work;
    final KeyPairs pairs;
    final CertificateStore certificate = new CertificateStore();
    final DataObjects data;
    /** Null for a domain without sessions. */
    final TrustPoint trustPoint;
    /** Null for a domain without sessions. */
    final KeyStore sets;

    /** Null for a domain without the privileges for it. */
    final ContentKeys contentKeys;

    final SecureChannel channel;
    /** Null for a domain without sessions. */
    private final ChannelService service;

    private final Channels channels;
    private final boolean offersScp10;
    final byte scp02Option;
    final byte scp03Option;
    /** True on a card or in a domain with SCP80 or SCP81, which have key versions of their own. */
    final boolean overTheAir;

    final KeyCommands keys;
    final DataCommands objects;
    final CommandReader reader;
    private final ResponseSender responses;
    /** Its name, length first: {@link DataObjects} lets the issuer change it. */
    final byte[] ownAid = new byte[(short) (1 + Gp.AID_MAX)];

    private final byte[] privileges = new byte[3];
    /**
     * True on a card whose OPEN is not ours: this domain is an ordinary application there (README 10). Known for good
     * at install: an applet that takes OPEN's AID later is none.
     */
    final boolean alone;

    /**
     * @param bArray install data {@code L AID, L privileges, L contents of C9}; C9 may hold 42, 45,
     *     5F20 and {@code 91 02 bits}, the one RSA size to make key pairs for
     * @param withSessions false for a domain that nobody opens a secure channel with
     * @param withProduction true for the domain that holds the card's production data
     */
    SecurityDomain(byte[] bArray, short bOffset, short bLength, boolean withSessions, boolean withProduction) {
        short end = (short) (bOffset + bLength);
        short aidLength = InstallData.lengthAt(bArray, bOffset, end);
        short privilegesAt = (short) (bOffset + 1 + aidLength);
        short privilegesLength = InstallData.lengthAt(bArray, privilegesAt, end);
        short parametersAt = (short) (privilegesAt + 1 + privilegesLength);
        short parametersLength = InstallData.lengthAt(bArray, parametersAt, end);
        if (aidLength < Gp.AID_MIN || aidLength > Gp.AID_MAX || privilegesLength > 3) {
            Refuse.data();
        }
        alone = openAid() == null;
        Util.arrayCopyNonAtomic(bArray, bOffset, ownAid, (short) 0, (short) (1 + aidLength));
        Util.arrayCopyNonAtomic(bArray, (short) (privilegesAt + 1), privileges, (short) 0, privilegesLength);
        short parameters = (short) (parametersAt + 1);
        short parametersEnd = (short) (parameters + parametersLength);
        data = new DataObjects(withProduction, ownAid);
        pairs = new KeyPairs(InstallData.keySize(bArray, parameters, parametersEnd), certificate);
        transients = new Transients(withSessions);
        ram = transients.ram;
        work = transients.work;
        reader = new CommandReader(transients);
        responses = new ResponseSender(transients);
        trustPoint = withSessions ? new TrustPoint() : null;
        boolean named = InstallData.checkProtocols(bArray, parameters, parametersEnd);
        overTheAir = named || inheritedOverTheAir;
        offersScp10 = InstallData.offers(Gp.SCP10, bArray, parameters, parametersEnd);
        scp02Option = InstallData.option(Gp.SCP02, inherited02(), bArray, parameters, parametersEnd);
        scp03Option = InstallData.option(Gp.SCP03, inherited03(), bArray, parameters, parametersEnd);
        if (withSessions) {
            RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
            boolean authority = isAuthority();
            BlockCiphers ciphers = new BlockCiphers(ram, authority);
            sets = new KeyStore(random);
            contentKeys = authority ? new ContentKeys(sets, data, ciphers) : null;
            Scp10 scp10 = new Scp10(transients, trustPoint, pairs, certificate, data, ciphers, random);
            Scp02 scp02 = scp02Option == Gp.NO_PROTOCOL ? null : new Scp02(this, ciphers, scp02Option, ownAid, random);
            Scp03 scp03 = scp03Option == Gp.NO_PROTOCOL ? null : new Scp03(this, ciphers, scp03Option, ownAid, random);
            channels = new Channels(this, scp10, offersScp10, scp02, scp03);
            channel = channels;
            keys = new KeyCommands(
                    this, transients, pairs, certificate, trustPoint, new StoredKeys(this, transients, sets, ciphers));
        } else {
            sets = null;
            contentKeys = null;
            channels = null;
            channel = new SecureChannel(transients);
            keys = new KeyCommands(this, transients, pairs, certificate, null, null);
        }
        service = withSessions ? new ChannelService(transients, channel, data) : null;
        objects = new DataCommands(this, transients, data, pairs, certificate);
        takeParameter(Gp.TAG_IIN, bArray, parameters, parametersEnd);
        takeParameter(Gp.TAG_CIN, bArray, parameters, parametersEnd);
        takeParameter(Gp.TAG_PROVIDER, bArray, parameters, parametersEnd);
    }

    /** True with Token Verification, Receipt Generation or DAP Verification, as INSTALL gave them. */
    private boolean isAuthority() {
        return (privileges[0] & Gp.PRIVILEGES_DAP) != 0
                || (privileges[1] & Gp.PRIVILEGE_TOKEN_VERIFICATION) != 0
                || (privileges[2] & Gp.PRIVILEGE_RECEIPT_GENERATION) != 0;
    }

    private void takeParameter(short tag, byte[] buffer, short offset, short end) {
        short field = Tlv.find(buffer, offset, end, tag);
        if (field != Tlv.NONE) {
            short length = Tlv.length(buffer, field, end);
            data.check(tag, length);
            data.store(tag, buffer, Tlv.value(buffer, field, end), length);
        }
    }

    final void registerOwnAid() {
        register(ownAid, (short) 1, ownAid[0]);
    }

    public boolean select() {
        transients.clear();
        channel.end();
        pairs.destroyOthers();
        if (sets != null) {
            sets.wipe();
        }
        return true;
    }

    public void deselect() {
        channel.end();
    }

    /** The dialogue on another channel goes on until a command comes here (README 4.2). */
    public boolean select(boolean active) {
        return isElsewhere(active) || select();
    }

    /** The command that closes a channel may come on another one: the card says which it is. */
    public void deselect(boolean active) {
        if (!isElsewhere(active)) {
            deselect();
        }
    }

    private boolean isElsewhere(boolean active) {
        return active && !transients.isOn(JCSystem.getAssignedChannel());
    }

    /** The card deletes this instance: no key outlives it. */
    public void uninstall() {
        pairs.destroyAll();
        if (trustPoint != null) {
            trustPoint.clear();
            sets.destroyAll();
        }
    }

    /** Option of SCP02 for a domain whose C9 does not say: the issuer domain's. */
    byte inherited02() {
        return Scp02.DEFAULT_OPTION;
    }

    byte inherited03() {
        return Scp03.DEFAULT_OPTION;
    }

    /** True for versions of SCP80 (01 to 0F) and SCP81 (40 to 4F) where there is one (TS 102 226 8.2.1.5). */
    final boolean isOverTheAir(byte version) {
        return overTheAir && version != 0 && (version & (byte) 0xB0) == 0;
    }

    /** Where the symmetric protocols take their static keys from. */
    KeySource keySource() {
        return sets;
    }

    /** Who put a set: BY_PARENT for one that is not of this domain. */
    final byte makerOf(KeySource source, byte version) {
        return source == sets ? sets.maker(version) : Gp.BY_PARENT;
    }

    /** True when a session under keys of this maker is the owner's. */
    boolean isOwners(byte maker) {
        return true;
    }

    /** Told in the transaction that put a key set which opens sessions. */
    void personalized() {}

    /**
     * The channel for OPEN, on behalf of applications; the keys for a domain below that has none, of this very load
     * file (README 5.10).
     */
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        boolean isOpen = client != null && client.equals(Gp.OPEN_AID, (short) 0, (byte) Gp.OPEN_AID.length);
        if (parameter == ApplicationChannel.PARAMETER || parameter == ContentAuthority.PARAMETER) {
            Shareable given = parameter == ContentAuthority.PARAMETER ? (Shareable) contentKeys : service;
            return isOpen ? given : null;
        }
        if (parameter != KeySource.PARAMETER || client == null || sets == null || alone) {
            return null;
        }
        if (isOpen) {
            // for packets, which the card's remote management opens
            return sets;
        }
        Open open = open();
        short length = client.getBytes(work, Transients.RESPONSE);
        boolean given = open.isParent(self(), client)
                && RegisteredDomain.runsThisPackage(
                        open, work, Transients.RESPONSE, length, work, SymmetricChannel.TEMPORARY);
        return given ? sets : null;
    }

    final Open open() {
        AID server = alone ? null : openAid();
        Open open = server == null ? null : (Open) JCSystem.getAppletShareableInterfaceObject(server, (byte) 0);
        if (open == null) {
            ISOException.throwIt(Gp.SW_NO_OPEN);
        }
        return open;
    }

    private static AID openAid() {
        return JCSystem.lookupAID(Gp.OPEN_AID, (short) 0, (byte) Gp.OPEN_AID.length);
    }

    /** Not JCSystem.getAID(): another domain may be the selected one while this one works for it. */
    final AID self() {
        return JCSystem.lookupAID(ownAid, (short) 1, ownAid[0]);
    }

    final boolean isSelf(byte[] buffer, short offset, short length) {
        return length == ownAid[0] && Util.arrayCompare(buffer, offset, ownAid, (short) 1, length) == 0;
    }

    final boolean matchesOwnAid(short prefix, short length) {
        return length <= ownAid[0] && Util.arrayCompare(work, prefix, ownAid, (short) 1, length) == 0;
    }

    final short putOwnAid(short offset) {
        return Tlv.put(work, offset, Gp.TAG_AID, ownAid, (short) 1, ownAid[0]);
    }

    final short putPrivileges(short offset) {
        return Tlv.put(work, offset, Gp.TAG_PRIVILEGES, privileges, (short) 0, (short) 3);
    }

    final boolean preIssuance() {
        return !alone && open().cardState() == Gp.CARD_STATE_OP_READY;
    }

    public void process(APDU apdu) throws ISOException {
        if (transients.changesChannel()) {
            channel.end();
        }
        if (selectingApplet()) {
            // a locked card warns (GPCS 11.9.3.2)
            boolean locked = !alone && open().cardState() == Gp.CARD_STATE_CARD_LOCKED;
            responses.send(apdu, Transients.RESPONSE, selectResponse(), locked ? Gp.SW_CARD_LOCKED : Gp.SW_OK);
            return;
        }
        byte instruction = apdu.getBuffer()[ISO7816.OFFSET_INS];
        channel.commandArrives(instruction);
        if (instruction == Gp.INS_GET_RESPONSE) {
            getResponse(apdu);
            return;
        }
        responses.drop();
        if (!reader.read(apdu, channel.messaging())) {
            return;
        }
        transients.setShort(Transients.STATUS, Gp.SW_OK);
        channel.admit();
        byte ins = ram[(short) (Transients.HEADER + 1)];
        byte p1 = ram[(short) (Transients.HEADER + 2)];
        if (ins != Gp.INS_GET_STATUS) {
            transients.setShort(Transients.CURSOR, (short) 0);
        }
        short length = answer(ins, p1, ram[(short) (Transients.HEADER + 3)]);
        short out = (short) (transients.getShort(Transients.CHAIN_LENGTH) + Transients.RESPONSE);
        channel.finish(out, length, transients.getShort(Transients.STATUS));
        responses.sendRest(apdu);
    }

    /** Runs the command; where a session's errors are protected, one is a status word with an answer of no data. */
    private short answer(byte ins, byte p1, byte p2) {
        try {
            byte group = Commands.group(ram[Transients.HEADER], ins);
            requireCardState(group, ins, p1);
            return execute(group, ins, p1, p2);
        } catch (ISOException e) {
            if (!channel.protectsErrors()) {
                throw e;
            }
            transients.setShort(Transients.STATUS, e.getReason());
            return (short) 0;
        }
    }

    /** GET RESPONSE fetches the rest of the response just before it; anything else about it drops what waits. */
    private void getResponse(APDU apdu) {
        short refusal = responses.refusal(apdu);
        if (refusal != Gp.SW_OK) {
            responses.drop();
            reader.drop();
            ISOException.throwIt(refusal);
        }
        responses.sendRest(apdu);
    }

    /**
     * 6985 for what the card's life cycle leaves to nobody (GPCS 5.1.1.4, 5.1.1.5): a terminated card answers GET DATA
     * and nothing else, a locked one what {@link #servesLockedCard} lets through.
     */
    private void requireCardState(byte group, byte ins, byte p1) {
        // another OPEN selects nothing on a card that is locked or terminated
        if (Commands.reads(ins) || alone) {
            return;
        }
        byte state = open().cardState();
        if (state == Gp.CARD_STATE_TERMINATED
                || (state == Gp.CARD_STATE_CARD_LOCKED && !servesLockedCard(group, ins, p1))) {
            Refuse.conditions();
        }
    }

    /** True for a command besides GET DATA that this domain serves while the card is locked. */
    boolean servesLockedCard(byte group, byte ins, byte p1) {
        return false;
    }

    /** Runs an admitted command; the response goes to the work buffer at RESPONSE. Returns its length. */
    short execute(byte group, byte ins, byte p1, byte p2) {
        switch (group) {
            case Commands.CHANNEL:
                return channel.execute(ins, p1, p2);
            case Commands.KEYS:
                return keys.execute(ins, p1, p2);
            case Commands.DATA:
                return objects.execute(ins, p1, p2);
            default:
                if (deletesKeys(ins)) {
                    return keys.delete(p1, p2);
                }
                ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
                return (short) 0;
        }
    }

    /** True for DELETE [key], which is a domain's own affair. */
    final boolean deletesKeys(byte ins) {
        return ins == Gp.INS_DELETE && StoredKeys.isDeletion(work, transients.dataOffset(), transients.dataLength());
    }

    /** True when a session of the owner, or the card maker before issuance, may change this domain. */
    boolean mayChange() {
        return channel.ownerAuthenticated() || preIssuance();
    }

    final void requireChange() {
        if (!mayChange()) {
            Refuse.security();
        }
    }

    final void requireOwner() {
        if (!channel.ownerAuthenticated()) {
            Refuse.security();
        }
    }

    /** Throws when this domain's own dialogue may not make a key pair: here it never may. */
    void requireGenerate(byte p2) {
        ISOException.throwIt(p2 == 0 ? Gp.SW_CONDITIONS : Gp.SW_WRONG_P1P2);
    }

    /**
     * Who writes in this domain's own dialogue: BY_OWNER in a session of its owner, BY_DELEGATION under a parent's
     * keys.
     */
    final byte writer() {
        if (!channel.ownerAuthenticated()) {
            return Gp.BY_CARD_MAKER;
        }
        return ram[Transients.KEYS_MAKER] == Gp.BY_PARENT ? Gp.BY_DELEGATION : Gp.BY_OWNER;
    }

    /** Told of every write of keys or data, inside its transaction. */
    void written(byte writer) {}

    /** Throws when this writer may not store a certificate. */
    void requireCertificateFrom(byte writer) {}

    /** Makes the prepared certificate count; inside the caller's transaction. */
    void adoptCertificate() {
        certificate.adopt();
    }

    /** GET ATTESTATION; 6A88 for a domain that attests nothing. */
    short attestation() {
        Refuse.notFound();
        return (short) 0;
    }

    /** Writes the value of tag 73 to the work buffer: the protocols that one can open here. Returns its length. */
    final short recognition(short out) {
        byte scp02 = channels != null && channels.has(Gp.SCP02) ? scp02Option : Gp.NO_PROTOCOL;
        byte scp03 = channels != null && channels.has(Gp.SCP03) ? scp03Option : Gp.NO_PROTOCOL;
        boolean symmetric = scp02 != scp03 || scp02 != Gp.NO_PROTOCOL;
        boolean scp10 = offersScp10 && trustPoint != null && !(symmetric && namesSymmetricAlone());
        return CardData.recognition(work, out, scp10, scp02, scp03);
    }

    /** True where hosts that know no SCP10 stop at its name: it stands in tag 67 then (README 5.4). */
    boolean namesSymmetricAlone() {
        return false;
    }

    /** Writes the value of tag 67; 6A88 without sessions. Returns its length. */
    final short capabilities(short out) {
        if (trustPoint == null) {
            Refuse.notFound();
        }
        short length = CardData.capabilities(work, out, offersScp10, scp02Option, scp03Option);
        return contentKeys == null ? length : (short) (contentKeys.capabilities(work, (short) (out + length)) - out);
    }

    /** Writes the confirmation counter; 6A88 for a domain that gives no receipts. Returns its length. */
    final short confirmations(short out) {
        if (contentKeys == null) {
            Refuse.notFound();
        }
        return contentKeys.counter(work, out);
    }

    /** Writes the sequence counter of the lowest set that counts sessions; 6A88 without one. Returns its length. */
    final short sequence(short out) {
        if (channels == null) {
            Refuse.notFound();
        }
        return channels.sequence(out);
    }

    private short selectResponse() {
        short out = Transients.RESPONSE;
        short size = data.has(Gp.TAG_CARD_DATA)
                ? data.value(Gp.TAG_CARD_DATA, work, out)
                : Tlv.enclose(work, out, Gp.TAG_RECOGNITION, recognition(out));
        size = CardData.maximumCommandLength(work, (short) (out + size), out);
        size = Tlv.enclose(work, out, Gp.TAG_FCI_PROPRIETARY, size);
        short aidSize = (short) (2 + ownAid[0]);
        Util.arrayCopyNonAtomic(work, out, work, (short) (out + aidSize), size);
        Tlv.put(work, out, Gp.TAG_FCI_AID, ownAid, (short) 1, ownAid[0]);
        return Tlv.enclose(work, out, Gp.TAG_FCI, (short) (size + aidSize));
    }
}
