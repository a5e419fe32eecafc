// SPDX-License-Identifier: Apache-2.0
package sim.access;

import javacard.framework.CardRuntimeException;

/** What went wrong in the file system, by reason; 3GPP TS 43.019 annex A. */
public class SIMViewException extends CardRuntimeException {

    public static final short NO_EF_SELECTED = 1;
    public static final short FILE_INCONSISTENT = 2;
    public static final short AC_NOT_FULFILLED = 3;
    public static final short FILE_NOT_FOUND = 4;
    public static final short INTERNAL_ERROR = 5;
    public static final short INVALIDATION_STATUS_CONTRADICTION = 6;
    public static final short OUT_OF_FILE_BOUNDARIES = 7;
    public static final short OUT_OF_RECORD_BOUNDARIES = 8;
    public static final short RECORD_NUMBER_NOT_AVAILABLE = 9;
    public static final short INVALID_MODE = 10;
    public static final short PATTERN_NOT_FOUND = 11;
    public static final short MAX_VALUE_REACHED = 12;
    public static final short MEMORY_PROBLEM = 13;

    public SIMViewException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new SIMViewException(reason);
    }
}
