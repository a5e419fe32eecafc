// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/** What the registry says of an instance, by its entry of GET STATUS (GPCS Table 11-36). */
final class RegisteredDomain {

    /** More than any card has instances of one AID prefix. */
    private static final short ENTRIES_MAX = (short) 256;
    /** Room that {@link #find} takes of its scratch: an AID and an entry. */
    static final short ROOM = (short) (Gp.AID_MAX + Open.STATUS_ENTRY_MAX);

    private RegisteredDomain() {}

    /** Offset in {@code scratch} of the entry {@code E3 L ..} of this very AID, or NONE. */
    static short find(Open open, byte[] aid, short aidOffset, short aidLength, byte[] scratch, short offset) {
        short entry = (short) (offset + Gp.AID_MAX);
        short limit = (short) (offset + ROOM);
        short cursor = (short) 0;
        for (short i = 0; i < ENTRIES_MAX; i++) {
            Util.arrayCopyNonAtomic(aid, aidOffset, scratch, offset, aidLength);
            cursor = open.status(Gp.P1_STATUS_APPLICATIONS, cursor, scratch, offset, aidLength, entry);
            if (cursor == 0) {
                return Tlv.NONE;
            }
            short at = Tlv.expect(scratch, entry, limit, Gp.TAG_REGISTRY_ENTRY);
            // a longer AID that starts alike is another instance
            if (Tlv.length(scratch, at, limit) == aidLength) {
                return entry;
            }
        }
        return Tlv.NONE;
    }

    /** Offset of an object in a found entry, or NONE. */
    static short object(byte[] scratch, short entry, short tag) {
        short limit = (short) (entry + Open.STATUS_ENTRY_MAX);
        return Tlv.find(scratch, Tlv.value(scratch, entry, limit), Tlv.next(scratch, entry, limit), tag);
    }

    /**
     * True when the registry says that an AID is an instance of this very load file: only that code tells the truth
     * about its keys, and keeps others'. An applet of other code may stand under a provider's AID.
     */
    static boolean runsThisPackage(
            Open open, byte[] aid, short aidOffset, short aidLength, byte[] scratch, short offset) {
        short entry = find(open, aid, aidOffset, aidLength, scratch, offset);
        short file = entry == Tlv.NONE ? Tlv.NONE : object(scratch, entry, Gp.TAG_LOAD_FILE);
        short limit = (short) (offset + ROOM);
        return file != Tlv.NONE
                && Tlv.length(scratch, file, limit) == (short) Gp.LOAD_FILE_AID.length
                && Util.arrayCompare(scratch, Tlv.value(scratch, file, limit), Gp.LOAD_FILE_AID, (short) 0, (short)
                                Gp.LOAD_FILE_AID.length)
                        == 0;
    }
}
