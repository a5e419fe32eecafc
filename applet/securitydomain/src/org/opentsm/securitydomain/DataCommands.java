// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/** GET DATA, STORE DATA and PUT DATA (README 5.4, 5.6). */
final class DataCommands {

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;
    private final DataObjects data;
    private final KeyPairs pairs;
    private final CertificateStore certificate;
    private final StoreDataReader blocks;

    DataCommands(
            SecurityDomain domain,
            Transients transients,
            DataObjects data,
            KeyPairs pairs,
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
        short tag = Util.makeShort(p1, p2);
        if (Commands.reads(ins)) {
            return getData(tag, ins);
        }
        domain.requireChange();
        byte writer = domain.writer();
        if (ins == Gp.INS_PUT_DATA) {
            // the domain's own tags alone, and no certificate: what stands before the data is one of these
            Tlv.require(data.knows(tag));
            short offset = transients.dataOffset();
            store(writer, (byte) 0, work, offset, Tlv.enclose(work, offset, tag, transients.dataLength()));
        } else if (collect(p1, p2)) {
            if (writer != Gp.BY_CARD_MAKER) {
                openKeys(domain.channel, p1, work, transients.dataOffset(), transients.dataLength());
            }
            store(writer, p1, work, transients.dataOffset(), transients.dataLength());
        }
        return (short) 0;
    }

    /** Takes one STORE DATA block; true when it was the last, with the whole in DATA_OFFSET and DATA_LENGTH. */
    boolean collect(byte p1, byte p2) {
        return blocks.take(p1, p2);
    }

    private static boolean isGrouped(byte p1) {
        return (p1 & Gp.P1_STORE_STRUCTURE) == Gp.P1_STORE_DGI;
    }

    /** Opens the keys in the data of the last block, whose P1 is given, under the session's key; in place. */
    static void openKeys(SecureChannel channel, byte p1, byte[] buffer, short offset, short length) {
        if (isGrouped(p1)) {
            Dgi.open(channel, buffer, offset, length);
        }
    }

    /**
     * Stores BER-TLV objects, plain or in grouping 0070, and keys of groupings: all of them or none, in one
     * transaction. 6A80 for objects under a key: no object here is secret.
     */
    void store(byte writer, byte p1, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        Tlv.require(length > 0);
        if (!isGrouped(p1)) {
            Tlv.require((p1 & Gp.P1_STORE_ENCRYPTED) != Gp.P1_STORE_ENCRYPTED);
            store(writer, false, buffer, offset, end);
            return;
        }
        short objects = Dgi.find(buffer, offset, end, Dgi.OBJECTS);
        boolean withKeys = domain.keys.prepare(buffer, offset, end);
        if (objects == Tlv.NONE) {
            store(writer, true, buffer, end, end);
        } else {
            store(writer, withKeys, buffer, Dgi.value(buffer, objects, end), Dgi.next(buffer, objects, end));
        }
    }

    private void store(byte writer, boolean withKeys, byte[] buffer, short offset, short end) {
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
                store(Tlv.tag(buffer, at, end), buffer, Tlv.value(buffer, at, end), Tlv.length(buffer, at, end));
            }
        }
        if (withKeys) {
            domain.keys.adopt(writer);
        }
        domain.written(writer);
        JCSystem.commitTransaction();
        if (withKeys) {
            domain.keys.settle();
        }
    }

    /** One object; the registry has the issuer domain's name too, and refuses one that is taken. */
    private void store(short tag, byte[] buffer, short value, short length) {
        if (tag == Gp.TAG_AID) {
            domain.open()
                    .manage(Gp.INS_STORE_DATA, (byte) 0, (byte) tag, buffer, value, length, buffer, value, (short) 0);
        }
        data.store(tag, buffer, value, length);
    }

    /** Checks a list of objects; returns the offset of the one certificate in it, or NONE. */
    private short checkObjects(byte[] buffer, short offset, short end) {
        short certified = Tlv.NONE;
        for (short at = offset; at < end; at = Tlv.next(buffer, at, end)) {
            short tag = Tlv.tag(buffer, at, end);
            Tlv.value(buffer, at, end);
            if (tag == Gp.TAG_CERTIFICATE) {
                if (certified != Tlv.NONE) {
                    Refuse.data();
                }
                certified = at;
                continue;
            }
            if (!data.knows(tag) || (tag == Gp.TAG_PROVIDER && !domain.preIssuance())) {
                Refuse.notFound();
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
            Refuse.data();
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
        if (tag == Gp.TAG_OBJECT_DIRECTORY || tag == Gp.TAG_APPLICATIONS) {
            // a file id, not a BER tag: two bytes as they are, and a length
            size = Tlv.enclose(work, out, (short) 0, size);
            Util.arrayCopyNonAtomic(work, out, work, (short) (out + 1), size);
            Util.setShort(work, out, tag);
            return (short) (size + 1);
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
                if (!data.has(tag)) {
                    return Tlv.enclose(work, out, Gp.TAG_RECOGNITION, domain.recognition(out));
                }
                break;
            case Gp.TAG_CAPABILITIES:
                if (!data.has(tag)) {
                    return domain.capabilities(out);
                }
                break;
            case Gp.TAG_CONFIRMATIONS:
                return domain.confirmations(out);
            case Gp.TAG_SEQUENCE:
                return domain.sequence(out);
            case Gp.TAG_APPLICATIONS:
            case Gp.TAG_RESOURCES:
                if (domain.alone) {
                    Refuse.notFound();
                }
                return domain.open()
                        .manage(
                                Gp.INS_GET_DATA,
                                (byte) (tag >> 8),
                                (byte) tag,
                                work,
                                (short) 0,
                                (short) 0,
                                work,
                                out,
                                (short) (Transients.WORK_SIZE - 16 - out));
            case Gp.TAG_KEY_INFORMATION:
                return domain.keys.information(work, out);
            case Gp.TAG_LEVEL:
                work[out] = ram[Transients.LEVEL];
                return (short) 1;
            case Gp.TAG_OBJECT_DIRECTORY:
                return CardData.objectDirectory(work, out);
            case Gp.TAG_PROVIDER:
            case Gp.TAG_PERSONALIZER:
            case Gp.TAG_PRE_PERSONALIZER:
                // what has these slots is not read by them
                Refuse.notFound();
                break;
            default:
                break;
        }
        return data.value(tag, work, out);
    }
}
