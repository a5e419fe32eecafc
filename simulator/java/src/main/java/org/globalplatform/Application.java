// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface Application extends Shareable {
    void processData(byte[] buffer, short value1, short value2);
}
