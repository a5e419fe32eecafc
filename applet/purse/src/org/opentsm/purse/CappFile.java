// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Records of compound applications, as personalisation made them: {@code tag, length, lock flag, data}. New contents,
 * of as many records as there are, wait in RAM for the debit they belong to and are written with it; no MAC covers
 * them, so each carries a check value of its application.
 */
final class CappFile {

    private static final short RECORDS = (short) 4;
    static final short RECORD_MAX = (short) 48;
    private static final short HEADER = (short) 2;
    private static final short NONE = (short) -1;

    private final byte[] records = new byte[(short) (RECORDS * RECORD_MAX)];
    /** What waits, each where its record stands in the file; no tag: none. */
    private final byte[] cache =
            JCSystem.makeTransientByteArray((short) (RECORDS * RECORD_MAX), JCSystem.CLEAR_ON_DESELECT);

    /** Offset of a record, or NONE. */
    private short find(byte tag) {
        for (short at = (short) 0; at < (short) records.length; at += RECORD_MAX) {
            if (records[at] == tag && tag != 0) {
                return at;
            }
        }
        return NONE;
    }

    private short lengthAt(short record) {
        return (short) (HEADER + records[(short) (record + 1)]);
    }

    /** Personalisation: takes a whole record; false when it is malformed, there already, or one too many. */
    boolean add(byte[] buffer, short offset, short length) {
        boolean whole = length > HEADER
                && length <= RECORD_MAX
                && buffer[offset] != 0
                && buffer[(short) (offset + 1)] == (byte) (length - HEADER);
        if (!whole) {
            return false;
        }
        short at = find(buffer[offset]);
        for (short free = (short) 0; at == NONE && free < (short) records.length; free += RECORD_MAX) {
            if (records[free] == 0) {
                at = free;
            }
        }
        if (at == NONE) {
            return false;
        }
        Util.arrayCopy(buffer, offset, records, at, length);
        return true;
    }

    /** Writes a record; 6A83 when there is none of this tag. Returns the offset behind. */
    short put(byte tag, byte[] out, short offset) {
        short at = find(tag);
        if (at == NONE) {
            ISOException.throwIt(ISO7816.SW_RECORD_NOT_FOUND);
        }
        return Util.arrayCopyNonAtomic(records, at, out, offset, lengthAt(at));
    }

    /** Takes new content for a record: 6A83 none of this tag, 9407 locked, 6A84 longer, 6A80 another form. */
    void cache(byte tag, byte[] buffer, short offset, short length) {
        short at = find(tag);
        if (at == NONE) {
            ISOException.throwIt(ISO7816.SW_RECORD_NOT_FOUND);
        }
        if (records[(short) (at + HEADER)] != 0) {
            ISOException.throwIt(Spec.SW_RECORD_LOCKED);
        }
        if (length > lengthAt(at)) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
        if (length != lengthAt(at) || Util.arrayCompare(buffer, offset, records, at, HEADER) != 0) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        Util.arrayCopyNonAtomic(buffer, offset, cache, at, length);
    }

    boolean hasCached() {
        for (short at = (short) 0; at < (short) cache.length; at += RECORD_MAX) {
            if (cache[at] != 0) {
                return true;
            }
        }
        return false;
    }

    /** Inside the transaction of the debit. */
    void commit() {
        for (short at = (short) 0; at < (short) cache.length; at += RECORD_MAX) {
            if (cache[at] != 0) {
                Util.arrayCopy(cache, at, records, at, lengthAt(at));
            }
        }
    }

    void drop() {
        Util.arrayFillNonAtomic(cache, (short) 0, (short) cache.length, (byte) 0);
    }
}
