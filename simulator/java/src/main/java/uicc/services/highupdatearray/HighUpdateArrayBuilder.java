// SPDX-License-Identifier: Apache-2.0
package uicc.services.highupdatearray;

import javacard.framework.Shareable;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface HighUpdateArrayBuilder extends Shareable {
    byte HIGH_UPDATE_ARRAY_MIN_UPDATE_JA = 1;
    byte HIGH_UPDATE_ARRAY_MIN_UPDATE_JB = 2;
    byte HIGH_UPDATE_ARRAY_MIN_UPDATE_JC = 3;

    boolean[] makeHighUpdateBooleanArray(short value);

    byte[] makeHighUpdateByteArray(short value);

    Object[] makeHighUpdateObjectArray(short value);

    short[] makeHighUpdateShortArray(short value);

    short getHighUpdateMinimumUpdateProperty();
}
