// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface Authority extends Shareable {
    byte MODE_SIGN = 1;
    byte MODE_KEY_RECOVERY = 2;

    void init(byte option);

    short sign(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    void update(byte[] buffer, short value1, short value2);

    short recoverKey(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);
}
