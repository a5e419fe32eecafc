// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Elliptic curve public key W. */
public interface ECPublicKey extends PublicKey, ECKey {

    void setW(byte[] buffer, short offset, short length);

    short getW(byte[] buffer, short offset);
}
