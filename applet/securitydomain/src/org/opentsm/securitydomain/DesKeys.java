// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.DESKey;
import javacard.security.KeyBuilder;

/** One DES key object of each length that the card has: a key is put in for each use. */
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

    private static DESKey make(byte type, short bits) {
        return (DESKey) KeyObjects.make(type, KeyBuilder.TYPE_DES, bits);
    }

    /**
     * The key of 8, 16 or 24 bytes at {@code offset}, valid until the next call for its length; 6A80 where the card has
     * none.
     */
    DESKey key(byte[] buffer, short offset, short length) {
        DESKey target = length == 8 ? single : (length == 16 ? twoKey : threeKey);
        Tlv.require(target != null);
        target.setKey(buffer, offset);
        return target;
    }

    void clear() {
        KeyObjects.clear(single);
        KeyObjects.clear(twoKey);
        KeyObjects.clear(threeKey);
    }
}
