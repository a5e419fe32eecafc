// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * One key field of PUT KEY: {@code type L key, L KCV}, or the components of a public key and an empty KCV; in format 2
 * FF before each type, and {@code L usage, L access} at the end. GPCS 2.3.1 11.8.2.3.
 */
final class KeyField {

    private static final int DES_LAST = 0x84;
    private static final int PRE_SHARED = 0x85;
    private static final int HMAC = 0x90;
    private static final int HMAC_LONG = 0x91;
    private static final int EXPONENT = 0xA0;
    private static final int MODULUS = 0xA1;
    private static final int POINT = 0xB0;
    private static final int CURVE = 0xF0;
    private static final int EXTENDED = 0xFF;
    private static final int CHECK_LENGTH = 3;

    private final Session session;
    private final Fields in;
    /** Check value of the key read last, empty where it has none. */
    private byte[] check = new byte[0];
    /** True while the key is in format 2. */
    private boolean extended;

    KeyField(Session session, Fields in) {
        this.session = session;
        this.in = in;
    }

    byte[] check() {
        return check;
    }

    StoredKey read() {
        extended = in.startsWith(EXTENDED);
        StoredKey key = read(type());
        if (extended) {
            // usage and access, which nothing here asks for
            StatusException.require(in.lv().length <= 2 && in.lv().length <= 1, Status.WRONG_DATA);
        }
        return key;
    }

    /** Of a component; in format 2 behind FF. */
    private int type() {
        StatusException.require(!extended || in.unsigned() == EXTENDED, Status.WRONG_DATA);
        return in.unsigned();
    }

    private StoredKey read(int type) {
        check = new byte[0];
        // 82 to 84 name modes of triple DES: the same key
        if (type >= KeySet.DES && type <= DES_LAST && type != 0x81) {
            return checked(KeySet.DES);
        }
        return switch (type) {
            case KeySet.AES -> checked(KeySet.AES);
            case PRE_SHARED -> preShared();
            case HMAC, HMAC_LONG -> unchecked(type);
            case MODULUS, POINT -> open(type);
            default -> throw new StatusException(Status.WRONG_DATA);
        };
    }

    private StoredKey checked(int type) {
        byte[] key = secret();
        boolean fits = key.length == 16 || key.length == 24 || key.length == 32 && type == KeySet.AES;
        StatusException.require(fits, Status.WRONG_DATA);
        byte[] claimed = in.lv();
        StatusException.require(claimed.length == CHECK_LENGTH, Status.WRONG_DATA);
        check = KeySet.checkValue(type, key);
        StatusException.require(MessageDigest.isEqual(check, claimed), Status.SECURITY);
        return StoredKey.secret(type, key);
    }

    /** Its check value, the start of SHA-1 over it, may be left out. Amendment B 3.9.1. */
    private StoredKey preShared() {
        byte[] key = secret();
        byte[] claimed = in.lv();
        if (claimed.length != 0) {
            StatusException.require(claimed.length == CHECK_LENGTH, Status.WRONG_DATA);
            check = Arrays.copyOf(sha1(key), CHECK_LENGTH);
            StatusException.require(MessageDigest.isEqual(check, claimed), Status.SECURITY);
        }
        return StoredKey.secret(PRE_SHARED, key);
    }

    private static byte[] sha1(byte[] key) {
        try {
            return MessageDigest.getInstance("SHA-1").digest(key);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** No check value is defined for these. */
    private StoredKey unchecked(int type) {
        byte[] key = secret();
        StatusException.require(in.lv().length == 0, Status.WRONG_DATA);
        return StoredKey.secret(type, key);
    }

    /** A block of whole blocks is ciphertext only; else the key's length leads it. */
    private byte[] secret() {
        byte[] field = in.lv();
        int block = session.keyBlock();
        boolean bare = field.length % block == 0;
        Fields content = new Fields(field);
        int length = bare ? field.length : content.unsigned();
        byte[] sealed = content.take(bare ? field.length : field.length - 1);
        boolean fits = sealed.length > 0
                && sealed.length % block == 0
                && length > 0
                && length <= sealed.length
                && sealed.length - length < block;
        StatusException.require(fits, Status.WRONG_DATA);
        return Arrays.copyOf(session.openKey(sealed), length);
    }

    /** {@code A1 L modulus A0 L exponent} or {@code B0 L point [F0 01 curve]}, in clear. */
    private StoredKey open(int type) {
        byte[] first = in.value();
        byte[] shape = Bytes.of(type, first.length > 0xFF ? 0 : first.length);
        boolean rsa = type == MODULUS;
        StatusException.require(rsa ? isModulus(first) : isPoint(first), Status.WRONG_DATA);
        byte[] value = Bytes.tlv(type, first);
        int next = in.unsigned();
        if (rsa && next == 0) {
            // some hosts put an empty check value behind each component
            next = in.unsigned();
        }
        if (extended && next == EXTENDED) {
            next = in.unsigned();
        }
        StatusException.require(rsa ? next == EXPONENT : next == 0 || next == CURVE, Status.WRONG_DATA);
        if (next != 0) {
            byte[] second = in.value();
            StatusException.require(second.length >= 1 && second.length <= 8, Status.WRONG_DATA);
            shape = Bytes.concat(shape, Bytes.of(next, second.length));
            value = Bytes.concat(value, Bytes.tlv(next, second));
            StatusException.require(in.lv().length == 0, Status.WRONG_DATA);
        }
        return new StoredKey(shape, value);
    }

    private static boolean isModulus(byte[] value) {
        return value.length >= 64 && value.length <= 256;
    }

    /** 04, then both coordinates of P-256, P-384 or P-521. */
    private static boolean isPoint(byte[] value) {
        return (value.length == 65 || value.length == 97 || value.length == 133) && value[0] == 0x04;
    }
}
