// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

/** GET STATUS of a domain that answers for itself alone (GPCS 11.4): its form. */
final class StatusReader {

    private StatusReader() {}

    /** Checks parameters and data {@code 4F L [AID] [5C ..]}; returns the offset of the AID searched for. */
    static short search(byte p1, byte p2, Transients transients) {
        if ((p2 & 0xFE) != Gp.P2_STATUS_TLV
                || (p1 != Gp.P1_STATUS_CARD
                        && p1 != Gp.P1_STATUS_APPLICATIONS
                        && p1 != Gp.P1_STATUS_LOAD_FILES
                        && p1 != Gp.P1_STATUS_MODULES)) {
            Refuse.parameters();
        }
        byte[] work = transients.work;
        short offset = transients.getShort(Transients.DATA_OFFSET);
        short end = (short) (offset + transients.getShort(Transients.DATA_LENGTH));
        short search = Tlv.expect(work, offset, end, Gp.TAG_AID);
        short next = Tlv.next(work, offset, end);
        if (search != (short) (offset + 2)
                || Tlv.length(work, offset, end) > Gp.AID_MAX
                || (next != end && (Tlv.tag(work, next, end) != Gp.TAG_TAG_LIST || Tlv.next(work, next, end) != end))) {
            Refuse.data();
        }
        return search;
    }
}
