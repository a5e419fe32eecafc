// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * Collects STORE DATA blocks (GPCS 11.11): each is a command of its own, perhaps wrapped, and its
 * plain data joins what came before at the start of the work buffer.
 */
final class StoreDataReader {

    /** Where P1 of the first block waits: blocks are never parts of a chain. */
    private static final short FORM = (short) (Transients.CHAIN_HEADER + 2);

    private static final byte FORM_BITS = (byte) 0x78;

    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;

    StoreDataReader(Transients transients) {
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
    }

    private void reset() {
        ram[Transients.NEXT_BLOCK] = 0;
        transients.setShort(Transients.CHAIN_LENGTH, (short) 0);
    }

    /** Takes an admitted block; true when it was the last, with the whole in DATA_OFFSET, DATA_LENGTH. */
    boolean take(byte p1, byte p2) {
        short collected = transients.getShort(Transients.CHAIN_LENGTH);
        byte expected = ram[Transients.NEXT_BLOCK];
        short length = transients.getShort(Transients.DATA_LENGTH);
        byte form = ram[FORM];
        reset();
        // RFU bits, and structures and encryptions there are none of (Table 11-89)
        if ((p1 & 0x06) != 0 || (p1 & 0x18) == 0x18 || (p1 & 0x60) == 0x40) {
            Refuse.parameters();
        }
        // some hosts that expect an answer count from 01
        boolean first = expected == 0 && (p2 == 0 || (p2 == 1 && (p1 & Gp.P1_STORE_ANSWERS) != 0));
        if (first) {
            expected = p2;
        }
        if (p2 != expected || (!first && ((p1 ^ form) & FORM_BITS) != 0)) {
            // block 0 starts anew in any case, but not with what stands before it
            Refuse.conditions();
        }
        if (length > (short) (Gp.COMMAND_MAX - collected)) {
            ISOException.throwIt(Gp.SW_NO_SPACE);
        }
        Util.arrayCopyNonAtomic(work, transients.getShort(Transients.DATA_OFFSET), work, collected, length);
        transients.setShort(Transients.DATA_OFFSET, (short) 0);
        transients.setShort(Transients.DATA_LENGTH, (short) (collected + length));
        if ((p1 & Gp.P1_STORE_LAST) != 0) {
            return true;
        }
        transients.setShort(Transients.CHAIN_LENGTH, (short) (collected + length));
        ram[Transients.NEXT_BLOCK] = (byte) (p2 + 1);
        ram[FORM] = p1;
        return false;
    }
}
