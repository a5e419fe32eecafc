// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * Secure Channel Protocol '03' (GPCS Amendment D): AES-128, -192, -256, MACs of 8 bytes or, with option bit 01, of 16.
 */
final class Scp03 extends SymmetricChannel {

    /** Pseudo-random challenge, R-MAC, R-ENC, MACs of 8 bytes. */
    static final byte DEFAULT_OPTION = (byte) 0x70;

    private static final byte STATES = (byte) 0x10;

    // Option i (Amendment D 5.1)
    private static final byte OPTION_S16 = (byte) 0x01;
    private static final byte OPTION_PSEUDO_RANDOM = (byte) 0x10;
    private static final byte OPTION_R_MAC = (byte) 0x20;
    private static final byte OPTION_R_ENCRYPTION = (byte) 0x40;

    // RAM: session keys and static DEK, 32 bytes each, then what the messages need
    private static final short S_ENC = Transients.TEMPLATES;
    private static final short S_MAC = (short) (S_ENC + KeyStore.KEY_MAX);
    private static final short S_RMAC = (short) (S_MAC + KeyStore.KEY_MAX);
    private static final short DEK = (short) (S_RMAC + KeyStore.KEY_MAX);
    private static final short CHAINING = (short) (DEK + KeyStore.KEY_MAX);
    private static final short COUNTER = (short) (CHAINING + Cmac.BLOCK);
    private static final short CONTEXT = (short) (COUNTER + Cmac.BLOCK);
    private static final short SUBKEY = (short) (CONTEXT + 2 * Cmac.BLOCK);
    private static final short KEY_LENGTH = (short) (SUBKEY + Cmac.BLOCK);
    /** What BEGIN R-MAC SESSION added to the level. */
    private static final short R_SESSION = (short) (KEY_LENGTH + 1);

    // Constants of the key derivation (Table 4-1)
    private static final byte CARD_CRYPTOGRAM = (byte) 0x00;
    private static final byte HOST_CRYPTOGRAM = (byte) 0x01;
    private static final byte CARD_CHALLENGE = (byte) 0x02;
    private static final byte FOR_ENC = (byte) 0x04;
    private static final byte FOR_MAC = (byte) 0x06;
    private static final byte FOR_RMAC = (byte) 0x07;

    private static final byte RESPONSE_COUNTER = (byte) 0x80;
    private static final byte RESPONSE_BOTH = (byte) (Gp.LEVEL_R_MAC | Gp.LEVEL_R_ENCRYPTION);

    private final byte[] aid;
    private final RandomData random;
    private final Cmac cmac;

    /** @param aid of the domain, length first: the pseudo-random challenge is made of it */
    Scp03(SecurityDomain domain, BlockCiphers ciphers, byte option, byte[] aid, RandomData random) {
        super(domain, ciphers, option, STATES);
        this.aid = aid;
        this.random = random;
        cmac = new Cmac(ram, Transients.SCRATCH, SUBKEY, ciphers.aesEcb);
    }

    /** True for an option of Amendment D 5.1, with or without S16: R-ENC only with R-MAC. */
    static boolean isOption(byte i) {
        return (i & (byte) 0x8E) == 0 && ((i & OPTION_R_ENCRYPTION) == 0 || (i & OPTION_R_MAC) != 0);
    }

    static boolean countsSessions(byte i) {
        return (i & OPTION_PSEUDO_RANDOM) != 0;
    }

    byte keyType() {
        return Gp.KEY_AES;
    }

    private short macLength() {
        return (option & OPTION_S16) != 0 ? Cmac.BLOCK : (short) 8;
    }

    /**
     * INITIALIZE UPDATE, host challenge of the MACs' length; answers {@code diversification data 10, KVN 03 i, card
     * challenge, card cryptogram[, sequence counter 3]} (Amendment D 7.1.1). 6700 for a challenge of the other mode's
     * length, 6A88 without the key set.
     */
    short initializeUpdate(byte wanted) {
        short size = macLength();
        if (transients.dataLength() != size) {
            ISOException.throwIt(Gp.SW_WRONG_LENGTH);
        }
        KeySource source = domain.keySource();
        byte version = set(source, wanted);
        if (version == KeySource.NO_VERSION) {
            Refuse.notFound();
        }
        Util.arrayCopyNonAtomic(work, transients.dataOffset(), ram, CONTEXT, size);
        short at = keyInformation(version, Gp.SCP03);
        work[at++] = option;
        ram[KEY_LENGTH] = (byte) source.keyLength(version);
        ram[Transients.KEYS_MAKER] = domain.makerOf(source, version);
        source.key(version, (byte) 1, ram, S_ENC);
        source.key(version, (byte) 2, ram, S_MAC);
        source.key(version, (byte) 3, ram, DEK);
        short behind = challenge(source, version, at, (short) (at + 2 * size));
        Util.arrayCopyNonAtomic(work, at, ram, (short) (CONTEXT + size), size);
        deriveKey(S_MAC, FOR_RMAC, S_RMAC);
        deriveKey(S_MAC, FOR_MAC, S_MAC);
        deriveKey(S_ENC, FOR_ENC, S_ENC);
        derive(S_MAC, CARD_CRYPTOGRAM, (short) (size << 3), ram, CONTEXT, (short) (2 * size), work, TEMPORARY);
        Util.arrayCopyNonAtomic(work, TEMPORARY, work, (short) (at + size), size);
        become(INITIALIZED);
        return (short) (behind - Transients.RESPONSE);
    }

    /**
     * Writes the card challenge at {@code at} and, with a pseudo-random one, its counter; returns the offset behind.
     */
    private short challenge(KeySource source, byte version, short at, short sequence) {
        short size = macLength();
        if (!countsSessions(option)) {
            random.generateData(work, at, size);
            return sequence;
        }
        source.nextSequence(version, KeyStore.SEQUENCE_LENGTH, work, sequence);
        // its context lies over the counter's place and behind
        Util.arrayCopyNonAtomic(aid, (short) 1, work, (short) (sequence + KeyStore.SEQUENCE_LENGTH), aid[0]);
        derive(
                S_ENC,
                CARD_CHALLENGE,
                (short) (size << 3),
                work,
                sequence,
                (short) (KeyStore.SEQUENCE_LENGTH + aid[0]),
                work,
                TEMPORARY);
        Util.arrayCopyNonAtomic(work, TEMPORARY, work, at, size);
        return (short) (sequence + KeyStore.SEQUENCE_LENGTH);
    }

    /** Derives a session key of the set's length in RAM; {@code to} may be {@code from}. */
    private void deriveKey(short from, byte constant, short to) {
        short bits = (short) (ram[KEY_LENGTH] << 3);
        derive(from, constant, bits, ram, CONTEXT, (short) (2 * macLength()), work, TEMPORARY);
        Util.arrayCopyNonAtomic(work, TEMPORARY, ram, to, KeyStore.KEY_MAX);
        Bytes.wipe(work, TEMPORARY, KeyStore.KEY_MAX);
    }

    private void startMac(short key) {
        cmac.start(ciphers.aes.key(ram, key, ram[KEY_LENGTH]));
    }

    /**
     * {@code CMAC(key, 00 x 11, constant, 00, bits, n, context)} for n = 1 and 2, one behind the other (NIST SP 800-108
     * in counter mode, Amendment D 4.1.5); the caller takes as many bits as it asked for.
     */
    private void derive(
            short key,
            byte constant,
            short bits,
            byte[] context,
            short contextOffset,
            short contextLength,
            byte[] out,
            short offset) {
        for (short n = 1; n <= 2; n++) {
            // the label stands where this block's result goes
            short label = (short) (offset + (short) ((short) (n - 1) * Cmac.BLOCK));
            Bytes.wipe(out, label, Cmac.BLOCK);
            out[(short) (label + 11)] = constant;
            Util.setShort(out, (short) (label + 13), bits);
            out[(short) (label + 15)] = (byte) n;
            startMac(key);
            cmac.update(out, label, Cmac.BLOCK);
            cmac.update(context, contextOffset, contextLength);
            cmac.finish(out, label);
        }
    }

    short authenticationLength() {
        return (short) (2 * macLength());
    }

    boolean authenticates() {
        short size = macLength();
        derive(S_MAC, HOST_CRYPTOGRAM, (short) (size << 3), ram, CONTEXT, (short) (2 * size), work, TEMPORARY);
        boolean good = Bytes.same(work, transients.dataOffset(), work, TEMPORARY, size);
        good &= verifiesMac();
        return good;
    }

    /** True for a level of Table 7-4 that the option has the means for. */
    boolean offers(byte level) {
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

    /**
     * Checks the C-MAC at the end of the data, whose chaining value it then is, and takes it off DATA_LENGTH: over
     * {@code chaining value, CLA INS P1 P2 Lc, data}, the class without channel, Lc of three bytes
     * over 255 and where it came so.
     */
    private boolean verifiesMac() {
        short size = macLength();
        short total = transients.dataLength();
        short length = (short) (total - size);
        if (length < 0) {
            return false;
        }
        startMac(S_MAC);
        cmac.update(ram, CHAINING, Cmac.BLOCK);
        cmac.update(ram, Transients.HEADER, (short) 4);
        // Lc goes through the place of the context, which the initiation alone needs: it is behind us or was used
        ram[CONTEXT] = 0;
        Util.setShort(ram, (short) (CONTEXT + 1), total);
        short lc = total > 255 || ram[Transients.LC] == 0 ? (short) 3 : (short) 1;
        cmac.update(ram, (short) (CONTEXT + 3 - lc), lc);
        cmac.update(work, transients.dataOffset(), length);
        cmac.finish(ram, CHAINING);
        transients.setShort(Transients.DATA_LENGTH, length);
        return Bytes.same(ram, CHAINING, work, (short) (transients.dataOffset() + length), size);
    }

    boolean unwraps(byte level) {
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
        crypt(Cipher.MODE_DECRYPT, (byte) 0, transients.dataOffset(), length);
        length = Bytes.unpadded(work, transients.dataOffset(), length, Cmac.BLOCK);
        if (length < 0) {
            return false;
        }
        transients.setShort(Transients.DATA_LENGTH, length);
        return true;
    }

    private void countOn() {
        short at = (short) (COUNTER + Cmac.BLOCK - 1);
        do {
            ram[at]++;
            at--;
        } while (ram[(short) (at + 1)] == 0 && at >= COUNTER);
    }

    /**
     * AES-CBC under S-ENC in place; the first block is the enciphered counter, marked for a response (6.2.6, 6.2.7).
     */
    private void crypt(byte mode, byte mark, short offset, short length) {
        Util.arrayCopyNonAtomic(ram, COUNTER, ram, SUBKEY, Cmac.BLOCK);
        ram[SUBKEY] |= mark;
        ciphers.aesEcb.init(ciphers.aes.key(ram, S_ENC, ram[KEY_LENGTH]), Cipher.MODE_ENCRYPT);
        ciphers.aesEcb.doFinal(ram, SUBKEY, Cmac.BLOCK, ram, SUBKEY);
        ciphers.aesCbc.init(ciphers.aes.key(ram, S_ENC, ram[KEY_LENGTH]), mode, ram, SUBKEY, Cmac.BLOCK);
        ciphers.aesCbc.doFinal(work, offset, length, work, offset);
    }

    void finish(short offset, short length, short status) {
        if (ram[Transients.WRAP_RESPONSE] == 0) {
            super.finish(offset, length, status);
            return;
        }
        if ((ram[Transients.LEVEL] & Gp.LEVEL_R_ENCRYPTION) != 0 && length > 0) {
            length = Bytes.pad(work, offset, length, Cmac.BLOCK);
            crypt(Cipher.MODE_ENCRYPT, RESPONSE_COUNTER, offset, length);
        }
        short end = (short) (offset + length);
        Util.setShort(work, end, status);
        startMac(S_RMAC);
        cmac.update(ram, CHAINING, Cmac.BLOCK);
        cmac.update(work, offset, (short) (length + 2));
        cmac.finish(work, end);
        super.finish(offset, (short) (length + macLength()), status);
    }

    boolean mayBegin(byte p1) {
        return p1 == Gp.LEVEL_R_MAC || p1 == RESPONSE_BOTH;
    }

    /** R-MAC needs a C-MAC in the session, R-ENC needs C-DECRYPTION, and both the option (Amendment D 7.1.3). */
    boolean begins(byte p1) {
        byte level = ram[Transients.LEVEL];
        boolean encrypts = p1 == RESPONSE_BOTH;
        boolean allowed = (option & (encrypts ? OPTION_R_ENCRYPTION : OPTION_R_MAC)) != 0
                && (level & (encrypts ? Gp.LEVEL_C_DECRYPTION : Gp.LEVEL_C_MAC)) != 0;
        if (allowed) {
            ram[R_SESSION] = p1;
        }
        return allowed;
    }

    /** The answer itself is still under the session that ends. */
    short ends(boolean forGood) {
        if (ram[R_SESSION] == 0 || !forGood) {
            ISOException.throwIt(forGood ? Gp.SW_CONDITIONS : Gp.SW_WRONG_P1P2);
        }
        ram[Transients.LEVEL] &= (byte) ~ram[R_SESSION];
        ram[R_SESSION] = 0;
        return (short) 0;
    }

    /** A key under the static DEK: AES-CBC, first block zero (Amendment D 6.2.8). */
    void cryptKey(byte mode, byte[] buffer, short offset, short length) {
        if (!ownerAuthenticated() || length == 0 || (length & 15) != 0) {
            Refuse.data();
        }
        ciphers.cryptKey(mode, Gp.KEY_AES, DEK, ram[KEY_LENGTH], buffer, offset, length);
    }
}
