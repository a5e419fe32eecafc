// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.List;

/** Where a search of records begins, and what it compares; ETSI TS 102 221 11.1.7, and SEEK of TS 51.011 8.7. */
public final class RecordSearch {

    public static final int FORWARD = 4;
    public static final int BACKWARD = 5;
    public static final int ENHANCED = 6;
    private static final int NEXT = 6;
    private static final int BEHIND_VALUE = 8;
    private static final int SEEK_MODES = 4;
    private final FilePlace place;

    public RecordSearch(FilePlace place) {
        this.place = place;
    }

    /**
     * An enhanced search begins at the record, in front of it or behind it, at an offset that the low byte of its
     * indication gives, or behind the first byte of that value.
     *
     * @param mode FORWARD, BACKWARD, ENHANCED
     * @param number of the record, 0 for the current one
     * @param indication of an enhanced search, two bytes
     * @return numbers of the records that hold the pattern, the first one found first
     * @throws FileFault INVALID_MODE, RECORD_NOT_FOUND, OUT_OF_RECORD
     */
    public List<Integer> find(int mode, int number, int indication, byte[] pattern) {
        boolean enhanced = mode == ENHANCED;
        if (!enhanced && mode != FORWARD && mode != BACKWARD) {
            throw new FileFault(FileFault.Reason.INVALID_MODE);
        }
        int how = enhanced ? indication >> 8 & 7 : mode;
        boolean forward = how == FORWARD || how == NEXT;
        int named = place.recordToSearch(number);
        int from = start(named == 0 ? place.currentRecord() : named, forward, how >= NEXT);
        return enhanced && (indication >> 8 & BEHIND_VALUE) != 0
                ? place.searchBehind(from, forward, (byte) indication, pattern)
                : place.search(from, forward, enhanced ? indication & 0xFF : 0, pattern);
    }

    /**
     * @param mode 0 from the first record, 1 back from the last, 2 behind the current one, 3 back from before it
     * @return as {@link #find}
     */
    public List<Integer> seek(int mode, byte[] pattern) {
        if (mode >= SEEK_MODES) {
            throw new FileFault(FileFault.Reason.INVALID_MODE);
        }
        boolean forward = mode % 2 == 0;
        int named = place.recordToSearch(0);
        int from = start(mode < 2 ? named : place.currentRecord(), forward, true);
        return place.search(from, forward, 0, pattern);
    }

    /** Without a record it is the whole file, from the side where it begins. */
    private int start(int record, boolean forward, boolean beside) {
        if (record == 0) {
            return forward ? 1 : place.recordCount();
        }
        return !beside ? record : record + (forward ? 1 : -1);
    }
}
