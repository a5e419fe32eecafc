package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * Collects STORE DATA blocks (GPCS 11.11): each is a command of its own, perhaps wrapped, and its
 * plain data joins what came before at the start of the work buffer.
 */
final class StoreDataReader {

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
        reset();
        if ((p1 & 0x7F) != Gp.P1_STORE_BER_TLV) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        if (p2 != expected) {
            // block 0 starts anew in any case, but not with what stands before it
            ISOException.throwIt(Gp.SW_CONDITIONS);
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
        return false;
    }
}
