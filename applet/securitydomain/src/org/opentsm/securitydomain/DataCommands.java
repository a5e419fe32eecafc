package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** GET DATA and STORE DATA (README 5.4, 5.6). */
final class DataCommands {

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;
    private final DataObjects data;
    private final KeyPairs pairs;
    private final CertificateStore certificate;
    private final StoreDataReader blocks;

    DataCommands(SecurityDomain domain, Transients transients, DataObjects data, KeyPairs pairs,
            CertificateStore certificate) {
        this.domain = domain;
        this.transients = transients;
        this.data = data;
        this.pairs = pairs;
        this.certificate = certificate;
        ram = transients.ram;
        work = transients.work;
        blocks = new StoreDataReader(transients);
    }

    /** A command of the domain's own dialogue; the response goes to RESPONSE. */
    short execute(byte ins, byte p1, byte p2) {
        if (ins != Gp.INS_STORE_DATA) {
            return getData(Util.makeShort(p1, p2), ins);
        }
        domain.requireChange();
        if (collect(p1, p2)) {
            store(domain.writer(), work, transients.dataOffset(), transients.dataLength());
        }
        return (short) 0;
    }

    /** Takes one STORE DATA block; true when it was the last, with the whole in DATA_OFFSET and DATA_LENGTH. */
    boolean collect(byte p1, byte p2) {
        return blocks.take(p1, p2);
    }

    /** Stores BER-TLV objects: all of them or none, in one transaction. */
    void store(byte writer, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        short certified = checkObjects(buffer, offset, end);
        if (certified != Tlv.NONE) {
            domain.requireCertificateFrom(writer);
            certificate.prepare(buffer, certified, Tlv.next(buffer, certified, end), pairs);
        }
        JCSystem.beginTransaction();
        for (short at = offset; at < end; at = Tlv.next(buffer, at, end)) {
            if (at == certified) {
                domain.adoptCertificate();
            } else {
                data.store(Tlv.tag(buffer, at, end), buffer, Tlv.value(buffer, at, end), Tlv.length(buffer, at, end));
            }
        }
        domain.written(writer);
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
            if (!data.knows(tag) || (tag == Gp.TAG_PROVIDER && !domain.preIssuance())) {
                ISOException.throwIt(Gp.SW_NOT_FOUND);
            }
            data.check(tag, Tlv.length(buffer, at, end));
        }
        return certified;
    }

    /** GET DATA: class 8x answers the object, class 0x its value (GPCS 11.3). */
    private short getData(short tag, byte ins) {
        if (tag == Gp.TAG_ATTESTATION && ins == Gp.INS_GET_DATA) {
            return domain.attestation();
        }
        short length = transients.dataLength();
        short offset = transients.dataOffset();
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
                return Tlv.enclose(work, out, Gp.TAG_RECOGNITION, domain.recognition(out));
            case Gp.TAG_CAPABILITIES:
                return domain.capabilities(out);
            case Gp.TAG_KEY_INFORMATION:
                return domain.keys.information(work, out);
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
}
