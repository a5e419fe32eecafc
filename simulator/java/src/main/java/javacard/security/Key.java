// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Any key object, Java Card API 3.1. */
public interface Key {

    void clearKey();

    short getSize();

    byte getType();

    boolean isInitialized();
}
