// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

/**
 * One key as PUT KEY brought it.
 *
 * @param shape {type, length}.., one pair for each component as key information tells it; 00 for 256 and more
 * @param value the key, or the components of a public one behind each other
 */
record StoredKey(byte[] shape, byte[] value) {

    static StoredKey secret(int type, byte[] key) {
        return new StoredKey(Bytes.of(type, key.length), key);
    }

    /** Type and length stay, those of a public key's components aside. GPCS 2.3.1 11.8.2.1. */
    boolean isReplacedBy(StoredKey other) {
        boolean secret = shape.length == 2 && type() < 0xA0;
        return type() == other.type() && (!secret || value.length == other.value.length);
    }

    int type() {
        return shape[0] & 0xFF;
    }
}
