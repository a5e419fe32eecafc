// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Elliptic curve private key S. */
public interface ECPrivateKey extends PrivateKey, ECKey {

    void setS(byte[] buffer, short offset, short length);

    short getS(byte[] buffer, short offset);
}
