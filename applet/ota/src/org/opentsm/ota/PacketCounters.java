// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

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
    private static final short NONE = (short) -1;

    private final byte[] entries = new byte[(short) (SETS * ENTRY)];
    /** The entry that is to be, and room for a whole digest behind its names. */
    private final byte[] ram;

    private final MessageDigest sha = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);

    PacketCounters() {
        ram = JCSystem.makeTransientByteArray((short) (NAME + DIGEST), JCSystem.CLEAR_ON_RESET);
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
        ram[0] = version;
        sha.reset();
        sha.update(ram, (short) 0, (short) 1);
        sha.doFinal(name, nameOffset, nameLength, ram, (short) 0);
        // a free row is all zeros
        ram[0] |= (byte) 1;
        sha.doFinal(key, keyOffset, keyLength, ram, NAME);
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
