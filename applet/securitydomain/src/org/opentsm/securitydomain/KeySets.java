package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * Static key sets of the symmetric protocols: three keys under one KVN. A new set is written to a free slot and becomes
 * valid with one byte. The keys stand enciphered under a key object made for it, so that persistent memory read out
 * by itself tells none.
 */
final class KeySets {

    static final short NONE = (short) -1;
    static final short KEYS = (short) 3;
    static final short KEY_MAX = (short) 32;
    static final short SEQUENCE_LENGTH = (short) 3;

    /** Three sets and the place of a fourth that replaces one of them. */
    private static final short SLOTS = (short) 4;
    private static final short SETS_MAX = (short) 3;

    // Slot: KVN (0: free), who put it, key length, sequence counter, keys
    private static final short VERSION = (short) 0;
    private static final short MAKER = (short) 1;
    private static final short KEY_LENGTH = (short) 2;
    private static final short SEQUENCE = (short) 3;
    private static final short FIRST_KEY = (short) (SEQUENCE + SEQUENCE_LENGTH);
    private static final short SLOT_SIZE = (short) (FIRST_KEY + (short) (KEYS * KEY_MAX));

    private final byte[] slots = new byte[(short) (SLOTS * SLOT_SIZE)];
    private final AESKey storage = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
    private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
    private final RandomData random;
    private short prepared = NONE;

    KeySets(RandomData random) {
        this.random = random;
    }

    private static short at(short slot) {
        return (short) (slot * SLOT_SIZE);
    }

    boolean present() {
        return first() != NONE;
    }

    /** The slot of the lowest KVN, or NONE: what INITIALIZE UPDATE with KVN 00 takes. */
    short first() {
        short found = NONE;
        for (short slot = 0; slot < SLOTS; slot++) {
            short version = version(slot);
            if (version != 0 && (found == NONE || version < version(found))) {
                found = slot;
            }
        }
        return found;
    }

    /** The slot after this one by ascending KVN, or NONE. */
    short after(short before) {
        short found = NONE;
        for (short slot = 0; slot < SLOTS; slot++) {
            short version = version(slot);
            if (version > version(before) && (found == NONE || version < version(found))) {
                found = slot;
            }
        }
        return found;
    }

    /** The slot of a KVN, or NONE. */
    short find(byte version) {
        for (short slot = 0; slot < SLOTS; slot++) {
            if (version(slot) == (short) (version & 0xFF) && version != 0) {
                return slot;
            }
        }
        return NONE;
    }

    /** KVN of a slot as 0 to 255; 0 when it is free. */
    short version(short slot) {
        return (short) (slots[(short) (at(slot) + VERSION)] & 0xFF);
    }

    short keyLength(short slot) {
        return slots[(short) (at(slot) + KEY_LENGTH)];
    }

    /** Writes one of the three keys. */
    void key(short slot, short index, byte[] out, short offset) {
        cipher.init(storage, Cipher.MODE_DECRYPT);
        cipher.doFinal(slots, (short) (at(slot) + FIRST_KEY + (short) (index * KEY_MAX)), KEY_MAX, out, offset);
    }

    /**
     * Writes three keys to a free slot; they count after {@link #adopt}. 6A84 when there is no room for another set.
     *
     * @param keys three keys of 32 bytes each, the short ones filled up: ENC, MAC, DEK
     */
    void prepare(byte[] keys, short offset, short length, short replaces) {
        short used = (short) 0;
        prepared = NONE;
        for (short slot = 0; slot < SLOTS; slot++) {
            if (version(slot) == 0) {
                prepared = slot;
            } else if (slot != replaces) {
                used++;
            }
        }
        if (used >= SETS_MAX || prepared == NONE) {
            ISOException.throwIt(Gp.SW_NO_SPACE);
        }
        if (!storage.isInitialized()) {
            // not at install: the card draws randomness for others then. The keys' place has room for it
            random.generateData(slots, (short) (at(prepared) + FIRST_KEY), Cmac.BLOCK);
            storage.setKey(slots, (short) (at(prepared) + FIRST_KEY));
        }
        short at = at(prepared);
        // first: a slot with a length and no version is wiped
        slots[(short) (at + KEY_LENGTH)] = (byte) length;
        Util.arrayFillNonAtomic(slots, (short) (at + SEQUENCE), SEQUENCE_LENGTH, (byte) 0);
        for (short i = 0; i < KEYS; i++) {
            short from = (short) (i * KEY_MAX);
            cipher.init(storage, Cipher.MODE_ENCRYPT);
            cipher.doFinal(keys, (short) (offset + from), KEY_MAX, slots, (short) (at + FIRST_KEY + from));
        }
    }

    /** Makes the prepared set count in place of another one, or beside the others; inside the caller's transaction. */
    void adopt(byte version, byte maker, short replaces) {
        if (replaces != NONE) {
            drop(replaces);
        }
        short initial = find(Gp.KVN_INITIAL);
        if (initial != NONE && version != Gp.KVN_INITIAL) {
            drop(initial);
        }
        slots[(short) (at(prepared) + MAKER)] = maker;
        slots[(short) (at(prepared) + VERSION)] = version;
    }

    private void drop(short slot) {
        slots[(short) (at(slot) + VERSION)] = 0;
    }

    /** Drops every set that did not come from the owner; inside the caller's transaction. */
    void dropAllButOwners() {
        for (short slot = 0; slot < SLOTS; slot++) {
            if (slots[(short) (at(slot) + MAKER)] != Gp.BY_OWNER) {
                drop(slot);
            }
        }
    }

    /** Overwrites what no longer counts. */
    void wipeDropped() {
        for (short slot = 0; slot < SLOTS; slot++) {
            short length = (short) (at(slot) + KEY_LENGTH);
            if (version(slot) == 0 && slots[length] != 0) {
                Util.arrayFillNonAtomic(slots, (short) (at(slot) + FIRST_KEY), (short) (KEYS * KEY_MAX), (byte) 0);
                slots[length] = 0;
            }
        }
    }

    void destroyAll() {
        for (short slot = 0; slot < SLOTS; slot++) {
            drop(slot);
        }
        wipeDropped();
        if (storage.isInitialized()) {
            storage.clearKey();
        }
    }

    /** Counts one session on and writes the counter; 6985 at its end. One atomic write. */
    void nextSequence(short slot, byte[] out, short offset) {
        short counter = (short) (at(slot) + SEQUENCE);
        Util.arrayCopyNonAtomic(slots, counter, out, offset, SEQUENCE_LENGTH);
        short digit = (short) (SEQUENCE_LENGTH - 1);
        while (digit >= 0) {
            out[(short) (offset + digit)]++;
            if (out[(short) (offset + digit)] != 0) {
                break;
            }
            digit--;
        }
        if (digit < 0) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        Util.arrayCopy(out, offset, slots, counter, SEQUENCE_LENGTH);
    }
}
