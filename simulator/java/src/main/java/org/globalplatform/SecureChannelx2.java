// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface SecureChannelx2 extends SecureChannel {
    short processSecurity(byte[] buffer, short value1, short value2, short value3);
}
