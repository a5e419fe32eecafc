// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.securechannel;

import javacard.security.Key;
import javacard.security.SecretKey;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface SecureChannelKeys {
    byte KEY_USAGE_C_DEC = 1;
    byte KEY_USAGE_R_ENC = -127;
    byte KEY_USAGE_C_MAC = 2;
    byte KEY_USAGE_R_MAC = -126;
    byte KEY_USAGE_DEK = 3;
    byte KEY_USAGE_OPACITY_PUBLIC_KEY = 32;
    byte KEY_USAGE_OPACITY_PRIVATE_KEY = 33;
    byte PARAM_OPACITY_IDSICC = 1;
    byte PARAM_OPACITY_CICC = 3;
    byte PARAM_OPACITY_KEY_REF = 4;
    byte PARAM_SCP02_DIVERSIFICATION_DATA = 11;
    byte PARAM_SCP02_SEQUENCE_COUNTER = 12;
    byte PARAM_SCP02_KEY_VERSION_NUMBER = 13;
    byte PARAM_SCP03_DIVERSIFICATION_DATA = 11;
    byte PARAM_SCP03_SEQUENCE_COUNTER = 12;
    byte PARAM_SCP03_KEY_VERSION_NUMBER = 13;

    void setMasterKey(byte[] buffer, short value1, short value2, byte option1, byte option2);

    void setMasterKey(Key key, byte option);

    void resetMasterKeys();

    void setSessionKey(SecretKey secretKey, byte option);

    void setSessionKey(byte[] buffer, short value1, short value2, byte option1, byte option2);

    void setSpecificParameter(short value1, byte[] buffer, short value2, short value3);
}
