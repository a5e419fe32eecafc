// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.CryptoException;
import javacard.security.DESKey;
import javacard.security.KeyBuilder;

/** One DES key object of each length, in RAM: a key is put in for each use. */
final class DesKeys {

    private final DESKey single;
    private final DESKey twoKey;
    private final DESKey threeKey;

    /** @param shared true when they are used while another applet is selected */
    DesKeys(boolean shared) {
        byte type = shared ? KeyBuilder.TYPE_DES_TRANSIENT_RESET : KeyBuilder.TYPE_DES_TRANSIENT_DESELECT;
        single = make(type, KeyBuilder.LENGTH_DES);
        twoKey = make(type, KeyBuilder.LENGTH_DES3_2KEY);
        threeKey = make(type, KeyBuilder.LENGTH_DES3_3KEY);
    }

    /** In RAM where the card has such keys; else an object that {@link #clear} empties. */
    private static DESKey make(byte type, short bits) {
        try {
            return (DESKey) KeyBuilder.buildKey(type, bits, false);
        } catch (CryptoException e) {
            return (DESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DES, bits, false);
        }
    }

    /** The key of 8, 16 or 24 bytes at {@code offset}; it is valid until the next call for its length. */
    DESKey key(byte[] buffer, short offset, short length) {
        DESKey target = length == 8 ? single : (length == 16 ? twoKey : threeKey);
        target.setKey(buffer, offset);
        return target;
    }

    void clear() {
        single.clearKey();
        twoKey.clearKey();
        threeKey.clearKey();
    }
}
