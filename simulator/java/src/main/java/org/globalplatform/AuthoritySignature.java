// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface AuthoritySignature extends Shareable {
    byte MODE_INTEGRITY = 1;

    void init(byte option, byte[] buffer, short value1, short value2);

    short sign(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    void update(byte[] buffer, short value1, short value2);

    short getLength();
}
