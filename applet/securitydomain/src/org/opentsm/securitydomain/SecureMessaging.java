// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/**
 * Wraps and unwraps APDUs under the session keys (F.2.3 to F.2.5, F.3.2; scp10.md section 6). In
 * place in the work buffer. Every failure is 6982; the caller aborts the session.
 */
final class SecureMessaging {

    private static final short BLOCK = (short) 8;
    private static final byte PADDING = (byte) 0x80;
    private static final byte PADDING_INDICATOR = (byte) 0x01;

    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;
    private final SessionKeys keys;
    private final Signature mac;
    private final Cipher ecb;
    private final Cipher cbc;

    SecureMessaging(Transients transients, SessionKeys keys, BlockCiphers ciphers) {
        this.transients = transients;
        this.keys = keys;
        ram = transients.ram;
        work = transients.work;
        mac = Signature.getInstance(Signature.ALG_DES_MAC8_ISO9797_1_M2_ALG3, false);
        ecb = ciphers.desEcb;
        cbc = ciphers.desCbc;
    }

    private static void require(boolean held) {
        if (!held) {
            ISOException.throwIt(Gp.SW_SECURITY_STATUS);
        }
    }

    /**
     * Checks and opens {@code [81|87] [97] 8E} at DATA_OFFSET and sets DATA_OFFSET and DATA_LENGTH
     * to the plain data. {@code level} is the session's: an 81 is too weak where it asks for
     * encryption; an 87 beyond it is opened as well.
     */
    void unwrap(byte level) {
        require(keys.has(SessionKeys.C_MAC));
        short start = transients.getShort(Transients.DATA_OFFSET);
        short end = (short) (start + transients.getShort(Transients.DATA_LENGTH));
        short at = start;
        short data = start;
        short length = (short) 0;
        boolean ciphered = false;
        if (at < end && Tlv.tag(work, at, end) != Gp.TAG_SM_LE && Tlv.tag(work, at, end) != Gp.TAG_SM_MAC) {
            ciphered = Tlv.tag(work, at, end) == Gp.TAG_SM_CIPHERED;
            require(ciphered || (Tlv.tag(work, at, end) == Gp.TAG_SM_PLAIN && (level & Gp.LEVEL_C_DECRYPTION) == 0));
            data = Tlv.value(work, at, end);
            length = Tlv.length(work, at, end);
            require(length > 0);
            at = Tlv.next(work, at, end);
        }
        if (at < end && Tlv.tag(work, at, end) == Gp.TAG_SM_LE) {
            require(Tlv.length(work, at, end) == 1);
            at = Tlv.next(work, at, end);
        }
        require(at < end && Tlv.tag(work, at, end) == Gp.TAG_SM_MAC);
        short given = Tlv.value(work, at, end);
        require(Tlv.length(work, at, end) == BLOCK && (short) (given + BLOCK) == end);
        checkMac(start, at, given);
        if (ciphered) {
            require(keys.has(SessionKeys.C_ENC));
            length = decrypt(data, length);
            data++;
        }
        transients.setShort(Transients.DATA_OFFSET, data);
        transients.setShort(Transients.DATA_LENGTH, length);
    }

    private void checkMac(short start, short end, short given) {
        short scratch = Transients.SCRATCH;
        startMac(SessionKeys.C_MAC);
        Util.arrayFillNonAtomic(ram, scratch, BLOCK, (byte) 0);
        Util.arrayCopyNonAtomic(ram, Transients.HEADER, ram, scratch, (short) 4);
        // the MAC covers the class byte without secure messaging and channel bits (Figure F-10)
        ram[scratch] = (byte) (ram[scratch] & Gp.CLA_TYPE_MASK);
        ram[(short) (scratch + 4)] = PADDING;
        mac.update(ram, scratch, BLOCK);
        mac.sign(work, start, (short) (end - start), ram, scratch);
        keys.increment(keys.counter(SessionKeys.C_MAC));
        byte difference = 0;
        for (short i = 0; i < BLOCK; i++) {
            difference |= (byte) (ram[(short) (scratch + i)] ^ work[(short) (given + i)]);
        }
        require(difference == 0);
    }

    /** Starts a MAC whose initial value is the encrypted sequence counter. */
    private void startMac(short use) {
        ecb.init(keys.firstHalf(use), Cipher.MODE_ENCRYPT);
        ecb.doFinal(ram, keys.counter(use), BLOCK, ram, Transients.SCRATCH);
        mac.init(keys.key(use), Signature.MODE_SIGN, ram, Transients.SCRATCH, BLOCK);
    }

    /** Opens padding indicator and cryptogram; returns the plain length behind the indicator. */
    private short decrypt(short offset, short length) {
        short cryptogram = (short) (length - 1);
        require(work[offset] == PADDING_INDICATOR && cryptogram > 0 && (cryptogram & 7) == 0);
        offset++;
        cbc.init(keys.key(SessionKeys.C_ENC), Cipher.MODE_DECRYPT);
        cbc.doFinal(work, offset, cryptogram, work, offset);
        short last = (short) (offset + cryptogram - 1);
        while (last >= offset && work[last] == 0) {
            last--;
        }
        require(last >= offset && work[last] == PADDING && (short) (offset + cryptogram - last) <= BLOCK);
        return (short) (last - offset);
    }

    /** Opens whole blocks under the data encryption key, each by itself (key-distribution.md section 7 row 5). */
    void decryptKey(byte[] buffer, short offset, short length) {
        KeyField.require(length > 0 && (length & 7) == 0);
        ecb.init(keys.key(SessionKeys.C_DEK), Cipher.MODE_DECRYPT);
        ecb.doFinal(buffer, offset, length, buffer, offset);
    }

    /**
     * Protects a response of {@code length} bytes at {@code offset}, which leaves at least five
     * bytes free before it. Sets PENDING_OFFSET and PENDING_LENGTH.
     */
    void wrap(byte level, short offset, short length, short status) {
        short start = offset;
        short end = (short) (offset + length);
        if (length > 0) {
            short tag = Gp.TAG_SM_PLAIN;
            if ((level & Gp.LEVEL_R_ENCRYPTION) != 0) {
                tag = Gp.TAG_SM_CIPHERED;
                length = encrypt(offset, length);
                end = (short) (offset + length);
                start--;
                work[start] = PADDING_INDICATOR;
                length++;
            }
            start -= Tlv.headerSize(tag, length);
            Tlv.header(work, start, tag, length);
        }
        end = Tlv.header(work, end, Gp.TAG_SM_STATUS, (short) 2);
        end = Util.setShort(work, end, status);
        startMac(SessionKeys.R_MAC);
        mac.sign(work, start, (short) (end - start), ram, Transients.SCRATCH);
        keys.increment(keys.counter(SessionKeys.R_MAC));
        end = Tlv.put(work, end, Gp.TAG_SM_MAC, ram, Transients.SCRATCH, BLOCK);
        transients.setShort(Transients.PENDING_OFFSET, start);
        transients.setShort(Transients.PENDING_LENGTH, (short) (end - start));
    }

    private short encrypt(short offset, short length) {
        work[(short) (offset + length)] = PADDING;
        length++;
        while ((length & 7) != 0) {
            work[(short) (offset + length)] = 0;
            length++;
        }
        cbc.init(keys.key(SessionKeys.R_ENC), Cipher.MODE_ENCRYPT);
        return cbc.doFinal(work, offset, length, work, offset);
    }
}
