// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface CVM extends Shareable {
    short CVM_SUCCESS = 0;
    short CVM_FAILURE = -1;
    byte FORMAT_ASCII = 1;
    byte FORMAT_BCD = 2;
    byte FORMAT_HEX = 3;

    boolean isActive();

    boolean isSubmitted();

    boolean isVerified();

    boolean isBlocked();

    byte getTriesRemaining();

    boolean update(byte[] buffer, short value, byte option1, byte option2);

    boolean resetState();

    boolean blockState();

    boolean resetAndUnblockState();

    boolean setTryLimit(byte option);

    short verify(byte[] buffer, short value, byte option1, byte option2);
}
