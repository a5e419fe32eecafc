// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** PUT KEY into the key store, and DELETE [key]: each command whole, in one transaction (GPCS 11.8, 11.2.2.3.2). */
final class StoredKeys {

    /** P2 without the bit that announces several keys, with ascending identifiers. */
    private static final byte ID_MASK = (byte) 0x7F;

    private static final byte UNKNOWN = (byte) 0;

    /** The work buffer behind every such command: a key's value. */
    private static final short VALUE = (short) (Transients.WORK_SIZE - KeyStore.VALUE_MAX - Cmac.BLOCK);

    private final SecurityDomain domain;
    private final byte[] work;
    private final KeyStore store;
    private final BlockCiphers ciphers;

    StoredKeys(SecurityDomain domain, Transients transients, KeyStore store, BlockCiphers ciphers) {
        this.domain = domain;
        this.store = store;
        this.ciphers = ciphers;
        work = transients.work;
    }

    private void wipeValue() {
        Bytes.wipe(work, VALUE, (short) (Transients.WORK_SIZE - VALUE));
    }

    /**
     * Puts keys whose secrets were opened: {@code KVN, field..} (see {@link KeyField}). P1 names the version they
     * replace: same type and length (GPCS 11.8.2.1); with 00 they stand beside the others, or in the place of the same
     * version and identifier. Answers {@code KVN, check value..}.
     */
    short put(
            byte writer,
            byte replaces,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] out,
            short outOffset) {
        short end = (short) (offset + length);
        Tlv.require(length > 3 && (short) (offset + length) <= VALUE);
        byte version = buffer[offset];
        Tlv.require(version > 0 || (version == Gp.KVN_INITIAL && writer == Gp.BY_CARD_MAKER));
        byte id = (byte) (p2 & ID_MASK);
        if (id == 0) {
            Refuse.parameters();
        }
        store.wipe();
        try {
            prepareAll(version, id, replaces, buffer, (short) (offset + 1), end);
        } catch (RuntimeException e) {
            wipeValue();
            throw e;
        }
        wipeValue();
        JCSystem.beginTransaction();
        store.adopt(writer, replaces);
        boolean opens = domain.channel.opensWith(version);
        if (version != Gp.KVN_INITIAL && opens && !domain.isOverTheAir(version)) {
            // the keys a card is delivered with end with the first set that opens a session
            store.dropVersion(Gp.KVN_INITIAL);
        }
        domain.written(writer);
        if (opens) {
            domain.personalized();
        }
        JCSystem.commitTransaction();
        store.wipe();
        return answer(version, buffer, offset, end, out, outOffset);
    }

    /** As many keys as there are, whether P2 says so or not. */
    private void prepareAll(byte version, byte id, byte replaces, byte[] buffer, short at, short end) {
        while (at < end) {
            Tlv.require(id > 0);
            at = prepare(version, id, replaces, buffer, at, end);
            id++;
        }
    }

    /**
     * Writes {@code KVN, check value..}; the answer may lie over the fields, which are longer than what it takes of
     * them.
     */
    private static short answer(byte version, byte[] buffer, short offset, short end, byte[] out, short outOffset) {
        short to = (short) (outOffset + 1);
        short at = (short) (offset + 1);
        while (at < end) {
            boolean extended = KeyField.isExtended(buffer, at);
            short check = KeyField.components(buffer, at, end);
            at = KeyField.tail(buffer, check, end, extended);
            to = Util.arrayCopyNonAtomic(buffer, (short) (check + 1), out, to, buffer[check]);
        }
        out[outOffset] = version;
        return (short) (to - outOffset);
    }

    /** Writes one field's key to the store; returns the offset behind the field. */
    private short prepare(byte version, byte id, byte replaces, byte[] buffer, short field, short end) {
        Tlv.require(KeyField.isComponent(buffer, field, end));
        boolean extended = KeyField.isExtended(buffer, field);
        byte type = KeyField.type(buffer, field, end);
        short check = KeyField.components(buffer, field, end);
        short behind = KeyField.tail(buffer, check, end, extended);
        short length = KeyField.isSymmetric(type)
                ? symmetric(type, buffer, field, check, end)
                : asymmetric(buffer, field, check);
        if (domain.contentKeys != null) {
            domain.contentKeys.check(version, id, type, work, VALUE, length);
        }
        type = KeyField.isDes(type) ? Gp.KEY_DES : type;
        checkPlace(version, id, replaces, type, length);
        if (type == Gp.KEY_DES || type == Gp.KEY_AES || (type == Gp.KEY_TLS_PSK && buffer[check] != 0)) {
            Tlv.require(buffer[check] == BlockCiphers.CHECK_LENGTH);
            checkValue(type, length, buffer, (short) (check + 1));
        } else {
            // no check value is defined for the others, and some hosts send a pre-shared key without
            Tlv.require(buffer[check] == 0);
        }
        store.prepare(version, id, type, work, VALUE, length);
        return behind;
    }

    /** 6982 where the key at VALUE has another check value; nothing of it stays then. */
    private void checkValue(byte type, short length, byte[] buffer, short given) {
        if (!ciphers.hasCheckValue(type, work, VALUE, length, buffer, given)) {
            wipeValue();
            Refuse.security();
        }
    }

    /** 6A80 for a secret of a length that its type has not. */
    private static void requireLength(byte type, short length) {
        Tlv.require(
                type == Gp.KEY_AES || KeyField.isDes(type)
                        ? length == 16 || length == 24 || (length == 32 && type == Gp.KEY_AES)
                        : length <= 128);
    }

    /** Copies a key of one secret component to VALUE; returns its length. */
    private short symmetric(byte type, byte[] buffer, short field, short check, short end) {
        Tlv.require(KeyField.behind(buffer, field, end) == check);
        short length = KeyField.secretLength(buffer, field, check);
        requireLength(type, length);
        Util.arrayCopyNonAtomic(buffer, KeyField.secret(buffer, field, check), work, VALUE, length);
        return length;
    }

    /**
     * Writes a key's components to VALUE as {@code type L value}, their secrets without padding; returns the length.
     */
    private short asymmetric(byte[] buffer, short field, short check) {
        short out = VALUE;
        byte before = UNKNOWN;
        for (short at = field; at < check; at = KeyField.behind(buffer, at, check)) {
            byte type = KeyField.type(buffer, at, check);
            Tlv.require(follows(before, type));
            boolean secret = KeyField.isSecret(type);
            short value = secret ? KeyField.secret(buffer, at, check) : KeyField.value(buffer, at, check);
            short length = secret ? KeyField.secretLength(buffer, at, check) : KeyField.length(buffer, at, check);
            if ((short) (length + 4) > (short) (VALUE + KeyStore.VALUE_MAX - out)) {
                ISOException.throwIt(Gp.SW_NO_SPACE);
            }
            out = Tlv.put(work, out, (short) (type & 0xFF), buffer, value, length);
            before = type;
        }
        // a modulus alone is no key
        Tlv.require(before != Gp.KEY_RSA_MODULUS && before != Gp.KEY_RSA_PRIVATE_MODULUS);
        return (short) (out - VALUE);
    }

    /**
     * True when a component may stand behind another one: RSA A1 A0, A1|A2 A3, A4 to A8; ECC B0|B1 F0, or B2 to B7, or
     * F0 B2 to B7.
     */
    private static boolean follows(byte before, byte type) {
        switch (type) {
            case Gp.KEY_RSA_MODULUS:
            case Gp.KEY_RSA_PRIVATE_MODULUS:
            case Gp.KEY_RSA_P:
            case Gp.KEY_ECC_PUBLIC:
            case Gp.KEY_ECC_PRIVATE:
                return before == UNKNOWN;
            case Gp.KEY_RSA_EXPONENT:
                return before == Gp.KEY_RSA_MODULUS;
            case Gp.KEY_RSA_D:
                return before == Gp.KEY_RSA_MODULUS || before == Gp.KEY_RSA_PRIVATE_MODULUS;
            case Gp.KEY_ECC_REFERENCE:
                return before == UNKNOWN || before == Gp.KEY_ECC_PUBLIC || before == Gp.KEY_ECC_PRIVATE;
            default:
                boolean crt = type > Gp.KEY_RSA_P && type <= Gp.KEY_RSA_DQ1 && before == (byte) (type - 1);
                boolean curve = type > Gp.KEY_ECC_PRIVATE
                        && type <= Gp.KEY_ECC_COFACTOR
                        && (before == Gp.KEY_ECC_REFERENCE || (before >= Gp.KEY_ECC_PUBLIC && before < type));
                return crt || curve;
        }
    }

    /** 6A88 for a key to replace that is not there, 6A80 where the new one is of another kind or its place is taken. */
    private void checkPlace(byte version, byte id, byte replaces, byte type, short length) {
        Tlv.require(!domain.keys.isReference(version, id));
        if (replaces == 0) {
            return;
        }
        short old = store.find(replaces, id);
        if (old == KeyStore.NONE) {
            Refuse.notFound();
        }
        Tlv.require(store.type(old) == type && (!KeyField.isSymmetric(type) || store.length(old) == length));
        Tlv.require(version == replaces || store.find(version, id) == KeyStore.NONE);
    }

    /**
     * Writes the keys of one of STORE DATA's lists, opened: {@code 00B9 {B9 {80 type, 81 length, 82 KID, 83 KVN, [95
     * usage], [96 access], [84 KCV]}..}} and right behind it an 8113 for each (GPCS 11.11.3.2.4). They count after
     * {@link #adopt}. Returns the offset behind the last of them.
     */
    short prepare(byte[] buffer, short list, short end) {
        // a key's value is put together where longer data would stand
        Tlv.require(end <= VALUE);
        short behind = Dgi.next(buffer, list, end);
        short at = behind;
        for (short template = Dgi.value(buffer, list, end);
                template < behind;
                template = Tlv.next(buffer, template, behind)) {
            Tlv.require(Tlv.tag(buffer, template, behind) == Gp.TAG_KEY_TEMPLATE
                    && at < end
                    && Dgi.id(buffer, at, end) == Dgi.SECRET_KEY);
            prepare(
                    buffer,
                    Tlv.value(buffer, template, behind),
                    Tlv.next(buffer, template, behind),
                    Dgi.value(buffer, at, end),
                    Dgi.length(buffer, at, end));
            at = Dgi.next(buffer, at, end);
        }
        return at;
    }

    private void prepare(byte[] buffer, short part, short end, short value, short room) {
        byte type = one(buffer, part, end, Gp.TAG_ALGORITHM);
        short length = (short) (one(buffer, part, end, Gp.TAG_MODULUS) & 0xFF);
        byte id = one(buffer, part, end, Gp.TAG_EXPONENT);
        byte version = one(buffer, part, end, Gp.TAG_PUBLIC_KEY_REFERENCE);
        Tlv.require(KeyField.isSymmetric(type) && id > 0 && version > 0 && length > 0 && length <= room);
        requireLength(type, length);
        type = KeyField.isDes(type) ? Gp.KEY_DES : type;
        checkPlace(version, id, (byte) 0, type, length);
        short check = Tlv.find(buffer, part, end, Gp.TAG_KEY_REFERENCE);
        // none is defined for keys of HMAC, whose types are the highest
        Tlv.require(check == Tlv.NONE
                || (type < Gp.KEY_HMAC_SHA1 && Tlv.length(buffer, check, end) == BlockCiphers.CHECK_LENGTH));
        Util.arrayCopyNonAtomic(buffer, value, work, VALUE, length);
        if (check != Tlv.NONE) {
            checkValue(type, length, buffer, Tlv.value(buffer, check, end));
        }
        store.prepare(version, id, type, work, VALUE, length);
        wipeValue();
    }

    /** The one byte of an object that must be there. */
    private static byte one(byte[] buffer, short offset, short end, short tag) {
        short object = Tlv.find(buffer, offset, end, tag);
        Tlv.require(object != Tlv.NONE && Tlv.length(buffer, object, end) == 1);
        return buffer[Tlv.value(buffer, object, end)];
    }

    /** Makes keys of {@link #prepare} count; inside the caller's transaction, behind which follows {@link #settle}. */
    void adopt(byte writer) {
        store.adopt(writer, (byte) 0);
        if (domain.channel.opens()) {
            domain.personalized();
        }
    }

    void settle() {
        store.wipe();
    }

    /** True for the data of DELETE [key], which begins with D0 or D2. */
    static boolean isDeletion(byte[] buffer, short offset, short length) {
        return length > 0
                && (buffer[offset] == (byte) Gp.TAG_KEY_IDENTIFIER || buffer[offset] == (byte) Gp.TAG_KEY_VERSION);
    }

    /**
     * DELETE [key], {@code [D0 01 KID] [D2 01 KVN]}, or {@code D2 KVN} as some hosts have it, but for version 01: every
     * key that both fit. 6A88 when there is none; 6985 for the last ones that open a session: nobody could come back.
     */
    void delete(byte writer, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        byte id = UNKNOWN;
        byte version = UNKNOWN;
        if (length == 2 && buffer[(short) (offset + 1)] > 1 && buffer[offset] == (byte) Gp.TAG_KEY_VERSION) {
            version = buffer[(short) (offset + 1)];
            end = offset;
        }
        for (short at = offset; at < end; at = Tlv.next(buffer, at, end)) {
            short tag = Tlv.tag(buffer, at, end);
            byte value = buffer[Tlv.value(buffer, at, end)];
            Tlv.require(Tlv.length(buffer, at, end) == 1 && value != UNKNOWN);
            if (tag == Gp.TAG_KEY_IDENTIFIER && id == UNKNOWN) {
                id = value;
            } else {
                Tlv.require(tag == Gp.TAG_KEY_VERSION && version == UNKNOWN);
                version = value;
            }
        }
        store.wipe();
        JCSystem.beginTransaction();
        boolean found = domain.keys.dropReferenced(version, id);
        for (short key = store.next(KeyStore.NONE); key != KeyStore.NONE; key = store.next(key)) {
            if ((version == UNKNOWN || store.version(key) == version) && (id == UNKNOWN || store.id(key) == id)) {
                store.dropKey(key);
                found = true;
            }
        }
        if (!found || (writer != Gp.BY_CARD_MAKER && !domain.channel.opens())) {
            JCSystem.abortTransaction();
            ISOException.throwIt(found ? Gp.SW_CONDITIONS : Gp.SW_NOT_FOUND);
        }
        domain.written(writer);
        JCSystem.commitTransaction();
        store.wipe();
        domain.pairs.destroyOthers();
    }

    /** Appends an entry C0 of every key; returns the offset behind. */
    short information(byte[] out, short offset) {
        for (short key = store.next(KeyStore.NONE); key != KeyStore.NONE; key = store.next(key)) {
            if (KeyField.isSymmetric(store.type(key))) {
                offset = CardData.symmetricEntry(
                        out, offset, store.id(key), store.version(key), store.type(key), store.length(key));
            } else {
                offset = components(key, out, offset);
            }
        }
        return offset;
    }

    /** {@code C0 L KID KVN {type length}..} from the components of a key. */
    private short components(short key, byte[] out, short offset) {
        short end = (short) (VALUE + store.read(key, work, VALUE));
        short at = (short) (offset + 2);
        out[at++] = store.id(key);
        out[at++] = store.version(key);
        for (short part = VALUE; part < end; part = KeyField.behind(work, part, end)) {
            short length = KeyField.length(work, part, end);
            out[at++] = KeyField.type(work, part, end);
            out[at++] = KeyField.type(work, part, end) == Gp.KEY_ECC_REFERENCE
                    ? work[KeyField.value(work, part, end)]
                    : length > 255 ? (byte) 0 : (byte) length;
        }
        wipeValue();
        out[offset] = (byte) Gp.TAG_KEY_INFORMATION_ENTRY;
        out[(short) (offset + 1)] = (byte) (at - offset - 2);
        return at;
    }
}
