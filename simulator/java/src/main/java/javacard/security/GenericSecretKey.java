// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** A secret of any length, since 3.1. */
public interface GenericSecretKey extends SecretKey {

    void setKey(byte[] buffer, short offset, short length);

    short getKey(byte[] buffer, short offset);
}
