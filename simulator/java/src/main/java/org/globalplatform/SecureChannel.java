// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.APDU;
import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface SecureChannel extends Shareable {
    byte AUTHENTICATED = -128;
    byte C_DECRYPTION = 2;
    byte C_MAC = 1;
    byte R_ENCRYPTION = 32;
    byte R_MAC = 16;
    byte NO_SECURITY_LEVEL = 0;
    byte ANY_AUTHENTICATED = 64;

    short processSecurity(APDU apdu);

    short wrap(byte[] buffer, short value1, short value2);

    short unwrap(byte[] buffer, short value1, short value2);

    short decryptData(byte[] buffer, short value1, short value2);

    short encryptData(byte[] buffer, short value1, short value2);

    void resetSecurity();

    byte getSecurityLevel();
}
