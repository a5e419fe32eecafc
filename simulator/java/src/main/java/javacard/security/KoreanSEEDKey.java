// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Korean SEED key of 16 bytes. */
public interface KoreanSEEDKey extends SecretKey {

    void setKey(byte[] buffer, short offset);

    byte getKey(byte[] buffer, short offset);
}
