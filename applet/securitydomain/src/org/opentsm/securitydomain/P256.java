// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.ECPublicKey;
import javacard.security.KeyBuilder;
import javacard.security.Signature;

/** ECDSA over P-256 with SHA-256, whose signatures are {@code r, s} of 32 bytes each (GPCS 2.3.1 B.4.3). */
final class P256 {

    static final short SIGNATURE_LENGTH = (short) 64;
    /** An uncompressed point. */
    static final short POINT_LENGTH = (short) 65;
    /** Room for a signature as cards take it. */
    static final short ENCODED_MAX = (short) 72;

    private static final short NUMBER = (short) 32;
    private static final byte SEQUENCE = (byte) 0x30;
    private static final byte INTEGER = (byte) 0x02;

    // p, a, b, n, the base point (FIPS 186-4 D.1.2.3)
    // spotless:off
    private static final byte[] CURVE = {
        (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x00, 0x00, 0x00, 0x01,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF,
        (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF,
        (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x00, 0x00, 0x00, 0x01,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF,
        (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFC,
        0x5A, (byte) 0xC6, 0x35, (byte) 0xD8, (byte) 0xAA, 0x3A, (byte) 0x93, (byte) 0xE7,
        (byte) 0xB3, (byte) 0xEB, (byte) 0xBD, 0x55, 0x76, (byte) 0x98, (byte) 0x86, (byte) 0xBC,
        0x65, 0x1D, 0x06, (byte) 0xB0, (byte) 0xCC, 0x53, (byte) 0xB0, (byte) 0xF6,
        0x3B, (byte) 0xCE, 0x3C, 0x3E, 0x27, (byte) 0xD2, 0x60, 0x4B,
        (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x00, 0x00, 0x00, 0x00,
        (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF,
        (byte) 0xBC, (byte) 0xE6, (byte) 0xFA, (byte) 0xAD, (byte) 0xA7, 0x17, (byte) 0x9E, (byte) 0x84,
        (byte) 0xF3, (byte) 0xB9, (byte) 0xCA, (byte) 0xC2, (byte) 0xFC, 0x63, 0x25, 0x51,
        0x04, 0x6B, 0x17, (byte) 0xD1, (byte) 0xF2, (byte) 0xE1, 0x2C, 0x42,
        0x47, (byte) 0xF8, (byte) 0xBC, (byte) 0xE6, (byte) 0xE5, 0x63, (byte) 0xA4, 0x40,
        (byte) 0xF2, 0x77, 0x03, 0x7D, (byte) 0x81, 0x2D, (byte) 0xEB, 0x33,
        (byte) 0xA0, (byte) 0xF4, (byte) 0xA1, 0x39, 0x45, (byte) 0xD8, (byte) 0x98, (byte) 0xC2,
        (byte) 0x96, 0x4F, (byte) 0xE3, 0x42, (byte) 0xE2, (byte) 0xFE, 0x1A, 0x7F,
        (byte) 0x9B, (byte) 0x8E, (byte) 0xE7, (byte) 0xEB, 0x4A, 0x7C, 0x0F, (byte) 0x9E,
        0x16, 0x2B, (byte) 0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E,
        (byte) 0xCE, (byte) 0xCB, (byte) 0xB6, 0x40, 0x68, 0x37, (byte) 0xBF, 0x51,
        (byte) 0xF5,
    };
    // spotless:on
    private static final short P = (short) 0;
    private static final short A = NUMBER;
    private static final short B = (short) (2 * NUMBER);
    private static final short N = (short) (3 * NUMBER);
    private static final short G = (short) (4 * NUMBER);

    /** Null on a card without elliptic curves of this size. */
    private final ECPublicKey key;

    private final Signature engine;

    P256() {
        ECPublicKey made = null;
        Signature found = null;
        try {
            made = (ECPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_EC_FP_PUBLIC, KeyBuilder.LENGTH_EC_FP_256, false);
            made.setFieldFP(CURVE, P, NUMBER);
            made.setA(CURVE, A, NUMBER);
            made.setB(CURVE, B, NUMBER);
            made.setR(CURVE, N, NUMBER);
            made.setG(CURVE, G, POINT_LENGTH);
            made.setK((short) 1);
            found = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, true);
        } catch (CryptoException e) {
            made = null;
        }
        key = made;
        engine = found;
    }

    boolean present() {
        return key != null;
    }

    /** True when the signature is right; its encoding for the card is made at {@code scratch}. */
    boolean verify(byte[] buffer, short point, short offset, short length, short signature, short scratch) {
        key.setW(buffer, point, POINT_LENGTH);
        engine.init(key, Signature.MODE_VERIFY);
        short end = integer(buffer, signature, (short) (scratch + 2));
        end = integer(buffer, (short) (signature + NUMBER), end);
        buffer[scratch] = SEQUENCE;
        buffer[(short) (scratch + 1)] = (byte) (end - scratch - 2);
        return engine.verify(buffer, offset, length, buffer, scratch, (short) (end - scratch));
    }

    /** Writes a number as an ASN.1 INTEGER, with as few bytes as it needs; returns the offset behind. */
    private static short integer(byte[] buffer, short number, short out) {
        short at = number;
        short last = (short) (number + NUMBER - 1);
        while (at < last && buffer[at] == 0) {
            at++;
        }
        short padding = (short) (buffer[at] < 0 ? 1 : 0);
        short length = (short) (last + 1 - at);
        buffer[out] = INTEGER;
        buffer[(short) (out + 1)] = (byte) (length + padding);
        buffer[(short) (out + 2)] = (byte) 0;
        return Util.arrayCopyNonAtomic(buffer, at, buffer, (short) (out + 2 + padding), length);
    }
}
