// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.security.Key;

/** The keys of the card, two of each kind by their index, and the wrong MACs counted for each. */
final class Keys {

    static final short NONE = (short) -1;
    /** Kinds 1 to 5. */
    private static final short KINDS = (short) 5;

    private static final short INDICES = (short) 2;
    private static final short SLOTS = (short) (KINDS * INDICES);

    // A row of the table
    private static final short PRESENT = (short) 0;
    private static final short VERSION = (short) 1;
    private static final short WRONG = (short) 2;
    private static final short ROW = (short) 3;

    private final Cryptography cryptography;
    private final Key[] keys = new Key[SLOTS];
    private final byte[] rows = new byte[(short) (SLOTS * ROW)];

    Keys(Cryptography cryptography) {
        this.cryptography = cryptography;
        for (short slot = (short) 0; slot < SLOTS; slot++) {
            keys[slot] = cryptography.newKey((byte) ((short) (slot / INDICES) + 1));
        }
    }

    private static short slot(byte kind, byte index) {
        boolean known = kind >= 1 && kind <= KINDS && index >= 1 && index <= INDICES;
        return known ? (short) ((short) ((short) (kind - 1) * INDICES) + index - 1) : NONE;
    }

    /** Stores a key of personalisation; false when there is no room for it or it is unfit. */
    boolean put(byte kind, byte index, byte version, byte[] buffer, short offset) {
        short slot = slot(kind, index);
        if (slot == NONE) {
            return false;
        }
        short row = (short) (slot * ROW);
        JCSystem.beginTransaction();
        boolean fits = cryptography.setKey(keys[slot], kind, buffer, offset);
        rows[(short) (row + PRESENT)] = (byte) (fits ? 1 : 0);
        rows[(short) (row + VERSION)] = version;
        rows[(short) (row + WRONG)] = (byte) 0;
        JCSystem.commitTransaction();
        return fits;
    }

    boolean has(byte kind, byte index) {
        short slot = slot(kind, index);
        return slot != NONE && rows[(short) (slot * ROW)] != 0;
    }

    /** The slot of a key that may be used; 9403 unknown, 9303 when too many MACs under it were wrong. */
    short find(byte kind, byte index) {
        if (!has(kind, index)) {
            ISOException.throwIt(Spec.SW_UNKNOWN_KEY);
        }
        short slot = slot(kind, index);
        if (rows[(short) (slot * ROW + WRONG)] >= Spec.MAC_TRIES) {
            ISOException.throwIt(Spec.SW_LOCKED_FOR_EVER);
        }
        return slot;
    }

    Key key(short slot) {
        return keys[slot];
    }

    byte version(short slot) {
        return rows[(short) (slot * ROW + VERSION)];
    }

    /** Before a MAC is compared: a cut of the power right after leaves it counted. */
    void countTry(short slot) {
        rows[(short) (slot * ROW + WRONG)]++;
    }

    /** The MAC was right; inside the transaction of what it stood for. */
    void forgive(short slot) {
        rows[(short) (slot * ROW + WRONG)] = (byte) 0;
    }
}
