// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.SystemException;
import javacard.security.CryptoException;
import javacard.security.KeyPair;
import javacard.security.PrivateKey;
import javacard.security.RSAPrivateCrtKey;
import javacard.security.RSAPublicKey;
import javacard.security.Signature;

/**
 * SK/PK.SD.AUT. For each key size two key pair objects made at install: a new pair
 * is made in the spare one, takes over in one transaction, and the pair before is destroyed.
 */
final class KeyPairs {

    private static final byte NO_PAIR = (byte) -1;
    private static final short GENERATE_ATTEMPTS = (short) 4;

    /** Index 2 * size + slot; null where the install parameters or the card leave a size out. */
    private final KeyPair[] pairs = new KeyPair[(short) (2 * PublicKeys.SIZES)];

    private byte current = NO_PAIR;
    private byte version;
    /** BY_DELEGATION or BY_OWNER for a pair made here; BY_CARD_MAKER for one that came in as key components. */
    private byte maker;
    /** Slot that takes key components, pre-issuance. */
    private byte loading = NO_PAIR;

    private final Signature signature;
    private final CertificateStore certificate;

    /**
     * @param onlyBits the one key size to make room for, or 0 for all the card has
     * @param certificate is dropped when its pair is
     */
    KeyPairs(short onlyBits, CertificateStore certificate) {
        this.certificate = certificate;
        signature = Signature.getInstance(Signature.ALG_RSA_SHA_PKCS1, false);
        for (short size = 0; size < PublicKeys.SIZES; size++) {
            if (onlyBits == 0 || onlyBits == PublicKeys.bits(size)) {
                allocate(size);
            }
        }
    }

    private void allocate(short size) {
        short slot = (short) (size << 1);
        try {
            pairs[slot] = new KeyPair(KeyPair.ALG_RSA_CRT, PublicKeys.bits(size));
            pairs[(short) (slot + 1)] = new KeyPair(KeyPair.ALG_RSA_CRT, PublicKeys.bits(size));
        } catch (CryptoException e) {
            // a card without this size: generate() and load() refuse it
            pairs[slot] = null;
        } catch (SystemException e) {
            // no room for it any more: the sizes before are there
            pairs[slot] = null;
        }
    }

    boolean present() {
        return current != NO_PAIR;
    }

    private KeyPair pair() {
        if (current == NO_PAIR) {
            Refuse.conditions();
        }
        return pairs[current];
    }

    byte version() {
        return version;
    }

    /** Who made the current pair; BY_CARD_MAKER when its private half may be known elsewhere. */
    byte maker() {
        return current == NO_PAIR ? Gp.BY_CARD_MAKER : maker;
    }

    PrivateKey privateKey() {
        return pair().getPrivate();
    }

    /** Modulus length of the current pair in bytes. */
    short modulusLength() {
        return (short) ((short) ((short) (current >> 1) + 1) << 7);
    }

    short modulus(byte[] out, short offset) {
        return ((RSAPublicKey) pair().getPublic()).getModulus(out, offset);
    }

    /** The slot a pair of this size goes to: not the current one. 6A80 when there is no room made for the size. */
    private byte spare(short size) {
        if (size == Tlv.NONE || pairs[(short) (size << 1)] == null) {
            Refuse.data();
        }
        short slot = (short) (size << 1);
        if (current == slot) {
            slot++;
        }
        return (byte) slot;
    }

    /** Size used when GENERATE names none: 2048, or the one there is. */
    short defaultSize() {
        if (pairs[2] != null) {
            return (short) 1;
        }
        return pairs[0] != null ? (short) 0 : (short) 2;
    }

    /**
     * Makes a pair in the spare slot; it counts only after {@link #adopt}. A pair whose halves do not
     * fit (a fault, or a generator that reuses its key objects badly) is made again.
     *
     * @param scratch has room for a signature at {@code offset}
     */
    byte generate(short size, byte[] scratch, short offset) {
        byte slot = spare(size);
        for (short i = 0; i < GENERATE_ATTEMPTS; i++) {
            pairs[slot].genKeyPair();
            if (consistent(pairs[slot], scratch, offset)) {
                return slot;
            }
        }
        pairs[slot].getPrivate().clearKey();
        ISOException.throwIt(Gp.SW_NO_DIAGNOSIS);
        return NO_PAIR;
    }

    /** Signs and verifies: the private half is the public one's. */
    private boolean consistent(KeyPair pair, byte[] scratch, short offset) {
        try {
            signature.init(pair.getPrivate(), Signature.MODE_SIGN);
            short length = signature.sign(PublicKeys.EXPONENT, (short) 0, PublicKeys.EXPONENT_LENGTH, scratch, offset);
            signature.init(pair.getPublic(), Signature.MODE_VERIFY);
            return signature.verify(
                    PublicKeys.EXPONENT, (short) 0, PublicKeys.EXPONENT_LENGTH, scratch, offset, length);
        } catch (RuntimeException e) {
            return false;
        }
    }

    /**
     * Makes a slot the current pair; inside the caller's transaction. The certificate was the old key's.
     *
     * @param newMaker BY_CARD_MAKER when its components came from outside
     */
    void adopt(byte slot, byte newVersion, byte newMaker) {
        current = slot;
        version = newVersion;
        maker = newMaker;
        certificate.clear();
    }

    /** Destroys every private key but the current one. */
    void destroyOthers() {
        for (short i = 0; i < (short) (2 * PublicKeys.SIZES); i++) {
            if (i != current && pairs[i] != null && pairs[i].getPrivate().isInitialized()) {
                pairs[i].getPrivate().clearKey();
            }
        }
    }

    /** Lets go of the pair and its certificate; {@link #destroyOthers} destroys it. */
    void drop() {
        current = NO_PAIR;
        certificate.clear();
    }

    void destroyAll() {
        drop();
        destroyOthers();
    }

    /**
     * Takes key components from PUT KEY, pre-issuance only: {@code A1 N, A0 e} first, then A4 P, A5 Q,
     * A6 qInv, A7 dP, A8 dQ, and 00 at the end. RSA-3072 is too long for one command: components may
     * come in further ones (applet/README.md 5.5).
     *
     * @return true when all are there; the pair counts after {@link #adoptLoaded}
     */
    boolean load(byte[] buffer, short offset, short end) {
        short field = offset;
        if (buffer[field] == Gp.KEY_RSA_MODULUS) {
            field = startLoading(buffer, field, end);
        }
        if (loading == NO_PAIR) {
            Refuse.data();
        }
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) pairs[loading].getPrivate();
        short half = (short) (PublicKeys.bits((short) (loading >> 1)) >> 4);
        while (field < end && buffer[field] != 0) {
            short type = Tlv.tag(buffer, field, end);
            short value = Tlv.value(buffer, field, end);
            short length = Tlv.length(buffer, field, end);
            if (length == 0 || length > half) {
                Refuse.data();
            }
            setComponent(key, type, buffer, value, length);
            field = (short) (value + length);
        }
        if ((short) (field + 1) != end) {
            Refuse.data();
        }
        return key.isInitialized();
    }

    /** Makes the loaded pair the current one; inside the caller's transaction. */
    void adoptLoaded(byte newVersion) {
        adopt(loading, newVersion, Gp.BY_CARD_MAKER);
        loading = NO_PAIR;
    }

    /** Takes modulus and exponent; returns the offset behind them. */
    private short startLoading(byte[] buffer, short field, short end) {
        short modulus = Tlv.value(buffer, field, end);
        short modulusLength = Tlv.length(buffer, field, end);
        short exponentField = (short) (modulus + modulusLength);
        short exponent = Tlv.expect(buffer, exponentField, end, (short) (Gp.KEY_RSA_EXPONENT & 0xFF));
        short exponentLength = Tlv.length(buffer, exponentField, end);
        PublicKeys.check(buffer, modulus, modulusLength, exponent, exponentLength);
        loading = spare(PublicKeys.sizeIndex(modulusLength));
        pairs[loading].getPrivate().clearKey();
        RSAPublicKey publicKey = (RSAPublicKey) pairs[loading].getPublic();
        publicKey.setExponent(PublicKeys.EXPONENT, (short) 0, PublicKeys.EXPONENT_LENGTH);
        publicKey.setModulus(buffer, modulus, modulusLength);
        return (short) (exponent + exponentLength);
    }

    private static void setComponent(RSAPrivateCrtKey key, short type, byte[] buffer, short value, short length) {
        switch (type) {
            case (short) 0xA4:
                key.setP(buffer, value, length);
                break;
            case (short) 0xA5:
                key.setQ(buffer, value, length);
                break;
            case (short) 0xA6:
                key.setPQ(buffer, value, length);
                break;
            case (short) 0xA7:
                key.setDP1(buffer, value, length);
                break;
            case (short) 0xA8:
                key.setDQ1(buffer, value, length);
                break;
            default:
                Refuse.data();
        }
    }
}
