// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** DSA public key Y. */
public interface DSAPublicKey extends PublicKey, DSAKey {

    short getY(byte[] buffer, short offset);

    void setY(byte[] buffer, short offset, short length);
}
