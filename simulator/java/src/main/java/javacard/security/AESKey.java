// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** AES key of 16, 24 or 32 bytes; 64 bytes for XTS with AES-256. */
public interface AESKey extends SecretKey {

    void setKey(byte[] buffer, short offset);

    byte getKey(byte[] buffer, short offset);
}
