// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * Keys by version and identifier, of every type PUT KEY knows besides the trust point and the domain's own pair
 * (GPCS 11.8). They stand in blocks of one array; a new key is written to free blocks and counts when the map says so,
 * so that a power cut leaves the old keys or the new ones. All is enciphered under a key object made for it:
 * persistent memory read out by itself tells none.
 */
final class KeyStore implements KeySource {

    static final short NONE = (short) -1;
    /** Keys of a set: ENC, MAC, DEK, with identifiers from 1 on. */
    static final short SET_KEYS = (short) 3;

    static final short KEY_MAX = (short) 32;
    /** Longest value: RSA-3072 with its exponent. */
    static final short VALUE_MAX = (short) 400;

    static final short SEQUENCE_LENGTH = (short) 3;

    private static final short BLOCKS = (short) 40;
    private static final short BLOCK_SIZE = (short) 41;

    // What the map says of a block
    private static final byte FREE = (byte) 0;
    private static final byte KEY = (byte) 1;
    private static final byte REST = (byte) 2;
    private static final byte WRITTEN = (byte) 3;
    private static final byte DROPPED = (byte) 4;

    // Head of a key's first block; the value follows and runs on through the blocks behind
    private static final short VERSION = (short) 0;
    private static final short ID = (short) 1;
    private static final short TYPE = (short) 2;
    private static final short MAKER = (short) 3;
    private static final short LENGTH = (short) 4;
    private static final short SEQUENCE = (short) 6;
    private static final short HEAD = (short) 9;

    private final byte[] map = new byte[BLOCKS];
    private final byte[] heap = new byte[(short) (BLOCKS * BLOCK_SIZE)];
    private final AESKey storage = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
    private final Cipher cipher = BlockCiphers.cipher(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, true);
    private final RandomData random;

    KeyStore(RandomData random) {
        this.random = random;
    }

    private static short at(short block) {
        return (short) (block * BLOCK_SIZE);
    }

    /** Blocks of a value of this length. */
    private static short size(short length) {
        return (short) ((short) (HEAD + padded(length) + BLOCK_SIZE - 1) / BLOCK_SIZE);
    }

    private static short padded(short length) {
        return (short) ((short) (length + 15) & (short) 0xFFF0);
    }

    /** The key with this version and identifier, or NONE. */
    short find(byte version, byte id) {
        for (short block = 0; block < BLOCKS; block++) {
            if (map[block] == KEY
                    && heap[(short) (at(block) + VERSION)] == version
                    && heap[(short) (at(block) + ID)] == id) {
                return block;
            }
        }
        return NONE;
    }

    /**
     * The key after {@code before} by ascending version and identifier, the first one after NONE; NONE behind the last.
     */
    short next(short before) {
        short limit = before == NONE ? (short) 0x8000 : reference(before);
        short found = NONE;
        for (short block = 0; block < BLOCKS; block++) {
            if (map[block] == KEY
                    && reference(block) > limit
                    && (found == NONE || reference(block) < reference(found))) {
                found = block;
            }
        }
        return found;
    }

    /** Version and identifier as a number that compares without sign; above 8000 for every key, as no version is 00. */
    private short reference(short key) {
        return (short) (Util.getShort(heap, (short) (at(key) + VERSION)) ^ (short) 0x8000);
    }

    byte version(short key) {
        return heap[(short) (at(key) + VERSION)];
    }

    byte id(short key) {
        return heap[(short) (at(key) + ID)];
    }

    /** Type of the key, or of its first component. */
    byte type(short key) {
        return heap[(short) (at(key) + TYPE)];
    }

    /** Who put it: BY_OWNER and the others of {@link Gp}. */
    byte maker(short key) {
        return heap[(short) (at(key) + MAKER)];
    }

    /** Length of the value in bytes. */
    short length(short key) {
        return Util.getShort(heap, (short) (at(key) + LENGTH));
    }

    /** Writes the value, which needs room for whole blocks of 16 bytes; returns its length. */
    short read(short key, byte[] out, short offset) {
        cipher.init(storage, Cipher.MODE_DECRYPT);
        cipher.doFinal(heap, (short) (at(key) + HEAD), padded(length(key)), out, offset);
        return length(key);
    }

    public byte nextVersion(byte before) {
        short key = NONE;
        do {
            key = next(key);
        } while (key != NONE && (short) (version(key) & 0xFF) <= (short) (before & 0xFF));
        return key == NONE ? NO_VERSION : version(key);
    }

    public short keyLength(byte version) {
        return length(find(version, (byte) 1));
    }

    public byte maker(byte version) {
        return maker(find(version, (byte) 1));
    }

    public void key(byte version, byte id, byte[] out, short offset) {
        read(find(version, id), out, offset);
    }

    public short value(byte version, byte id, byte[] out, short offset) {
        short key = find(version, id);
        if (key == NONE) {
            return (short) 0;
        }
        out[offset] = type(key);
        return read(key, out, (short) (offset + 1));
    }

    public byte setType(byte version, short keys) {
        byte type = (byte) 0;
        short length = (short) 0;
        for (byte id = (byte) 1; id <= keys; id++) {
            short key = find(version, id);
            if (key == NONE || (id > 1 && (type(key) != type || length(key) != length))) {
                return (byte) 0;
            }
            type = type(key);
            length = length(key);
        }
        boolean des = type == Gp.KEY_DES && length == 16;
        return des || type == Gp.KEY_AES ? type : (byte) 0;
    }

    /**
     * Writes a key to free blocks; it counts after {@link #adopt}. 6A84 when there is no room.
     *
     * @param buffer the value, behind which there is room up to a whole block of 16 bytes
     */
    void prepare(byte version, byte id, byte type, byte[] buffer, short offset, short length) {
        if (!storage.isInitialized()) {
            // not at install: the card draws randomness for others then
            random.generateData(buffer, (short) (offset + padded(length)), Cmac.BLOCK);
            storage.setKey(buffer, (short) (offset + padded(length)));
            Bytes.wipe(buffer, (short) (offset + padded(length)), Cmac.BLOCK);
        }
        short blocks = size(length);
        short first = room(blocks);
        for (short block = first; block < (short) (first + blocks); block++) {
            map[block] = WRITTEN;
        }
        short at = at(first);
        heap[(short) (at + VERSION)] = version;
        heap[(short) (at + ID)] = id;
        heap[(short) (at + TYPE)] = type;
        Util.setShort(heap, (short) (at + LENGTH), length);
        Bytes.wipe(heap, (short) (at + SEQUENCE), SEQUENCE_LENGTH);
        Bytes.wipe(buffer, (short) (offset + length), (short) (padded(length) - length));
        cipher.init(storage, Cipher.MODE_ENCRYPT);
        cipher.doFinal(buffer, offset, padded(length), heap, (short) (at + HEAD));
    }

    /** First of so many free blocks side by side. */
    private short room(short blocks) {
        short run = (short) 0;
        for (short block = 0; block < BLOCKS; block++) {
            run = map[block] == FREE ? (short) (run + 1) : (short) 0;
            if (run == blocks) {
                return (short) (block - blocks + 1);
            }
        }
        ISOException.throwIt(Gp.SW_NO_SPACE);
        return NONE;
    }

    /**
     * Makes the prepared keys count, in place of those with the same version and identifier and, where {@code replaces}
     * is not 00, of those with that version; inside the caller's transaction.
     */
    void adopt(byte maker, byte replaces) {
        short block = (short) 0;
        while (block < BLOCKS) {
            if (map[block] == WRITTEN) {
                short at = at(block);
                dropKey(find(heap[(short) (at + VERSION)], heap[(short) (at + ID)]));
                if (replaces != 0) {
                    dropKey(find(replaces, heap[(short) (at + ID)]));
                }
                heap[(short) (at + MAKER)] = maker;
                mark(block, KEY, REST);
            }
            block++;
        }
    }

    private void mark(short key, byte first, byte rest) {
        short end = (short) (key + size(length(key)));
        map[key] = first;
        for (short block = (short) (key + 1); block < end; block++) {
            map[block] = rest;
        }
    }

    /** Drops a key, or nothing for NONE; inside the caller's transaction. */
    void dropKey(short key) {
        if (key != NONE) {
            mark(key, DROPPED, DROPPED);
        }
    }

    /** Drops every key that did not come from the owner; inside the caller's transaction. */
    void dropAllButOwners() {
        for (short block = 0; block < BLOCKS; block++) {
            if (map[block] == KEY && maker(block) != Gp.BY_OWNER) {
                dropKey(block);
            }
        }
    }

    /** Drops all keys of a version; inside the caller's transaction. */
    void dropVersion(byte version) {
        for (short block = 0; block < BLOCKS; block++) {
            if (map[block] == KEY && version(block) == version) {
                dropKey(block);
            }
        }
    }

    /** Overwrites what does not count, and frees its blocks. */
    void wipe() {
        for (short block = 0; block < BLOCKS; block++) {
            if (map[block] == WRITTEN || map[block] == DROPPED) {
                Bytes.wipe(heap, at(block), BLOCK_SIZE);
                map[block] = FREE;
            }
        }
    }

    void destroyAll() {
        Util.arrayFillNonAtomic(map, (short) 0, BLOCKS, DROPPED);
        Bytes.wipe(heap, (short) 0, at(BLOCKS));
        Util.arrayFillNonAtomic(map, (short) 0, BLOCKS, FREE);
        if (storage.isInitialized()) {
            storage.clearKey();
        }
    }

    /** The set's first key holds its counter. */
    public void sequence(byte version, byte[] out, short offset) {
        Util.arrayCopyNonAtomic(heap, (short) (at(find(version, (byte) 1)) + SEQUENCE), out, offset, SEQUENCE_LENGTH);
    }

    public void nextSequence(byte version, short digits, byte[] out, short offset) {
        sequence(version, out, offset);
        short last = (short) (offset + SEQUENCE_LENGTH - digits);
        short digit = (short) (offset + SEQUENCE_LENGTH - 1);
        while (digit >= last) {
            out[digit]++;
            if (out[digit] != 0) {
                break;
            }
            digit--;
        }
        if (digit < last) {
            Refuse.conditions();
        }
        Util.arrayCopy(out, offset, heap, (short) (at(find(version, (byte) 1)) + SEQUENCE), SEQUENCE_LENGTH);
    }
}
