// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.Key;
import javacard.security.MessageDigest;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * Key agreement, option 01: signatures with message recovery by ISO 9796-2 scheme 1, SHA-1, trailer
 * BC, encrypted for the receiver (F.3.1.3, Tables F-5, F-6, F-9, F-10; scp10.md 4.4).
 */
final class KeyAgreement {

    private static final byte BLOCK_HEADER = (byte) 0x6A;
    private static final byte BLOCK_TRAILER = (byte) 0xBC;
    private static final short HASH_SIZE = (short) 20;
    private static final short CHALLENGE_SIZE = (short) 8;
    private static final short IDENTITY_SIZE = (short) 8;
    private static final short KEY_SIZE = (short) 16;
    private static final short KEYS = (short) 6;
    /** Where the off-card entity's secret waits for INTERNAL AUTHENTICATE. */
    private static final short SECRET = (short) (Transients.TEMPLATES + SessionKeys.DERIVED - SessionKeys.SECRET_SIZE);

    private final byte[] ram;
    private final byte[] work;
    private final SessionKeys sessionKeys;
    private final PublicKeys publicKeys;
    private final KeyPairs pairs;
    private final CertificateStore certificate;
    private final RandomData random;
    private final Cipher raw;
    private final MessageDigest sha1;

    KeyAgreement(
            Transients transients,
            SessionKeys sessionKeys,
            PublicKeys publicKeys,
            KeyPairs pairs,
            CertificateStore certificate,
            MessageDigest sha1,
            RandomData random) {
        this.sessionKeys = sessionKeys;
        this.publicKeys = publicKeys;
        this.pairs = pairs;
        this.certificate = certificate;
        this.random = random;
        ram = transients.ram;
        work = transients.work;
        raw = rawRsa();
        this.sha1 = sha1;
    }

    private static Cipher rawRsa() {
        try {
            return Cipher.getInstance(Cipher.ALG_RSA_NOPAD, false);
        } catch (CryptoException e) {
            // a card without it has option 02 alone
            return null;
        }
    }

    boolean available() {
        return raw != null;
    }

    /** Raw RSA of {@code length} bytes in place, padded on the left: some platforms drop leading zeros. */
    private void rsa(Key key, byte mode, short offset, short length) {
        raw.init(key, mode);
        short made = raw.doFinal(work, offset, length, work, offset);
        short missing = (short) (length - made);
        if (missing > 0) {
            Util.arrayCopyNonAtomic(work, offset, work, (short) (offset + missing), made);
            Bytes.wipe(work, offset, missing);
        }
    }

    /** Replaces the modulus at {@code modulus} by modulus minus the number at {@code offset}. */
    private void subtract(short modulus, short offset, short length) {
        short borrow = (short) 0;
        for (short i = (short) (length - 1); i >= 0; i--) {
            short at = (short) (modulus + i);
            short difference = (short)
                    ((short) ((short) (work[at] & 0xFF) - (short) (work[(short) (offset + i)] & 0xFF)) - borrow);
            work[at] = (byte) difference;
            borrow = difference < 0 ? (short) 1 : (short) 0;
        }
    }

    private boolean looksSigned(short offset, short length) {
        return work[offset] == BLOCK_HEADER && work[(short) (offset + length - 1)] == BLOCK_TRAILER;
    }

    /**
     * Opens the off-card entity's encrypted signature and takes templates and secret out of it.
     *
     * @return false when it does not verify; the caller answers every failure alike
     */
    boolean external(short offset, short length) {
        short modulus = (short) (offset + length);
        if (!pairs.present() || length != pairs.modulusLength() || length != publicKeys.currentLength()) {
            return false;
        }
        rsa(pairs.privateKey(), Cipher.MODE_DECRYPT, offset, length);
        rsa(publicKeys.current(), Cipher.MODE_ENCRYPT, offset, length);
        if (!looksSigned(offset, length)) {
            publicKeys.current().getModulus(work, modulus);
            subtract(modulus, offset, length);
            Util.arrayCopyNonAtomic(work, modulus, work, offset, length);
        }
        if (!looksSigned(offset, length)) {
            return false;
        }
        short hash = (short) (offset + length - 1 - HASH_SIZE);
        short secret = (short) (hash - SessionKeys.SECRET_SIZE);
        certificate.identity(ram, Transients.SCRATCH);
        sha1.reset();
        sha1.update(work, (short) (offset + 1), (short) (hash - offset - 1));
        sha1.update(ram, Transients.CHALLENGE, CHALLENGE_SIZE);
        sha1.doFinal(ram, Transients.SCRATCH, IDENTITY_SIZE, ram, Transients.SCRATCH);
        if (Util.arrayCompare(ram, Transients.SCRATCH, work, hash, HASH_SIZE) != 0) {
            return false;
        }
        // M1 starts with random bytes of unknown number: the templates are what parses up to the secret
        for (short start = (short) (secret - 3); start > (short) (offset + 1); start--) {
            if (work[start] == (byte) Gp.TAG_LEVEL && work[(short) (start + 1)] == 1 && loads(start, secret)) {
                Util.arrayCopyNonAtomic(work, secret, ram, SECRET, SessionKeys.SECRET_SIZE);
                return true;
            }
        }
        return false;
    }

    private boolean loads(short start, short end) {
        try {
            sessionKeys.load(work, start, (short) (end - start), false);
            return true;
        } catch (ISOException e) {
            return false;
        }
    }

    /**
     * Answers with the card's secret, signed and encrypted, and derives the keys.
     *
     * @param data peer's challenge (8) and identity (8) in work
     * @return length of the response at {@code out}
     */
    short internal(short data, short out) {
        short length = pairs.modulusLength();
        short hash = (short) (out + length - 1 - HASH_SIZE);
        short secret = (short) (hash - SessionKeys.SECRET_SIZE);
        short modulus = (short) (out + length);
        Util.arrayCopyNonAtomic(work, data, ram, Transients.SCRATCH, (short) (CHALLENGE_SIZE + IDENTITY_SIZE));
        work[out] = BLOCK_HEADER;
        random.generateData(work, (short) (out + 1), (short) (hash - out - 1));
        sha1.reset();
        sha1.update(work, (short) (out + 1), (short) (hash - out - 1));
        sha1.doFinal(ram, Transients.SCRATCH, (short) (CHALLENGE_SIZE + IDENTITY_SIZE), work, hash);
        work[(short) (out + length - 1)] = BLOCK_TRAILER;
        derive(secret);
        rsa(pairs.privateKey(), Cipher.MODE_DECRYPT, out, length);
        pairs.modulus(work, modulus);
        subtract(modulus, out, length);
        if (Util.arrayCompare(work, modulus, work, out, length) < 0) {
            Util.arrayCopyNonAtomic(work, modulus, work, out, length);
        }
        rsa(publicKeys.current(), Cipher.MODE_ENCRYPT, out, length);
        // the signature's other form, from which the card's secret could be recovered
        Bytes.wipe(work, modulus, length);
        return length;
    }

    /** {@code K = SHA-1(OES xor CS, counter)} for the six places of Table F-12, and the first MAC counter. */
    private void derive(short ownSecret) {
        short counters = Transients.SCRATCH;
        short digest = (short) (Transients.SCRATCH + 8);
        Util.arrayCopyNonAtomic(work, (short) (ownSecret + SessionKeys.SECRET_SIZE - 4), ram, counters, (short) 4);
        Util.arrayCopyNonAtomic(
                ram, (short) (SECRET + SessionKeys.SECRET_SIZE - 4), ram, (short) (counters + 4), (short) 4);
        sessionKeys.setInitialCounters(ram, counters);
        for (short i = 0; i < SessionKeys.SECRET_SIZE; i++) {
            ram[(short) (SECRET + i)] ^= work[(short) (ownSecret + i)];
        }
        for (short i = 0; i < KEYS; i++) {
            Bytes.wipe(ram, digest, (short) 4);
            ram[(short) (digest + 3)] = (byte) (i + 1);
            sha1.reset();
            sha1.update(ram, SECRET, SessionKeys.SECRET_SIZE);
            sha1.doFinal(ram, digest, (short) 4, ram, digest);
            Util.arrayCopyNonAtomic(
                    ram,
                    digest,
                    ram,
                    (short) (Transients.TEMPLATES + SessionKeys.DERIVED + (short) (i * KEY_SIZE)),
                    KEY_SIZE);
        }
        Bytes.wipe(ram, SECRET, SessionKeys.SECRET_SIZE);
    }
}
