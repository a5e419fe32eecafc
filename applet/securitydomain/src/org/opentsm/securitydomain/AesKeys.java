// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.AESKey;
import javacard.security.KeyBuilder;

/** One AES key object of each length, in RAM: a key is put in for each use. */
final class AesKeys {

    private final AESKey aes128;
    private final AESKey aes192;
    private final AESKey aes256;

    /** @param shared true when they are used while another applet is selected */
    AesKeys(boolean shared) {
        byte type = shared ? KeyBuilder.TYPE_AES_TRANSIENT_RESET : KeyBuilder.TYPE_AES_TRANSIENT_DESELECT;
        aes128 = (AESKey) KeyBuilder.buildKey(type, KeyBuilder.LENGTH_AES_128, false);
        aes192 = (AESKey) KeyBuilder.buildKey(type, KeyBuilder.LENGTH_AES_192, false);
        aes256 = (AESKey) KeyBuilder.buildKey(type, KeyBuilder.LENGTH_AES_256, false);
    }

    /** True for 16, 24 and 32 bytes. */
    static boolean isLength(short length) {
        return length == 16 || length == 24 || length == 32;
    }

    /** The key of {@code length} bytes at {@code offset}; it is valid until the next call. */
    AESKey key(byte[] buffer, short offset, short length) {
        AESKey target = length == 16 ? aes128 : (length == 24 ? aes192 : aes256);
        target.setKey(buffer, offset);
        return target;
    }

    void clear() {
        aes128.clearKey();
        aes192.clearKey();
        aes256.clearKey();
    }
}
