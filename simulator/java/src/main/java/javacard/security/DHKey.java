// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** The domain parameters that both Diffie-Hellman keys have. */
public interface DHKey {

    void setP(byte[] buffer, short offset, short length);

    void setQ(byte[] buffer, short offset, short length);

    void setG(byte[] buffer, short offset, short length);

    short getP(byte[] buffer, short offset);

    short getQ(byte[] buffer, short offset);

    short getG(byte[] buffer, short offset);
}
