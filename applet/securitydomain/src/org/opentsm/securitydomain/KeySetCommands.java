package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * PUT KEY of a static key set: {@code KVN, three times 88 L [real length] key 03 KCV}, the keys under the session's DEK
 * and, in clear before issuance, as they are (GPCS 11.8.2.3, Amendment D 7.2).
 */
final class KeySetCommands {

    /** P2: keys from KID 1 on, several of them. */
    static final byte P2_KEY_SET = (byte) 0x81;

    private static final byte FIRST_VERSION = (byte) 0x30;
    private static final byte LAST_VERSION = (byte) 0x3F;
    private static final short CHECK_LENGTH = (short) 3;
    /** Three keys of 32 bytes in the work buffer, behind every such command. */
    private static final short KEYS = (short) 700;

    private final SecurityDomain domain;
    private final KeySets sets;
    private final Scp03 protocol;
    private final byte[] work;

    KeySetCommands(SecurityDomain domain, Transients transients, KeySets sets, Scp03 protocol) {
        this.domain = domain;
        this.sets = sets;
        this.protocol = protocol;
        work = transients.work;
    }

    private static void require(boolean held) {
        if (!held) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
    }

    /** Offset of the key's bytes in the field at {@code field}, which is {@code 88 L value 03 KCV}. */
    private static short keyAt(byte[] buffer, short field, short end) {
        require((short) (end - field) > 2 && buffer[field] == Gp.KEY_AES);
        short length = Tlv.bareLength(buffer, (short) (field + 1), end);
        short value = Tlv.afterLength(buffer, (short) (field + 1), end);
        require(length == 16 || length == 17 || length == 32 || length == 33);
        return (short) (value + (length & 1));
    }

    /** Bytes from the key's offset on that stand under the DEK: 16 or 32. */
    private static short blockLength(byte[] buffer, short field, short end) {
        return (short) (Tlv.bareLength(buffer, (short) (field + 1), end) & 0x30);
    }

    /** The key's own length: named before it, or that of its blocks. */
    private static short keyLength(byte[] buffer, short field, short end) {
        short blocks = blockLength(buffer, field, end);
        short at = keyAt(buffer, field, end);
        boolean named = (Tlv.bareLength(buffer, (short) (field + 1), end) & 1) != 0;
        short length = named ? (short) buffer[(short) (at - 1)] : blocks;
        require(AesKeys.isLength(length) && (short) ((short) (length + 15) & 0x30) == blocks);
        return length;
    }

    /** Offset behind the field; its check value is there. */
    private static short behind(byte[] buffer, short field, short end) {
        short check = (short) (keyAt(buffer, field, end) + blockLength(buffer, field, end));
        require((short) (end - check) > CHECK_LENGTH && buffer[check] == CHECK_LENGTH);
        return (short) (check + 1 + CHECK_LENGTH);
    }

    /** Opens the keys of a command in place under the session's DEK. */
    static void open(SecureChannel channel, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        for (short field = (short) (offset + 1); field < end; field = behind(buffer, field, end)) {
            channel.decryptKey(buffer, keyAt(buffer, field, end), blockLength(buffer, field, end));
        }
    }

    /**
     * Puts an opened set in the place of the one with KVN {@code replaces}, or beside the others when that is 00; the
     * same KVN is replaced in any case. One transaction. Answers {@code KVN, three check values}.
     */
    short put(byte writer, byte replaces, byte[] buffer, short offset, short length, byte[] out, short outOffset) {
        short end = (short) (offset + length);
        require(length > 1 && length <= KEYS);
        byte version = buffer[offset];
        boolean initial = version == Gp.KVN_INITIAL && writer == Gp.BY_CARD_MAKER;
        require(initial || (version >= FIRST_VERSION && version <= LAST_VERSION));
        short before = sets.find(version);
        if (replaces != 0) {
            short named = sets.find(replaces);
            if (named == KeySets.NONE) {
                ISOException.throwIt(Gp.SW_NOT_FOUND);
            }
            require(before == KeySets.NONE || before == named);
            before = named;
        }
        short keyLength = collect(buffer, (short) (offset + 1), end);
        sets.prepare(work, KEYS, keyLength, before);
        out[outOffset] = version;
        for (short i = 0; i < KeySets.KEYS; i++) {
            protocol.checkValue(work, (short) (KEYS + (short) (i * KeySets.KEY_MAX)), keyLength, out,
                    (short) (outOffset + 1 + (short) (i * CHECK_LENGTH)));
        }
        Util.arrayFillNonAtomic(work, KEYS, (short) (KeySets.KEYS * KeySets.KEY_MAX), (byte) 0);
        JCSystem.beginTransaction();
        sets.adopt(version, writer, before);
        domain.written(writer);
        JCSystem.commitTransaction();
        sets.wipeDropped();
        return (short) (1 + KeySets.KEYS * CHECK_LENGTH);
    }

    /** Copies the three keys, all of one length, to KEYS, and checks their check values: 6982. Returns the length. */
    private short collect(byte[] buffer, short field, short end) {
        Util.arrayFillNonAtomic(work, KEYS, (short) (KeySets.KEYS * KeySets.KEY_MAX), (byte) 0);
        short common = (short) 0;
        for (short i = 0; i < KeySets.KEYS; i++) {
            short length = keyLength(buffer, field, end);
            require(i == 0 || length == common);
            common = length;
            short to = (short) (KEYS + (short) (i * KeySets.KEY_MAX));
            Util.arrayCopyNonAtomic(buffer, keyAt(buffer, field, end), work, to, length);
            short next = behind(buffer, field, end);
            short check = (short) (KEYS + KeySets.KEYS * KeySets.KEY_MAX);
            protocol.checkValue(work, to, length, work, check);
            if (Util.arrayCompare(work, check, buffer, (short) (next - CHECK_LENGTH), CHECK_LENGTH) != 0) {
                ISOException.throwIt(Gp.SW_SECURITY_STATUS);
            }
            field = next;
        }
        require(field == end);
        return common;
    }

    /** Appends an entry of every key; returns the offset behind. */
    short information(byte[] out, short offset) {
        for (short set = sets.first(); set != KeySets.NONE; set = sets.after(set)) {
            for (byte kid = (byte) 1; kid <= KeySets.KEYS; kid++) {
                offset = CardData.aesEntry(out, offset, kid, (byte) sets.version(set), (byte) sets.keyLength(set));
            }
        }
        return offset;
    }
}
