// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface Personalization extends Shareable {
    short processData(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);
}
