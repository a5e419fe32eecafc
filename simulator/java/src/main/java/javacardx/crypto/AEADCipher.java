// SPDX-License-Identifier: Apache-2.0
package javacardx.crypto;

import javacard.security.Key;

/** A cipher that also authenticates. */
public abstract class AEADCipher extends Cipher {

    public static final byte CIPHER_AES_GCM = -15;
    public static final byte CIPHER_AES_CCM = -14;
    public static final byte ALG_AES_GCM = -13;
    public static final byte ALG_AES_CCM = -12;

    protected AEADCipher() {}

    public abstract void init(
            Key key,
            byte mode,
            byte[] nonce,
            short offset,
            short length,
            short additionalLength,
            short messageLength,
            short tagSize);

    public abstract void updateAAD(byte[] buffer, short offset, short length);

    public abstract short retrieveTag(byte[] buffer, short offset, short length);

    public abstract boolean verifyTag(byte[] buffer, short offset, short length, short requiredLength);
}
