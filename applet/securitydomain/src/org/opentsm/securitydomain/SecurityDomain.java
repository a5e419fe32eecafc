package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.AppletEvent;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * What every security domain does: selection, dispatch, its own key pair and data, GET DATA.
 * process() only dispatches; everything is allocated in the constructor.
 */
abstract class SecurityDomain extends Applet implements AppletEvent {

    final Transients transients;
    final byte[] ram;
    final byte[] work;
    final KeyPairs pairs;
    final CertificateStore certificate = new CertificateStore();
    final DataObjects data;
    private final CommandReader reader;
    private final StoreDataReader blocks;
    private final ResponseSender responses;
    private final byte[] ownAid;
    private final byte[] privileges = new byte[3];

    /**
     * @param bArray install data {@code L AID, L privileges, L contents of C9}; C9 may hold 42, 45,
     *     5F20 and {@code 91 02 bits}, the one RSA size to make key pairs for
     */
    SecurityDomain(byte[] bArray, short bOffset, short bLength, boolean withProduction) {
        short end = (short) (bOffset + bLength);
        short aidLength = InstallData.lengthAt(bArray, bOffset, end);
        short privilegesAt = (short) (bOffset + 1 + aidLength);
        short privilegesLength = InstallData.lengthAt(bArray, privilegesAt, end);
        short parametersAt = (short) (privilegesAt + 1 + privilegesLength);
        short parametersLength = InstallData.lengthAt(bArray, parametersAt, end);
        if (aidLength < Gp.AID_MIN || aidLength > Gp.AID_MAX || privilegesLength > 3) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        ownAid = new byte[aidLength];
        Util.arrayCopyNonAtomic(bArray, (short) (bOffset + 1), ownAid, (short) 0, aidLength);
        Util.arrayCopyNonAtomic(bArray, (short) (privilegesAt + 1), privileges, (short) 0, privilegesLength);
        short parameters = (short) (parametersAt + 1);
        short parametersEnd = (short) (parameters + parametersLength);
        data = new DataObjects(withProduction);
        pairs = new KeyPairs(InstallData.keySize(bArray, parameters, parametersEnd), certificate);
        transients = new Transients(speaksScp10());
        ram = transients.ram;
        work = transients.work;
        reader = new CommandReader(transients);
        blocks = new StoreDataReader(transients);
        responses = new ResponseSender(transients);
        InstallData.checkProtocols(bArray, parameters, parametersEnd);
        takeParameter(Gp.TAG_IIN, bArray, parameters, parametersEnd);
        takeParameter(Gp.TAG_CIN, bArray, parameters, parametersEnd);
        takeParameter(Gp.TAG_PROVIDER, bArray, parameters, parametersEnd);
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
        register(ownAid, (short) 0, (byte) ownAid.length);
    }

    public boolean select() {
        transients.clear();
        pairs.destroyOthers();
        return true;
    }

    /** The card deletes this instance: no key outlives it. */
    public void uninstall() {
        pairs.destroyAll();
    }

    final Open open() {
        AID server = JCSystem.lookupAID(Gp.OPEN_AID, (short) 0, (byte) Gp.OPEN_AID.length);
        Open open = server == null ? null
                : (Open) JCSystem.getAppletShareableInterfaceObject(server, (byte) 0);
        if (open == null) {
            ISOException.throwIt(Gp.SW_NO_OPEN);
        }
        return open;
    }

    /** Not JCSystem.getAID(): another domain may be the selected one while this one works for it. */
    final AID self() {
        return JCSystem.lookupAID(ownAid, (short) 0, (byte) ownAid.length);
    }

    final boolean isSelf(byte[] buffer, short offset, short length) {
        return length == (short) ownAid.length
                && Util.arrayCompare(buffer, offset, ownAid, (short) 0, length) == 0;
    }

    final boolean matchesOwnAid(short prefix, short length) {
        return length <= (short) ownAid.length
                && Util.arrayCompare(work, prefix, ownAid, (short) 0, length) == 0;
    }

    final short putOwnAid(short offset) {
        return Tlv.put(work, offset, Gp.TAG_AID, ownAid, (short) 0, (short) ownAid.length);
    }

    final short putPrivileges(short offset) {
        return Tlv.put(work, offset, Gp.TAG_PRIVILEGES, privileges, (short) 0, (short) 3);
    }

    final boolean preIssuance() {
        return open().cardState() == Gp.CARD_STATE_OP_READY;
    }

    public void process(APDU apdu) throws ISOException {
        if (selectingApplet()) {
            responses.send(apdu, Transients.RESPONSE, selectResponse());
            return;
        }
        byte instruction = apdu.getBuffer()[ISO7816.OFFSET_INS];
        commandArrives(instruction);
        if (instruction == Gp.INS_GET_RESPONSE) {
            getResponse(apdu);
            return;
        }
        responses.drop();
        if (!reader.read(apdu)) {
            return;
        }
        transients.setShort(Transients.STATUS, Gp.SW_OK);
        admit();
        requireCardState();
        byte ins = ram[(short) (Transients.HEADER + 1)];
        if (ins != Gp.INS_GET_STATUS) {
            transients.setShort(Transients.CURSOR, (short) 0);
        }
        checkClass(ins);
        short length = execute(ins, ram[(short) (Transients.HEADER + 2)], ram[(short) (Transients.HEADER + 3)]);
        short out = (short) (transients.getShort(Transients.CHAIN_LENGTH) + Transients.RESPONSE);
        finish(out, length);
        responses.sendRest(apdu);
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

    /** Told of every command before it is read. */
    void commandArrives(byte ins) { }

    /** Secure channel checks of a domain that has one. */
    void admit() {
        if ((ram[Transients.HEADER] & Gp.CLA_SM_MASK) != 0) {
            ISOException.throwIt(Gp.SW_SECURITY_STATUS);
        }
    }

    /** Secure channel protection of a domain that has one; sets what is sent. */
    void finish(short offset, short length) {
        transients.setShort(Transients.PENDING_OFFSET, offset);
        transients.setShort(Transients.PENDING_LENGTH, length);
    }

    /**
     * 6985 for what the card's life cycle leaves to nobody (GPCS 5.1.1.4, 5.1.1.5): a terminated card answers GET DATA
     * and nothing else, a locked one what {@link #servesLockedCard} lets through.
     */
    private void requireCardState() {
        byte ins = ram[(short) (Transients.HEADER + 1)];
        if (ins == Gp.INS_GET_DATA || ins == Gp.INS_GET_DATA_FILE) {
            return;
        }
        byte state = open().cardState();
        if (state == Gp.CARD_STATE_TERMINATED
                || (state == Gp.CARD_STATE_CARD_LOCKED && !servesLockedCard(ins, ram[(short) (Transients.HEADER + 2)]))) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
    }

    /** True for a command besides GET DATA that this domain serves while the card is locked. */
    boolean servesLockedCard(byte ins, byte p1) {
        return false;
    }

    private void checkClass(byte ins) {
        boolean iso = (ram[Transients.HEADER] & Gp.CLA_TYPE_MASK) == 0;
        boolean good;
        switch (ins) {
            case Gp.INS_GET_DATA:
                good = true;
                break;
            case Gp.INS_MANAGE_SECURITY_ENVIRONMENT:
            case Gp.INS_PERFORM_SECURITY_OPERATION:
            case Gp.INS_EXTERNAL_AUTHENTICATE:
            case Gp.INS_INTERNAL_AUTHENTICATE:
            case Gp.INS_GET_CHALLENGE:
            case Gp.INS_GET_DATA_FILE:
                good = iso;
                break;
            case Gp.INS_GENERATE_KEY_PAIR:
            case Gp.INS_PUT_KEY:
            case Gp.INS_STORE_DATA:
            case Gp.INS_INSTALL:
            case Gp.INS_DELETE:
            case Gp.INS_GET_STATUS:
            case Gp.INS_SET_STATUS:
                good = !iso;
                break;
            default:
                ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
                return;
        }
        if (!good) {
            ISOException.throwIt(Gp.SW_CLA_NOT_SUPPORTED);
        }
    }

    /** Runs an admitted command; the response goes to the work buffer at RESPONSE. Returns its length. */
    short execute(byte ins, byte p1, byte p2) {
        switch (ins) {
            case Gp.INS_GET_DATA:
            case Gp.INS_GET_DATA_FILE:
                return getData(Util.makeShort(p1, p2), ins);
            case Gp.INS_GENERATE_KEY_PAIR:
                return generate(p1, p2);
            case Gp.INS_PUT_KEY:
                return putKey(p1, p2);
            case Gp.INS_STORE_DATA:
                return storeData(p1, p2);
            default:
                ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
                return (short) 0;
        }
    }

    final short dataOffset() {
        return transients.getShort(Transients.DATA_OFFSET);
    }

    final short dataLength() {
        return transients.getShort(Transients.DATA_LENGTH);
    }

    /** True when a session of the owner, or the card maker before issuance, may change this domain. */
    boolean mayChange() {
        return preIssuance();
    }

    /** Who writes in this domain's own dialogue: BY_OWNER in a session of its owner. */
    byte writer() {
        return Gp.BY_CARD_MAKER;
    }

    /** Told of every write of keys or data, inside its transaction. */
    void written(byte writer) { }

    final void requireChange() {
        if (!mayChange()) {
            ISOException.throwIt(Gp.SW_SECURITY_STATUS);
        }
    }

    short generate(byte p1, byte p2) {
        if (p1 != Gp.P1_READ_PUBLIC_KEY || p2 != 0) {
            ISOException.throwIt(p1 == Gp.P1_GENERATE && p2 == 0 ? Gp.SW_CONDITIONS : Gp.SW_WRONG_P1P2);
        }
        return readPublicKey(work, dataOffset(), dataLength(), work, Transients.RESPONSE);
    }

    /** GENERATE with P1 81: data empty or {@code A4 04 84 02 KVN KID}; answers {@code 7F49}. */
    final short readPublicKey(byte[] buffer, short offset, short length, byte[] out, short outOffset) {
        if (length != 0) {
            short end = (short) (offset + length);
            byte version = keyReference(buffer, offset, end);
            if (Tlv.length(buffer, offset, end) != 4) {
                ISOException.throwIt(Gp.SW_WRONG_DATA);
            }
            if (!pairs.present() || version != pairs.version()) {
                ISOException.throwIt(Gp.SW_NOT_FOUND);
            }
        }
        if (!pairs.present()) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        return publicKeyObject(out, outOffset);
    }

    /** KVN of {@code A4 L {84 02 KVN KID ...}} that fills the data; 6A80 out of form, 6A88 another KID. */
    static byte keyReference(byte[] buffer, short offset, short end) {
        short field = Tlv.expect(buffer, offset, end, Gp.TAG_AUTHENTICATION_TEMPLATE);
        if (Tlv.next(buffer, offset, end) != end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        short value = Tlv.expect(buffer, field, end, Gp.TAG_KEY_REFERENCE);
        if (Tlv.length(buffer, field, end) != 2 || buffer[value] <= 0) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        if (buffer[(short) (value + 1)] != Gp.KID_PAIR) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        return buffer[value];
    }

    /** Writes {@code 7F49 L {81 L N, 82 03 010001}} of the current pair; returns its length. */
    final short publicKeyObject(byte[] out, short offset) {
        short modulus = pairs.modulusLength();
        short inner = (short) (Tlv.headerSize(Gp.TAG_MODULUS, modulus) + modulus + 5);
        short end = Tlv.header(out, offset, Gp.TAG_PUBLIC_KEY, inner);
        end = Tlv.header(out, end, Gp.TAG_MODULUS, modulus);
        end += pairs.modulus(out, end);
        end = Tlv.put(out, end, Gp.TAG_EXPONENT, PublicKeys.EXPONENT, (short) 0, PublicKeys.EXPONENT_LENGTH);
        return (short) (end - offset);
    }

    short putKey(byte p1, byte p2) {
        requireChange();
        return putKeyData(writer(), p1, p2, work, dataOffset(), dataLength(), work, Transients.RESPONSE);
    }

    /** PUT KEY's data from this domain's session or its parent's: {@code KVN, key field} (README 5.5). */
    final short putKeyData(byte writer, byte p1, byte p2, byte[] buffer, short offset, short length,
            byte[] out, short outOffset) {
        if (p1 != 0 || (p2 != Gp.KID_TRUST_POINT && p2 != Gp.KID_PAIR)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        short end = (short) (offset + length);
        if (length < 3 || buffer[offset] <= 0) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
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

    void putTrustPoint(byte writer, byte version, byte[] buffer, short field, short end) {
        ISOException.throwIt(Gp.SW_WRONG_P1P2);
    }

    /** {@code 7F21 L ..., 00, 01 82, 01 00} behind the FF (divergence, README 5.5). */
    private void putCertificate(byte writer, byte version, byte[] buffer, short offset, short end) {
        short behind = Tlv.next(buffer, offset, end);
        if ((short) (end - behind) != 5 || buffer[behind] != 0 || buffer[(short) (behind + 1)] != 1
                || buffer[(short) (behind + 2)] != (byte) 0x82 || buffer[(short) (behind + 3)] != 1
                || buffer[(short) (behind + 4)] != 0) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        if (!pairs.present() || version != pairs.version()) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        requireCertificateFrom(writer);
        certificate.prepare(buffer, offset, behind, pairs);
        JCSystem.beginTransaction();
        adoptCertificate();
        written(writer);
        JCSystem.commitTransaction();
    }

    /** Throws when this writer may not store a certificate. */
    void requireCertificateFrom(byte writer) { }

    /** Makes the prepared certificate count; inside the caller's transaction. */
    void adoptCertificate() {
        certificate.adopt();
    }

    private void putPrivateKey(byte writer, byte version, byte[] buffer, short field, short end) {
        if (!preIssuance()) {
            ISOException.throwIt(Gp.SW_SECURITY_STATUS);
        }
        if (pairs.load(buffer, field, end)) {
            JCSystem.beginTransaction();
            pairs.adoptLoaded(version);
            written(writer);
            JCSystem.commitTransaction();
            pairs.destroyOthers();
        }
    }

    /** One STORE DATA block; the last one's whole data is worked on. */
    short storeData(byte p1, byte p2) {
        requireChange();
        if (blocks.take(p1, p2)) {
            storeObjects(writer(), work, dataOffset(), dataLength());
        }
        return (short) 0;
    }

    /** Collects a block for another domain; true when it was the last. */
    final boolean collectBlock(byte p1, byte p2) {
        return blocks.take(p1, p2);
    }

    /** Stores BER-TLV objects: all of them or none, in one transaction. */
    final void storeObjects(byte writer, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        short certified = checkObjects(buffer, offset, end);
        if (certified != Tlv.NONE) {
            requireCertificateFrom(writer);
            certificate.prepare(buffer, certified, Tlv.next(buffer, certified, end), pairs);
        }
        JCSystem.beginTransaction();
        for (short at = offset; at < end; at = Tlv.next(buffer, at, end)) {
            if (at == certified) {
                adoptCertificate();
            } else {
                data.store(Tlv.tag(buffer, at, end), buffer, Tlv.value(buffer, at, end), Tlv.length(buffer, at, end));
            }
        }
        written(writer);
        JCSystem.commitTransaction();
    }

    /** Checks a list of objects; returns the offset of the one certificate in it, or NONE. */
    private short checkObjects(byte[] buffer, short offset, short end) {
        short certified = Tlv.NONE;
        if (offset == end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        for (short at = offset; at < end; at = Tlv.next(buffer, at, end)) {
            short tag = Tlv.tag(buffer, at, end);
            Tlv.value(buffer, at, end);
            if (tag == Gp.TAG_CERTIFICATE) {
                if (certified != Tlv.NONE) {
                    ISOException.throwIt(Gp.SW_WRONG_DATA);
                }
                certified = at;
                continue;
            }
            if (!data.knows(tag) || (tag == Gp.TAG_PROVIDER && !preIssuance())) {
                ISOException.throwIt(Gp.SW_NOT_FOUND);
            }
            data.check(tag, Tlv.length(buffer, at, end));
        }
        return certified;
    }

    /** GET DATA: class 8x answers the object, class 0x its value (GPCS 11.3). */
    private short getData(short tag, byte ins) {
        if (tag == Gp.TAG_ATTESTATION && ins == Gp.INS_GET_DATA) {
            return attestation();
        }
        short length = dataLength();
        short offset = dataOffset();
        if (length != 0 && (length != 2 || work[offset] != (byte) Gp.TAG_TAG_LIST || work[(short) (offset + 1)] != 0)) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        short out = Transients.RESPONSE;
        boolean valueOnly = (ram[Transients.HEADER] & Gp.CLA_TYPE_MASK) == 0;
        if (tag == Gp.TAG_CERTIFICATE) {
            short size = certificate.value(work, out);
            return valueOnly ? strip(out, size) : size;
        }
        short size = dataObject(tag, out);
        if (valueOnly) {
            return size;
        }
        if (tag == Gp.TAG_OBJECT_DIRECTORY) {
            // a file id, not a BER tag: two bytes as they are
            Util.arrayCopyNonAtomic(work, out, work, (short) (out + 3), size);
            Util.setShort(work, out, tag);
            work[(short) (out + 2)] = (byte) size;
            return (short) (size + 3);
        }
        return Tlv.enclose(work, out, tag, size);
    }

    private short strip(short out, short size) {
        short end = (short) (out + size);
        short value = Tlv.value(work, out, end);
        Util.arrayCopyNonAtomic(work, value, work, out, (short) (end - value));
        return (short) (end - value);
    }

    /** Writes the value of a data object; 6A88 when there is none. */
    private short dataObject(short tag, short out) {
        switch (tag) {
            case Gp.TAG_CARD_DATA:
                return Tlv.enclose(work, out, Gp.TAG_RECOGNITION, CardData.recognition(work, out, speaksScp10()));
            case Gp.TAG_KEY_INFORMATION:
                return (short) (keyInformation(out) - out);
            case Gp.TAG_LEVEL:
                work[out] = ram[Transients.LEVEL];
                return (short) 1;
            case Gp.TAG_OBJECT_DIRECTORY:
                return CardData.objectDirectory(work, out);
            case Gp.TAG_IIN:
            case Gp.TAG_CIN:
            case Gp.TAG_PRODUCTION:
                return data.value(tag, work, out);
            default:
                ISOException.throwIt(Gp.SW_NOT_FOUND);
                return (short) 0;
        }
    }

    boolean speaksScp10() {
        return true;
    }

    short attestation() {
        ISOException.throwIt(Gp.SW_NOT_FOUND);
        return (short) 0;
    }

    /** Writes the C0 entries of template E0; returns the offset behind. */
    short keyInformation(short out) {
        if (!pairs.present()) {
            return out;
        }
        return CardData.keyEntry(work, out, Gp.KID_PAIR, pairs.version(), pairs.modulusLength());
    }

    private short selectResponse() {
        short out = Transients.RESPONSE;
        short size = Tlv.enclose(work, out, Gp.TAG_RECOGNITION, CardData.recognition(work, out, speaksScp10()));
        size = CardData.maximumCommandLength(work, (short) (out + size), out);
        size = Tlv.enclose(work, out, Gp.TAG_FCI_PROPRIETARY, size);
        short aidSize = (short) (2 + ownAid.length);
        Util.arrayCopyNonAtomic(work, out, work, (short) (out + aidSize), size);
        Tlv.put(work, out, Gp.TAG_FCI_AID, ownAid, (short) 0, (short) ownAid.length);
        return Tlv.enclose(work, out, Gp.TAG_FCI, (short) (size + aidSize));
    }
}
