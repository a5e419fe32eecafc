// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.CryptoException;
import javacard.security.Key;
import javacard.security.KeyBuilder;

/** Key objects of the kinds that a card may lack. */
final class KeyObjects {

    private KeyObjects() {}

    /** One in RAM where the card has such, else one that {@link #clear} empties; null where it has none so long. */
    static Key make(byte transientType, byte type, short bits) {
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

    static void clear(Key key) {
        if (key != null) {
            key.clearKey();
        }
    }
}
