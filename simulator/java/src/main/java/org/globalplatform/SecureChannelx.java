// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface SecureChannelx extends SecureChannel {
    void setSecurityLevel(byte option);
}
