// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** HMAC key of any length. */
public interface HMACKey extends SecretKey {

    void setKey(byte[] buffer, short offset, short length);

    byte getKey(byte[] buffer, short offset);
}
