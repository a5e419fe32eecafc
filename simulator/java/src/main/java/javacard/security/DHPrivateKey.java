// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Diffie-Hellman private key X. */
public interface DHPrivateKey extends PrivateKey, DHKey {

    void setX(byte[] buffer, short offset, short length);

    short getX(byte[] buffer, short offset);
}
