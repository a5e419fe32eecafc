// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** DSA private key X. */
public interface DSAPrivateKey extends PrivateKey, DSAKey {

    short getX(byte[] buffer, short offset);

    void setX(byte[] buffer, short offset, short length);
}
