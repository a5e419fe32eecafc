package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * Secure Channel Protocol '03' (GPCS Amendment D): AES-128, -192, -256, MACs of 8 bytes or, with option bit 01, of 16.
 * Who has the keys is the owner. The session stands where SCP10 has its templates: one of the two is open.
 */
final class Scp03 extends SecureChannel {

    /** Pseudo-random challenge, R-MAC, R-ENC, MACs of 8 bytes. */
    static final byte DEFAULT_OPTION = (byte) 0x70;

    // STATE in RAM, apart from those of SCP10
    static final byte INITIALIZED = (byte) 0x11;
    static final byte OPEN = (byte) 0x12;
    static final byte ABORTED = (byte) 0x13;
    private static final byte STATES = (byte) 0x10;

    // Option i (Amendment D 5.1)
    private static final byte OPTION_S16 = (byte) 0x01;
    private static final byte OPTION_PSEUDO_RANDOM = (byte) 0x10;
    private static final byte OPTION_R_MAC = (byte) 0x20;
    private static final byte OPTION_R_ENCRYPTION = (byte) 0x40;

    // RAM: session keys and static DEK, 32 bytes each, then what the messages need
    private static final short S_ENC = Transients.TEMPLATES;
    private static final short S_MAC = (short) (S_ENC + KeySets.KEY_MAX);
    private static final short S_RMAC = (short) (S_MAC + KeySets.KEY_MAX);
    private static final short DEK = (short) (S_RMAC + KeySets.KEY_MAX);
    private static final short CHAINING = (short) (DEK + KeySets.KEY_MAX);
    private static final short COUNTER = (short) (CHAINING + Cmac.BLOCK);
    private static final short CONTEXT = (short) (COUNTER + Cmac.BLOCK);
    private static final short SUBKEY = (short) (CONTEXT + 2 * Cmac.BLOCK);
    private static final short KEY_LENGTH = (short) (SUBKEY + Cmac.BLOCK);

    // Constants of the key derivation (Table 4-1)
    private static final byte CARD_CRYPTOGRAM = (byte) 0x00;
    private static final byte HOST_CRYPTOGRAM = (byte) 0x01;
    private static final byte CARD_CHALLENGE = (byte) 0x02;
    private static final byte FOR_ENC = (byte) 0x04;
    private static final byte FOR_MAC = (byte) 0x06;
    private static final byte FOR_RMAC = (byte) 0x07;

    private static final short DIVERSIFICATION_LENGTH = (short) 10;
    private static final byte PADDING = (byte) 0x80;
    private static final byte RESPONSE_COUNTER = (byte) 0x80;
    /** A block in the work buffer behind every command of the initiation. */
    private static final short TEMPORARY = (short) 600;

    private final KeySets sets;
    private final byte option;
    private final byte[] aid;
    private final RandomData random;
    private final AesKeys keys = new AesKeys();
    private final Cmac cmac;
    private final Cipher cbc = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
    private final Cipher ecb = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);

    /** @param aid of the domain: the pseudo-random challenge is made of it */
    Scp03(Transients transients, KeySets sets, byte option, byte[] aid, RandomData random) {
        super(transients);
        this.sets = sets;
        this.option = option;
        this.aid = aid;
        this.random = random;
        cmac = new Cmac(ram, SUBKEY);
    }

    /** True for an option of Amendment D 5.1, with or without S16: R-ENC only with R-MAC. */
    static boolean isOption(byte i) {
        return (i & (byte) 0x8E) == 0 && ((i & OPTION_R_ENCRYPTION) == 0 || (i & OPTION_R_MAC) != 0);
    }

    byte option() {
        return option;
    }

    /** True while this protocol has the session. */
    boolean active() {
        return (ram[Transients.STATE] & STATES) != 0;
    }

    private short macLength() {
        return (option & OPTION_S16) != 0 ? Cmac.BLOCK : (short) 8;
    }

    void end() {
        end((byte) 0);
    }

    private void end(byte state) {
        Util.arrayFillNonAtomic(ram, Transients.TEMPLATES, Transients.TEMPLATES_SIZE, (byte) 0);
        Util.arrayFillNonAtomic(ram, Transients.SCRATCH, Transients.SCRATCH_SIZE, (byte) 0);
        keys.clear();
        ram[Transients.LEVEL] = 0;
        ram[Transients.WRAP_RESPONSE] = 0;
        ram[Transients.TARGET_LENGTH] = 0;
        ram[Transients.STATE] = state;
    }

    private void refuse(byte state, short status) {
        end(state);
        Util.arrayFillNonAtomic(work, (short) 0, Transients.WORK_SIZE, (byte) 0);
        ISOException.throwIt(status);
    }

    boolean ownerAuthenticated() {
        return ram[Transients.STATE] == OPEN && (ram[Transients.LEVEL] & Gp.LEVEL_C_MAC) != 0;
    }

    /** Nothing comes between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE. */
    void commandArrives(byte ins) {
        if (ram[Transients.STATE] == INITIALIZED && ins != Gp.INS_EXTERNAL_AUTHENTICATE) {
            end();
        }
    }

    void admit() {
        byte messaging = (byte) (ram[Transients.HEADER] & Gp.CLA_SM_MASK);
        ram[Transients.WRAP_RESPONSE] = 0;
        if (ram[Transients.STATE] == ABORTED) {
            ISOException.throwIt(Gp.SW_SECURITY_STATUS);
        }
        if (ram[Transients.STATE] != OPEN) {
            if (messaging != 0) {
                refuse((byte) 0, Gp.SW_SECURITY_STATUS);
            }
            return;
        }
        byte level = ram[Transients.LEVEL];
        boolean protects = (level & Gp.LEVEL_C_MAC) != 0;
        if (messaging != (protects ? Gp.CLA_SM_PROPRIETARY : (byte) 0)) {
            refuse(ABORTED, Gp.SW_SECURITY_STATUS);
        }
        if (protects && !unwraps(level)) {
            refuse(ABORTED, Gp.SW_SECURITY_STATUS);
        }
        ram[Transients.WRAP_RESPONSE] = (level & Gp.LEVEL_R_MAC) != 0 ? (byte) 1 : (byte) 0;
    }

    short execute(byte ins, byte p1, byte p2) {
        return ins == Gp.INS_INITIALIZE_UPDATE ? initializeUpdate(p1, p2) : externalAuthenticate(p1, p2);
    }

    /**
     * INITIALIZE UPDATE, host challenge of the MACs' length; answers {@code diversification data 10, KVN 03 i, card
     * challenge, card cryptogram[, sequence counter 3]} (Amendment D 7.1.1). 6700 for a challenge of the other mode's
     * length, 6A88 without the key set.
     */
    private short initializeUpdate(byte version, byte p2) {
        end();
        if (p2 != 0) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        short size = macLength();
        if (transients.dataLength() != size) {
            ISOException.throwIt(Gp.SW_WRONG_LENGTH);
        }
        short set = version == 0 ? sets.first() : sets.find(version);
        if (set == KeySets.NONE) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        short out = Transients.RESPONSE;
        Util.arrayCopyNonAtomic(work, transients.dataOffset(), ram, CONTEXT, size);
        short at = Util.arrayFillNonAtomic(work, out, DIVERSIFICATION_LENGTH, (byte) 0);
        work[at] = (byte) sets.version(set);
        work[(short) (at + 1)] = Gp.SCP03;
        work[(short) (at + 2)] = option;
        at += 3;
        ram[KEY_LENGTH] = (byte) sets.keyLength(set);
        short sequence = (short) (at + 2 * size);
        sets.key(set, (short) 0, ram, S_ENC);
        sets.key(set, (short) 1, ram, S_MAC);
        sets.key(set, (short) 2, ram, DEK);
        short behind = challenge(set, at, sequence);
        Util.arrayCopyNonAtomic(work, at, ram, (short) (CONTEXT + size), size);
        deriveKey(S_MAC, FOR_RMAC, S_RMAC);
        deriveKey(S_MAC, FOR_MAC, S_MAC);
        deriveKey(S_ENC, FOR_ENC, S_ENC);
        derive(S_MAC, CARD_CRYPTOGRAM, (short) (size << 3), ram, CONTEXT, (short) (2 * size), work, TEMPORARY);
        Util.arrayCopyNonAtomic(work, TEMPORARY, work, (short) (at + size), size);
        ram[Transients.STATE] = INITIALIZED;
        return (short) (behind - out);
    }

    /** Writes the card challenge at {@code at} and, with a pseudo-random one, its counter; returns the offset behind. */
    private short challenge(short set, short at, short sequence) {
        short size = macLength();
        if ((option & OPTION_PSEUDO_RANDOM) == 0) {
            random.generateData(work, at, size);
            return sequence;
        }
        sets.nextSequence(set, work, sequence);
        // its context lies over the counter's place and behind
        Util.arrayCopyNonAtomic(aid, (short) 0, work, (short) (sequence + KeySets.SEQUENCE_LENGTH), (short) aid.length);
        derive(S_ENC, CARD_CHALLENGE, (short) (size << 3), work, sequence,
                (short) (KeySets.SEQUENCE_LENGTH + aid.length), work, TEMPORARY);
        Util.arrayCopyNonAtomic(work, TEMPORARY, work, at, size);
        return (short) (sequence + KeySets.SEQUENCE_LENGTH);
    }

    /** Derives a session key of the set's length in RAM; {@code to} may be {@code from}. */
    private void deriveKey(short from, byte constant, short to) {
        short bits = (short) (ram[KEY_LENGTH] << 3);
        derive(from, constant, bits, ram, CONTEXT, (short) (2 * macLength()), work, TEMPORARY);
        Util.arrayCopyNonAtomic(work, TEMPORARY, ram, to, KeySets.KEY_MAX);
        Util.arrayFillNonAtomic(work, TEMPORARY, KeySets.KEY_MAX, (byte) 0);
    }

    /**
     * {@code CMAC(key, 00 x 11, constant, 00, bits, n, context)} for n = 1 and 2, one behind the other (NIST SP 800-108
     * in counter mode, Amendment D 4.1.5); the caller takes as many bits as it asked for.
     */
    private void derive(short key, byte constant, short bits, byte[] context, short contextOffset, short contextLength,
            byte[] out, short offset) {
        for (short n = 1; n <= 2; n++) {
            // the label stands where this block's result goes
            short label = (short) (offset + (short) ((short) (n - 1) * Cmac.BLOCK));
            Util.arrayFillNonAtomic(out, label, Cmac.BLOCK, (byte) 0);
            out[(short) (label + 11)] = constant;
            Util.setShort(out, (short) (label + 13), bits);
            out[(short) (label + 15)] = (byte) n;
            cmac.start(keys.key(ram, key, ram[KEY_LENGTH]));
            cmac.update(out, label, Cmac.BLOCK);
            cmac.update(context, contextOffset, contextLength);
            cmac.finish(out, label);
        }
    }

    /** EXTERNAL AUTHENTICATE, {@code host cryptogram, C-MAC}; P1 is the level of the commands after it. */
    private short externalAuthenticate(byte level, byte p2) {
        if (ram[Transients.STATE] != INITIALIZED) {
            refuse(active() ? ABORTED : (byte) 0, Gp.SW_CONDITIONS);
        }
        if (p2 != 0 || !offers(level)) {
            refuse((byte) 0, Gp.SW_WRONG_P1P2);
        }
        short size = macLength();
        if ((ram[Transients.HEADER] & Gp.CLA_SM_MASK) != Gp.CLA_SM_PROPRIETARY
                || transients.dataLength() != (short) (2 * size)) {
            refuse((byte) 0, Gp.SW_WRONG_DATA);
        }
        short offset = transients.dataOffset();
        derive(S_MAC, HOST_CRYPTOGRAM, (short) (size << 3), ram, CONTEXT, (short) (2 * size), work, TEMPORARY);
        boolean good = same(offset, TEMPORARY, size);
        good &= verifiesMac();
        if (!good) {
            refuse((byte) 0, Gp.SW_VERIFICATION_FAILED);
        }
        ram[Transients.LEVEL] = (byte) (Gp.LEVEL_AUTHENTICATED | level);
        ram[Transients.STATE] = OPEN;
        return (short) 0;
    }

    /** True for a level of Table 7-4 that the option has the means for. */
    private boolean offers(byte level) {
        switch (level) {
            case (byte) 0x00:
            case (byte) 0x01:
            case (byte) 0x03:
                return true;
            case (byte) 0x11:
            case (byte) 0x13:
                return (option & OPTION_R_MAC) != 0;
            case (byte) 0x33:
                return (option & OPTION_R_ENCRYPTION) != 0;
            default:
                return false;
        }
    }

    private boolean same(short first, short second, short length) {
        byte difference = 0;
        for (short i = 0; i < length; i++) {
            difference |= (byte) (work[(short) (first + i)] ^ work[(short) (second + i)]);
        }
        return difference == 0;
    }

    /**
     * Checks the C-MAC at the end of the data, whose chaining value it then is, and takes it off DATA_LENGTH: over
     * {@code chaining value, CLA INS P1 P2 Lc, data}, the class without channel, Lc of three bytes over 255.
     */
    private boolean verifiesMac() {
        short size = macLength();
        short total = transients.dataLength();
        short length = (short) (total - size);
        if (length < 0) {
            return false;
        }
        cmac.start(keys.key(ram, S_MAC, ram[KEY_LENGTH]));
        cmac.update(ram, CHAINING, Cmac.BLOCK);
        cmac.update(ram, Transients.HEADER, (short) 4);
        // Lc goes through the place of the context, which the initiation alone needs: it is behind us or was used
        ram[CONTEXT] = 0;
        Util.setShort(ram, (short) (CONTEXT + 1), total);
        cmac.update(ram, total > 255 ? CONTEXT : (short) (CONTEXT + 2), total > 255 ? (short) 3 : (short) 1);
        cmac.update(work, transients.dataOffset(), length);
        cmac.finish(ram, CHAINING);
        byte difference = 0;
        short given = (short) (transients.dataOffset() + length);
        for (short i = 0; i < size; i++) {
            difference |= (byte) (ram[(short) (CHAINING + i)] ^ work[(short) (given + i)]);
        }
        transients.setShort(Transients.DATA_LENGTH, length);
        return difference == 0;
    }

    /** Opens a protected command in place. */
    private boolean unwraps(byte level) {
        if (!verifiesMac()) {
            return false;
        }
        countOn();
        short length = transients.dataLength();
        if ((level & Gp.LEVEL_C_DECRYPTION) == 0 || length == 0) {
            return true;
        }
        if ((length & 15) != 0) {
            return false;
        }
        short offset = transients.dataOffset();
        crypt(Cipher.MODE_DECRYPT, (byte) 0, offset, length);
        short last = (short) (offset + length - 1);
        while (last > offset && work[last] == 0) {
            last--;
        }
        if (work[last] != PADDING || (short) (offset + length - last) > Cmac.BLOCK) {
            return false;
        }
        transients.setShort(Transients.DATA_LENGTH, (short) (last - offset));
        return true;
    }

    private void countOn() {
        short at = (short) (COUNTER + Cmac.BLOCK - 1);
        do {
            ram[at]++;
            at--;
        } while (ram[(short) (at + 1)] == 0 && at >= COUNTER);
    }

    /** AES-CBC under S-ENC in place; the first block is the enciphered counter, marked for a response (6.2.6, 6.2.7). */
    private void crypt(byte mode, byte mark, short offset, short length) {
        Util.arrayCopyNonAtomic(ram, COUNTER, ram, SUBKEY, Cmac.BLOCK);
        ram[SUBKEY] |= mark;
        ecb.init(keys.key(ram, S_ENC, ram[KEY_LENGTH]), Cipher.MODE_ENCRYPT);
        ecb.doFinal(ram, SUBKEY, Cmac.BLOCK, ram, SUBKEY);
        cbc.init(keys.key(ram, S_ENC, ram[KEY_LENGTH]), mode, ram, SUBKEY, Cmac.BLOCK);
        cbc.doFinal(work, offset, length, work, offset);
    }

    void finish(short offset, short length, short status) {
        if (ram[Transients.WRAP_RESPONSE] == 0) {
            super.finish(offset, length, status);
            return;
        }
        if ((ram[Transients.LEVEL] & Gp.LEVEL_R_ENCRYPTION) != 0 && length > 0) {
            work[(short) (offset + length)] = PADDING;
            length++;
            while ((length & 15) != 0) {
                work[(short) (offset + length)] = 0;
                length++;
            }
            crypt(Cipher.MODE_ENCRYPT, RESPONSE_COUNTER, offset, length);
        }
        short end = (short) (offset + length);
        Util.setShort(work, end, status);
        cmac.start(keys.key(ram, S_RMAC, ram[KEY_LENGTH]));
        cmac.update(ram, CHAINING, Cmac.BLOCK);
        cmac.update(work, offset, (short) (length + 2));
        cmac.finish(work, end);
        super.finish(offset, (short) (length + macLength()), status);
    }

    /** First three bytes of {@code AES(key, 01 x 16)}. */
    void checkValue(byte[] key, short offset, short length, byte[] out, short outOffset) {
        Util.arrayFillNonAtomic(ram, Transients.SCRATCH, Cmac.BLOCK, (byte) 1);
        ecb.init(keys.key(key, offset, length), Cipher.MODE_ENCRYPT);
        ecb.doFinal(ram, Transients.SCRATCH, Cmac.BLOCK, ram, Transients.SCRATCH);
        Util.arrayCopyNonAtomic(ram, Transients.SCRATCH, out, outOffset, (short) 3);
    }

    /** Opens a key under the static DEK: AES-CBC, first block zero (Amendment D 6.2.8). */
    void decryptKey(byte[] buffer, short offset, short length) {
        if (!ownerAuthenticated() || length == 0 || (length & 15) != 0) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        cbc.init(keys.key(ram, DEK, ram[KEY_LENGTH]), Cipher.MODE_DECRYPT);
        cbc.doFinal(buffer, offset, length, buffer, offset);
    }
}
