// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Single or triple DES key of 8, 16 or 24 bytes. */
public interface DESKey extends SecretKey {

    byte getKey(byte[] buffer, short offset);

    void setKey(byte[] buffer, short offset);
}
