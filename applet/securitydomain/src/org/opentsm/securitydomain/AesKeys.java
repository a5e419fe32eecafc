// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.AESKey;
import javacard.security.KeyBuilder;

/** One AES key object of each length that the card has: a key is put in for each use. */
final class AesKeys {

    private final AESKey aes128;
    private final AESKey aes192;
    private final AESKey aes256;

    /** @param shared true when they are used while another applet is selected */
    AesKeys(boolean shared) {
        byte type = shared ? KeyBuilder.TYPE_AES_TRANSIENT_RESET : KeyBuilder.TYPE_AES_TRANSIENT_DESELECT;
        aes128 = make(type, KeyBuilder.LENGTH_AES_128);
        aes192 = make(type, KeyBuilder.LENGTH_AES_192);
        aes256 = make(type, KeyBuilder.LENGTH_AES_256);
    }

    private static AESKey make(byte type, short bits) {
        return (AESKey) KeyObjects.make(type, KeyBuilder.TYPE_AES, bits);
    }

    /** True for 16, 24 and 32 bytes. */
    static boolean isLength(short length) {
        return length == 16 || length == 24 || length == 32;
    }

    /** The key of {@code length} bytes at {@code offset}, valid until the next call; 6A80 where the card has none. */
    AESKey key(byte[] buffer, short offset, short length) {
        AESKey target = length == 16 ? aes128 : (length == 24 ? aes192 : aes256);
        Tlv.require(target != null);
        target.setKey(buffer, offset);
        return target;
    }

    void clear() {
        KeyObjects.clear(aes128);
        KeyObjects.clear(aes192);
        KeyObjects.clear(aes256);
    }
}
