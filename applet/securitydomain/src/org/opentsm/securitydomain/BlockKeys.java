// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.AESKey;
import javacard.security.CryptoException;
import javacard.security.DESKey;
import javacard.security.Key;
import javacard.security.KeyBuilder;

/** One key object of each of a block cipher's three lengths that the card has: a key is put in for each use. */
final class BlockKeys {

    /** Lengths of keys are this far apart, DES' from 8 on and AES' from 16. */
    private static final short STEP = (short) 8;

    private static final short LENGTHS = (short) 3;

    private final Key[] keys = new Key[LENGTHS];
    private final boolean isAes;

    /** @param shared true when they are used while another applet is selected */
    BlockKeys(boolean isAes, boolean shared) {
        this.isAes = isAes;
        byte type = isAes
                ? (shared ? KeyBuilder.TYPE_AES_TRANSIENT_RESET : KeyBuilder.TYPE_AES_TRANSIENT_DESELECT)
                : (shared ? KeyBuilder.TYPE_DES_TRANSIENT_RESET : KeyBuilder.TYPE_DES_TRANSIENT_DESELECT);
        // DES keys of 64, 128 and 192 bits, AES keys of 128, 192 and 256
        short bits = isAes ? KeyBuilder.LENGTH_AES_128 : KeyBuilder.LENGTH_DES;
        for (short i = 0; i < LENGTHS; i++) {
            keys[i] = make(type, isAes ? KeyBuilder.TYPE_AES : KeyBuilder.TYPE_DES, bits);
            bits += (short) (STEP << 3);
        }
    }

    /** One in RAM where the card has such, else one that {@link #clear} empties; null where it has none so long. */
    private static Key make(byte transientType, byte type, short bits) {
        byte kind = transientType;
        while (true) {
            try {
                return KeyBuilder.buildKey(kind, bits, false);
            } catch (CryptoException e) {
                if (kind == type) {
                    return null;
                }
                kind = type;
            }
        }
    }

    /**
     * The key of {@code length} bytes at {@code offset}, valid until the next call for its length; 6A80 where the card
     * has none.
     */
    Key key(byte[] buffer, short offset, short length) {
        Key target = keys[(short) ((short) (length / STEP) - (isAes ? 2 : 1))];
        Tlv.require(target != null);
        if (isAes) {
            ((AESKey) target).setKey(buffer, offset);
        } else {
            ((DESKey) target).setKey(buffer, offset);
        }
        return target;
    }

    void clear() {
        for (short i = 0; i < LENGTHS; i++) {
            if (keys[i] != null) {
                keys[i].clearKey();
            }
        }
    }
}
