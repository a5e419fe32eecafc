// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** A key of a curve known by name, since 3.1. */
public interface XECKey {

    NamedParameterSpec getParams();

    short getEncodingLength();

    short getEncoded(byte[] buffer, short offset);

    void setEncoded(byte[] buffer, short offset, short length);
}
