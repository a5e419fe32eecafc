package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;

/** GET STATUS (GPCS 11.4): its form, and the entries OPEN has, as many as fit one response. */
final class StatusReader {

    /** More than this of entries, and the next call goes on: one APDU under full protection. */
    private static final short ROOM = (short) 220;
    private static final short ENTRIES_MAX = (short) 256;

    private StatusReader() { }

    /** Checks parameters and data {@code 4F L [AID] [5C ..]}; returns the offset of the AID searched for. */
    static short search(byte p1, byte p2, Transients transients) {
        if ((p2 & 0xFE) != Gp.P2_STATUS_TLV || (p1 != Gp.P1_STATUS_CARD && p1 != Gp.P1_STATUS_APPLICATIONS
                && p1 != Gp.P1_STATUS_LOAD_FILES && p1 != Gp.P1_STATUS_MODULES)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        byte[] work = transients.work;
        short offset = transients.getShort(Transients.DATA_OFFSET);
        short end = (short) (offset + transients.getShort(Transients.DATA_LENGTH));
        short search = Tlv.expect(work, offset, end, Gp.TAG_AID);
        short next = Tlv.next(work, offset, end);
        if (search != (short) (offset + 2) || Tlv.length(work, offset, end) > Gp.AID_MAX
                || (next != end && (Tlv.tag(work, next, end) != Gp.TAG_TAG_LIST || Tlv.next(work, next, end) != end))) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        return search;
    }

    /** Entries from OPEN's registry at RESPONSE; STATUS 6310 and a cursor when some are left. */
    static short read(byte p1, byte p2, Transients transients, Open open) {
        byte[] work = transients.work;
        short search = search(p1, p2, transients);
        short length = work[(short) (search - 1)];
        short cursor = (short) 0;
        if ((p2 & Gp.P2_STATUS_NEXT) != 0) {
            cursor = transients.getShort(Transients.CURSOR);
            if (cursor == 0 || transients.ram[Transients.CURSOR_SUBSET] != p1) {
                transients.setShort(Transients.CURSOR, (short) 0);
                ISOException.throwIt(Gp.SW_CONDITIONS);
            }
        }
        transients.setShort(Transients.CURSOR, (short) 0);
        // the search stands where the response goes: move it out of the way, behind all entries
        short kept = (short) (Transients.RESPONSE + 512);
        Util.arrayCopyNonAtomic(work, search, work, kept, length);
        short at = Transients.RESPONSE;
        for (short i = 0; i < ENTRIES_MAX; i++) {
            short next = open.status(p1, cursor, work, kept, length, at);
            if (next == 0) {
                break;
            }
            short behind = Tlv.next(work, at, kept);
            if ((short) (behind - Transients.RESPONSE) > ROOM && at > Transients.RESPONSE) {
                transients.setShort(Transients.CURSOR, cursor);
                transients.ram[Transients.CURSOR_SUBSET] = p1;
                transients.setShort(Transients.STATUS, Gp.SW_MORE_DATA);
                break;
            }
            at = behind;
            cursor = next;
        }
        if (at == Transients.RESPONSE) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        return (short) (at - Transients.RESPONSE);
    }
}
