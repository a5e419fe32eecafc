// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.MessageDigest;

/**
 * The counter of each key set, which never goes down (TS 102 225 5.1.4). It belongs to a domain's version and to the
 * key that makes its checksums: with another key of the same version it begins anew.
 */
final class PacketCounters {

    static final short LENGTH = (short) 5;

    /** Key sets that have had a packet. */
    private static final short SETS = (short) 32;
    /** Of the domain's AID with the version, and of the key. */
    private static final short NAME = (short) 8;

    private static final short VALUE = (short) (2 * NAME);
    private static final short ENTRY = (short) (VALUE + LENGTH);
    private static final short DIGEST = (short) 32;
    // RAM behind the names and a whole digest: a key set as OPEN tells it, and which rows are of one
    private static final short ROOM = (short) (NAME + DIGEST);
    private static final short LIVE = (short) (ROOM + RemoteLink.KEY_SET_MAX);
    private static final short NONE = (short) -1;

    private final byte[] entries = new byte[(short) (SETS * ENTRY)];
    /** The entry that is to be, room for a whole digest behind its names, and for {@link #free}. */
    private final byte[] ram;

    private final MessageDigest sha = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);

    PacketCounters() {
        ram = JCSystem.makeTransientByteArray((short) (LIVE + SETS), JCSystem.CLEAR_ON_RESET);
    }

    /**
     * Names the key set that the next calls are about.
     *
     * @param name {@code kind, AID} of the domain, {@code nameLength} bytes
     * @param key  {@code type, value} of the key for checksums
     */
    void use(
            byte[] name,
            short nameOffset,
            short nameLength,
            byte version,
            byte[] key,
            short keyOffset,
            short keyLength) {
        name(name, nameOffset, nameLength, version);
        sha.doFinal(key, keyOffset, keyLength, ram, NAME);
    }

    private void name(byte[] name, short offset, short length, byte version) {
        ram[0] = version;
        sha.reset();
        sha.update(ram, (short) 0, (short) 1);
        sha.doFinal(name, offset, length, ram, (short) 0);
        // that of a free row is 0
        ram[0] |= (byte) 1;
    }

    /** The row of the domain's version, whatever its key; NONE. */
    private short row() {
        for (short at = 0; at < (short) entries.length; at += ENTRY) {
            if (Util.arrayCompare(entries, at, ram, (short) 0, NAME) == 0) {
                return at;
            }
        }
        return NONE;
    }

    /** Writes the counter: zeros for a key that has had no packet. */
    void read(byte[] out, short offset) {
        short at = row();
        boolean known = at != NONE && Util.arrayCompare(entries, (short) (at + NAME), ram, NAME, NAME) == 0;
        if (known) {
            Util.arrayCopyNonAtomic(entries, (short) (at + VALUE), out, offset, LENGTH);
        } else {
            Util.arrayFillNonAtomic(out, offset, LENGTH, (byte) 0);
        }
    }

    /**
     * Gives a row back whose key set is no more on the card, in one write of a byte; false where there is none. The key
     * set at hand is to be named again.
     */
    boolean free(RemoteLink link) {
        Util.arrayFillNonAtomic(ram, LIVE, SETS, (byte) 0);
        try {
            short length = link.keySet((short) 0, ram, ROOM);
            for (short number = 1; length > 0; number++) {
                name(ram, (short) (ROOM + 1), (short) (length - 1), ram[ROOM]);
                short at = row();
                if (at != NONE) {
                    ram[(short) (LIVE + at / ENTRY)] = (byte) 1;
                }
                length = link.keySet(number, ram, ROOM);
            }
        } catch (ISOException e) {
            // what lives is not known: nothing goes
            return false;
        }
        for (short i = 0; i < SETS; i++) {
            if (ram[(short) (LIVE + i)] == 0) {
                entries[(short) (i * ENTRY)] = (byte) 0;
                return true;
            }
        }
        return false;
    }

    /** Stores a counter with its key's name, in one atomic write; false when there is no row left. */
    boolean store(byte[] counter, short offset) {
        short at = row();
        for (short free = 0; at == NONE && free < (short) entries.length; free += ENTRY) {
            if (entries[free] == 0) {
                at = free;
            }
        }
        if (at == NONE) {
            return false;
        }
        Util.arrayCopyNonAtomic(counter, offset, ram, VALUE, LENGTH);
        JCSystem.beginTransaction();
        Util.arrayCopy(ram, (short) 0, entries, at, ENTRY);
        JCSystem.commitTransaction();
        return true;
    }
}
