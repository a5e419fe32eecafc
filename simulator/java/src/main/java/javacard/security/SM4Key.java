// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** SM4 key of 16 bytes, since 3.1. */
public interface SM4Key extends SecretKey {

    void setKey(byte[] buffer, short offset);

    byte getKey(byte[] buffer, short offset);
}
