// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.Key;

/**
 * The cryptograms of one algorithm: a session key from a key of the card, MACs under it, and the TAC. The session key
 * lives in RAM and is gone with the dialogue.
 */
abstract class Cryptography {

    static final short SCRATCH = (short) 64;

    final byte[] scratch = JCSystem.makeTransientByteArray(SCRATCH, JCSystem.CLEAR_ON_DESELECT);

    /** The algorithm byte of responses. */
    abstract byte algorithm();

    /** An empty persistent key object; {@code kind} KEY_TAC may have another form. */
    abstract Key newKey(byte kind);

    /** True for 16 bytes that this algorithm takes as a key of the kind; stores them. */
    abstract boolean setKey(Key key, byte kind, byte[] buffer, short offset);

    /**
     * Derives the session key.
     *
     * @param context {@code random(4), counter(2), terminal counter(4), type(1)}; the terminal counter is zero for a
     *     load, an unload and a limit
     * @param offline true for a purchase
     */
    abstract void startSession(Key key, byte[] context, short offset, boolean offline);

    /** Writes the first four bytes of the MAC under the session key. */
    abstract void mac(byte[] data, short offset, short length, byte[] out, short outOffset);

    /** Writes the first four bytes of the MAC under the TAC key. */
    abstract void tac(Key key, byte[] data, short offset, short length, byte[] out, short outOffset);

    abstract void endSession();

    final void wipe() {
        endSession();
        Util.arrayFillNonAtomic(scratch, (short) 0, SCRATCH, (byte) 0);
    }
}
