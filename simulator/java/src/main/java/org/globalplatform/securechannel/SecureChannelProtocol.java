// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.securechannel;

import org.globalplatform.SecureChannel;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface SecureChannelProtocol extends SecureChannel {
    void setSecurityLevel(byte option);

    short getKeyReference(byte[] buffer, short value);

    short processSecurity(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    short initWrap(short value);

    short updateWrap(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    short doFinalWrap(byte[] buffer1, short value1, short value2, short value3, byte[] buffer2, short value4);

    void initUnwrap();

    short updateUnwrap(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    short doFinalUnwrap(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    short getLe();

    void initEncryptData();

    short updateEncryptData(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    short doFinalEncryptData(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    void initDecryptData();

    short updateDecryptData(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    short doFinalDecryptData(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);
}
