// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Whose scripts go on in a later packet (ETSI TS 102 226 5.2.1): a target and a key set, four of them. What one sender
 * leaves open another one neither goes on with nor ends; a fifth one takes the place of the oldest.
 */
final class Chains {

    /** Target as OPEN names it, with zeros behind a shorter one, and version of the keys. */
    static final short NAME = (short) 18;

    private static final short ROWS = (short) 4;
    /** Whom the next calls are about, behind the rows. */
    private static final short ASKED = (short) (ROWS * NAME);

    private static final short RAM = (short) (ASKED + NAME);

    private final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);

    /**
     * Says whom the next calls are about.
     *
     * @param version of the keys that the packet was right under; 00 for a packet that anybody can make
     */
    void use(byte[] target, short offset, byte version) {
        Util.arrayCopyNonAtomic(target, offset, ram, ASKED, (short) (NAME - 1));
        ram[(short) (ASKED + NAME - 1)] = version;
    }

    /** Where the row is; ASKED for none. */
    private short row() {
        short at = (short) 0;
        while (Util.arrayCompare(ram, at, ram, ASKED, NAME) != 0) {
            at += NAME;
        }
        return at;
    }

    boolean isOpen() {
        return row() != ASKED;
    }

    /** It is the first one now, and the last one goes where there are four already. */
    void open() {
        short at = row();
        Util.arrayCopyNonAtomic(ram, (short) 0, ram, NAME, at == ASKED ? (short) (ASKED - NAME) : at);
        Util.arrayCopyNonAtomic(ram, ASKED, ram, (short) 0, NAME);
    }

    void close() {
        short at = row();
        if (at != ASKED) {
            short behind = (short) (ASKED - NAME - at);
            Util.arrayCopyNonAtomic(ram, (short) (at + NAME), ram, at, behind);
            Util.arrayFillNonAtomic(ram, (short) (at + behind), NAME, (byte) 0);
        }
    }
}
