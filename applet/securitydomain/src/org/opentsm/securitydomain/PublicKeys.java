// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.KeyBuilder;
import javacard.security.RSAPublicKey;

/**
 * RSA public key objects for the keys of an initiation: one of each size for an intermediate authority, one for
 * the off-card entity. Java Card has no transient public keys; what is in them counts only while KEY_ROLE in
 * RAM says so.
 *
 * <p>They are persistent memory that anybody's certificates reach, so a key is written only after its certificate
 * verified, only when it is not there already, and only so often until the next reset.
 */
final class PublicKeys {

    // Roles of the current public key, KEY_ROLE in RAM
    static final byte ROLE_NONE = (byte) 0;
    static final byte ROLE_TRUST_POINT = (byte) 1;
    /** An authority that the trust point certified itself: the only one between it and an off-card entity. */
    static final byte ROLE_INTERMEDIATE = (byte) 2;

    static final byte ROLE_OFF_CARD_ENTITY = (byte) 3;
    /** An off-card entity under an intermediate that may not name anybody's owner: never more than a guest. */
    static final byte ROLE_GUEST = (byte) 4;

    static final byte[] EXPONENT = {(byte) 0x01, (byte) 0x00, (byte) 0x01};
    static final short EXPONENT_LENGTH = (short) 3;

    static final short SIZES = (short) 3;
    static final short MODULUS_MAX = (short) 384;
    private static final short MODULUS_1024 = (short) 128;
    private static final short MODULUS_2048 = (short) 256;
    private static final short MODULUS_3072 = (short) 384;

    /** New keys from one reset to the next: an owner comes with the same two certificates again and again. */
    private static final byte CHANGES_MAX = (byte) 32;

    private final RSAPublicKey[] authorities = make();
    private final RSAPublicKey[] entities = make();
    private final TrustPoint trustPoint;
    private final byte[] ram;
    /** Counts the new keys, CLEAR_ON_RESET. */
    private final byte[] changes = JCSystem.makeTransientByteArray((short) 1, JCSystem.CLEAR_ON_RESET);

    PublicKeys(Transients transients, TrustPoint trustPoint) {
        this.trustPoint = trustPoint;
        ram = transients.ram;
    }

    /** A key object of each size, with its exponent; null where the card has none of a size. */
    static RSAPublicKey[] make() {
        RSAPublicKey[] keys = new RSAPublicKey[SIZES];
        for (short i = 0; i < SIZES; i++) {
            try {
                keys[i] = (RSAPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PUBLIC, bits(i), false);
                keys[i].setExponent(EXPONENT, (short) 0, EXPONENT_LENGTH);
            } catch (CryptoException e) {
                // a card without this size: set() refuses it
                keys[i] = null;
            }
        }
        return keys;
    }

    /** Index of a modulus length in bytes; NONE when it is not one of the three sizes. */
    static short sizeIndex(short modulusLength) {
        switch (modulusLength) {
            case MODULUS_1024:
                return (short) 0;
            case MODULUS_2048:
                return (short) 1;
            case MODULUS_3072:
                return (short) 2;
            default:
                return Tlv.NONE;
        }
    }

    static short bits(short sizeIndex) {
        return (short) ((short) (sizeIndex + 1) << 10);
    }

    static boolean isExponent(byte[] buffer, short offset, short length) {
        return length == EXPONENT_LENGTH
                && buffer[offset] == 1
                && buffer[(short) (offset + 1)] == 0
                && buffer[(short) (offset + 2)] == 1;
    }

    /**
     * Checks a public key: a supported size, top bit set, odd, e = 010001. What a key generator
     * never makes is 6A80.
     */
    static void check(byte[] buffer, short modulus, short modulusLength, short exponent, short exponentLength) {
        if (sizeIndex(modulusLength) == Tlv.NONE
                || buffer[modulus] >= 0
                || (buffer[(short) (modulus + modulusLength - 1)] & 1) == 0
                || !isExponent(buffer, exponent, exponentLength)) {
            Refuse.data();
        }
    }

    /** Writes a checked modulus; 6A80 when the card has no key of this size, or refuses the number in its own way. */
    static void set(RSAPublicKey[] keys, byte[] buffer, short modulus, short modulusLength) {
        RSAPublicKey key = keys[sizeIndex(modulusLength)];
        if (key == null) {
            Refuse.data();
        }
        try {
            key.setModulus(buffer, modulus, modulusLength);
        } catch (RuntimeException e) {
            Refuse.data();
        }
    }

    /** True when a key object has this modulus already; {@code scratch} is room for one. */
    static boolean holds(RSAPublicKey key, byte[] buffer, short modulus, short modulusLength, short scratch) {
        return key != null
                && key.isInitialized()
                && key.getModulus(buffer, scratch) == modulusLength
                && Util.arrayCompare(buffer, modulus, buffer, scratch, modulusLength) == 0;
    }

    /**
     * Makes the key of a certificate that verified the current one.
     *
     * @param role ROLE_INTERMEDIATE or a role of an off-card entity, for KEY_ROLE
     * @param scratch room for a modulus in {@code buffer}
     */
    void accept(byte role, byte[] buffer, short modulus, short modulusLength, short scratch) {
        short index = sizeIndex(modulusLength);
        RSAPublicKey[] keys = role == ROLE_INTERMEDIATE ? authorities : entities;
        RSAPublicKey key = keys[index];
        if (!holds(key, buffer, modulus, modulusLength, scratch)) {
            if (changes[0] >= CHANGES_MAX) {
                Refuse.conditions();
            }
            changes[0]++;
            set(keys, buffer, modulus, modulusLength);
        }
        ram[Transients.KEY_SIZE] = (byte) index;
        ram[Transients.KEY_ROLE] = role;
    }

    RSAPublicKey current() {
        short index = ram[Transients.KEY_SIZE];
        switch (ram[Transients.KEY_ROLE]) {
            case ROLE_TRUST_POINT:
                return trustPoint.key();
            case ROLE_INTERMEDIATE:
                return authorities[index];
            default:
                return entities[index];
        }
    }

    short currentLength() {
        return (short) ((short) (ram[Transients.KEY_SIZE] + 1) << 7);
    }
}
