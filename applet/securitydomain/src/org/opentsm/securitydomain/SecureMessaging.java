// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacardx.crypto.Cipher;

/**
 * Wraps and unwraps APDUs under the session keys (F.2.3 to F.2.5, F.3.2; scp10.md section 6). In
 * place in the work buffer. Every failure is 6982; the caller aborts the session.
 */
final class SecureMessaging {

    private static final short BLOCK = (short) 8;
    private static final byte PADDING_INDICATOR = (byte) 0x01;

    private static final short MAC_STATE = (short) (Transients.SCRATCH + BLOCK);

    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;
    private final SessionKeys keys;
    private final RetailMac mac;
    private final Cipher ecb;
    private final Cipher cbc;

    SecureMessaging(Transients transients, SessionKeys keys, BlockCiphers ciphers) {
        this.transients = transients;
        this.keys = keys;
        ram = transients.ram;
        work = transients.work;
        mac = new RetailMac(ram, ciphers);
        ecb = ciphers.desEcb;
        cbc = ciphers.desCbc;
    }

    private static void require(boolean held) {
        if (!held) {
            Refuse.security();
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
        Bytes.wipe(ram, scratch, BLOCK);
        Util.arrayCopyNonAtomic(ram, Transients.HEADER, ram, scratch, (short) 4);
        // the MAC covers the class byte without secure messaging and channel bits (Figure F-10)
        ram[scratch] = (byte) (ram[scratch] & Gp.CLA_TYPE_MASK);
        ram[(short) (scratch + 4)] = Bytes.PADDING;
        mac.update(MAC_STATE, keys.offset(SessionKeys.C_MAC), ram, scratch, BLOCK);
        finishMac(SessionKeys.C_MAC, start, (short) (end - start));
        keys.increment(keys.counter(SessionKeys.C_MAC));
        require(Bytes.same(ram, scratch, work, given, BLOCK));
    }

    /** Starts a MAC whose initial value is the encrypted sequence counter. */
    private void startMac(short use) {
        ecb.init(keys.firstHalf(use), Cipher.MODE_ENCRYPT);
        ecb.doFinal(ram, keys.counter(use), BLOCK, ram, Transients.SCRATCH);
        mac.start(MAC_STATE, Transients.SCRATCH);
    }

    /** Ends a MAC with bytes of the work buffer; it stands at SCRATCH. */
    private void finishMac(short use, short offset, short length) {
        short key = keys.offset(use);
        mac.update(MAC_STATE, key, work, offset, length);
        mac.finish(MAC_STATE, key, keys.lastPart(use), ram, Transients.SCRATCH);
    }

    /** Opens padding indicator and cryptogram; returns the plain length behind the indicator. */
    private short decrypt(short offset, short length) {
        short cryptogram = (short) (length - 1);
        require(work[offset] == PADDING_INDICATOR && cryptogram > 0 && (cryptogram & 7) == 0);
        offset++;
        cbc.init(keys.key(SessionKeys.C_ENC), Cipher.MODE_DECRYPT);
        cbc.doFinal(work, offset, cryptogram, work, offset);
        short plain = Bytes.unpadded(work, offset, cryptogram, BLOCK);
        require(plain >= 0);
        return plain;
    }

    /** Opens whole blocks under the data encryption key, each by itself unless its type says CBC (F.3.2.7). */
    void decryptKey(byte[] buffer, short offset, short length) {
        Tlv.require(length > 0 && (length & 7) == 0);
        Cipher cipher = keys.chained(SessionKeys.C_DEK) ? cbc : ecb;
        cipher.init(keys.key(SessionKeys.C_DEK), Cipher.MODE_DECRYPT);
        cipher.doFinal(buffer, offset, length, buffer, offset);
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
        finishMac(SessionKeys.R_MAC, start, (short) (end - start));
        keys.increment(keys.counter(SessionKeys.R_MAC));
        end = Tlv.put(work, end, Gp.TAG_SM_MAC, ram, Transients.SCRATCH, BLOCK);
        transients.setShort(Transients.PENDING_OFFSET, start);
        transients.setShort(Transients.PENDING_LENGTH, (short) (end - start));
    }

    private short encrypt(short offset, short length) {
        length = Bytes.pad(work, offset, length, BLOCK);
        cbc.init(keys.key(SessionKeys.R_ENC), Cipher.MODE_ENCRYPT);
        return cbc.doFinal(work, offset, length, work, offset);
    }
}
