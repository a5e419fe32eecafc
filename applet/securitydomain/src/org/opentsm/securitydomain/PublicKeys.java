package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.security.CryptoException;
import javacard.security.KeyBuilder;
import javacard.security.RSAPublicKey;

/**
 * One RSA public key object for each size, which hold the current public key of an initiation.
 * Java Card has no transient public keys; what is in them counts only while KEY_ROLE in RAM says so.
 */
final class PublicKeys {

    static final byte[] EXPONENT = {(byte) 0x01, (byte) 0x00, (byte) 0x01};
    static final short EXPONENT_LENGTH = (short) 3;

    static final short SIZES = (short) 3;
    static final short MODULUS_MAX = (short) 384;
    private static final short MODULUS_1024 = (short) 128;
    private static final short MODULUS_2048 = (short) 256;
    private static final short MODULUS_3072 = (short) 384;

    private final RSAPublicKey[] keys = new RSAPublicKey[SIZES];
    private final Transients transients;

    PublicKeys(Transients transients) {
        this.transients = transients;
        for (short i = 0; i < SIZES; i++) {
            try {
                keys[i] = (RSAPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PUBLIC, bits(i), false);
            } catch (CryptoException e) {
                // a card without this size: load() refuses it
                keys[i] = null;
            }
        }
    }

    /** Index of a modulus length in bytes; NONE when it is not one of the three sizes. */
    static short sizeIndex(short modulusLength) {
        switch (modulusLength) {
            case MODULUS_1024: return (short) 0;
            case MODULUS_2048: return (short) 1;
            case MODULUS_3072: return (short) 2;
            default: return Tlv.NONE;
        }
    }

    static short bits(short sizeIndex) {
        return (short) ((short) (sizeIndex + 1) << 10);
    }

    static boolean isExponent(byte[] buffer, short offset, short length) {
        return length == EXPONENT_LENGTH && buffer[offset] == 1 && buffer[(short) (offset + 1)] == 0
                && buffer[(short) (offset + 2)] == 1;
    }

    /**
     * Checks a public key: a supported size, top bit set, odd, e = 010001. What a key generator
     * never makes is 6A80.
     */
    static void check(byte[] buffer, short modulus, short modulusLength, short exponent, short exponentLength) {
        if (sizeIndex(modulusLength) == Tlv.NONE || buffer[modulus] >= 0
                || (buffer[(short) (modulus + modulusLength - 1)] & 1) == 0
                || !isExponent(buffer, exponent, exponentLength)) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
    }

    /** Loads a checked modulus and makes it current. */
    void load(byte[] buffer, short modulus, short modulusLength) {
        short index = sizeIndex(modulusLength);
        RSAPublicKey key = keys[index];
        if (key == null) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        try {
            key.setExponent(EXPONENT, (short) 0, EXPONENT_LENGTH);
            key.setModulus(buffer, modulus, modulusLength);
        } catch (RuntimeException e) {
            // some platforms test the modulus and refuse it in their own way
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        transients.ram[Transients.KEY_SIZE] = (byte) index;
    }

    RSAPublicKey current() {
        return keys[transients.ram[Transients.KEY_SIZE]];
    }

    short currentLength() {
        return (short) ((short) (transients.ram[Transients.KEY_SIZE] + 1) << 7);
    }
}
