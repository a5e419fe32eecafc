// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Diffie-Hellman public key Y. */
public interface DHPublicKey extends PublicKey, DHKey {

    void setY(byte[] buffer, short offset, short length);

    short getY(byte[] buffer, short offset);
}
