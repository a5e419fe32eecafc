// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.List;

/**
 * ENC, MAC and DEK under one version, KID 1 to 3.
 *
 * @param type     GPCS key type: 80 triple DES, 88 AES
 * @param counter  sequence counter of its sessions
 * @param failures authentications refused since the last good one
 */
record KeySet(int version, int type, List<byte[]> keys, int counter, int failures) {

    static final int DES = 0x80;
    static final int AES = 0x88;

    byte[] enc() {
        return keys.get(0);
    }

    byte[] mac() {
        return keys.get(1);
    }

    byte[] dek() {
        return keys.get(2);
    }

    KeySet at(int changed) {
        return new KeySet(version, type, keys, changed, failures);
    }

    KeySet failed(int changed) {
        return new KeySet(version, type, keys, counter, changed);
    }

    /** First three bytes of an encrypted block: zeros under DES, 01 sixteen times under AES. GPCS B.6. */
    static byte[] checkValue(int type, byte[] key) {
        byte[] block = new byte[type == AES ? 16 : 8];
        if (type == AES) {
            java.util.Arrays.fill(block, (byte) 1);
        }
        byte[] sealed = type == AES ? Ciphers.aesBlock(key, block) : Ciphers.desEcb(true, key, block);
        return java.util.Arrays.copyOf(sealed, 3);
    }
}
