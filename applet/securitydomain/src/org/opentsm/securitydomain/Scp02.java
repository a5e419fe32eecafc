// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * Secure Channel Protocol '02' (GPCS E): two-key triple DES, every option byte; implicit initiation where bit 04 is
 * clear.
 */
final class Scp02 extends SymmetricChannel {

    /** Three keys, explicit initiation, ICV enciphered. */
    static final byte DEFAULT_OPTION = (byte) 0x15;

    private static final byte STATES = (byte) 0x20;

    // Option i (Table E-1)
    private static final byte OPTION_THREE_KEYS = (byte) 0x01;
    private static final byte OPTION_UNMODIFIED = (byte) 0x02;
    private static final byte OPTION_EXPLICIT = (byte) 0x04;
    private static final byte OPTION_AID_ICV = (byte) 0x08;
    private static final byte OPTION_ICV_ENCRYPTION = (byte) 0x10;
    private static final byte OPTION_R_MAC = (byte) 0x20;
    private static final byte OPTION_PSEUDO_RANDOM = (byte) 0x40;

    // RAM: session keys of 16 bytes, then what the messages need
    private static final short S_ENC = Transients.TEMPLATES;
    private static final short S_MAC = (short) (S_ENC + 16);
    private static final short S_RMAC = (short) (S_MAC + 16);
    private static final short S_DEK = (short) (S_RMAC + 16);
    private static final short ICV = (short) (S_DEK + 16);
    private static final short R_ICV = (short) (ICV + RetailMac.BLOCK);
    private static final short R_STATE = (short) (R_ICV + RetailMac.BLOCK);
    private static final short HOST_CHALLENGE = (short) (R_STATE + RetailMac.STATE_SIZE);
    /** Sequence counter and card challenge behind it. */
    private static final short CARD_CHALLENGE = (short) (HOST_CHALLENGE + 8);

    private static final short VERSION = (short) (CARD_CHALLENGE + 8);
    /** An R-MAC session of BEGIN: 01 with R-MACs in answers, 02 with one at its end. */
    private static final short R_SESSION = (short) (VERSION + 1);

    private static final short STATIC_KEY = (short) (R_SESSION + 1);

    // Constants of the key derivation (Table E-3)
    private static final short FOR_MAC = (short) 0x0101;
    private static final short FOR_RMAC = (short) 0x0102;
    private static final short FOR_DEK = (short) 0x0181;
    private static final short FOR_ENC = (short) 0x0182;

    private static final short KEY_LENGTH = (short) 16;
    private static final short CRYPTOGRAM_LENGTH = (short) 8;
    private static final short SEQUENCE_DIGITS = (short) 2;

    private final byte[] aid;
    private final RandomData random;
    private final RetailMac mac;

    /** @param aid of the domain, length first: random challenge and first ICV of implicit initiation are made of it */
    Scp02(SecurityDomain domain, BlockCiphers ciphers, byte option, byte[] aid, RandomData random) {
        super(domain, ciphers, option, STATES);
        this.aid = aid;
        this.random = random;
        mac = new RetailMac(ram, ciphers);
    }

    byte keyType() {
        return Gp.KEY_DES;
    }

    short setKeys() {
        return has(OPTION_THREE_KEYS) ? KeyStore.SET_KEYS : (short) 1;
    }

    private boolean has(byte bit) {
        return (option & bit) != 0;
    }

    boolean implicit() {
        return !has(OPTION_EXPLICIT);
    }

    /** One session key: the counter's two bytes of {@code CARD_CHALLENGE} under the static key (E.4.1). */
    private void derive(KeySource keys, byte version, byte id, short constant, short to) {
        keys.key(version, has(OPTION_THREE_KEYS) ? id : (byte) 1, ram, STATIC_KEY);
        Bytes.wipe(ram, to, KEY_LENGTH);
        Util.setShort(ram, to, constant);
        Util.arrayCopyNonAtomic(ram, CARD_CHALLENGE, ram, (short) (to + 2), SEQUENCE_DIGITS);
        cbc(STATIC_KEY, Cipher.MODE_ENCRYPT, ram, to, KEY_LENGTH);
        Bytes.wipe(ram, STATIC_KEY, KeyStore.KEY_MAX);
    }

    private void cbc(short key, byte mode, byte[] buffer, short offset, short length) {
        ciphers.desCbc.init(ciphers.des.key(ram, key, KEY_LENGTH), mode);
        ciphers.desCbc.doFinal(buffer, offset, length, buffer, offset);
    }

    /** Takes the set's counter, {@code later} sessions on, for the derivations. */
    private void takeSequence(KeySource keys, byte version, short later) {
        keys.sequence(version, ram, STATIC_KEY);
        short counter = (short) (Util.getShort(ram, (short) (STATIC_KEY + 1)) + later);
        Util.setShort(ram, CARD_CHALLENGE, counter);
    }

    /**
     * INITIALIZE UPDATE, host challenge of eight bytes; answers {@code diversification data 10, KVN 02, sequence
     * counter 2, card challenge 6, card cryptogram 8} (E.5.1). 6A88 without the key set, 6985 at the counter's end.
     */
    short initializeUpdate(byte wanted) {
        if (implicit()) {
            ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
        }
        if (transients.dataLength() != CRYPTOGRAM_LENGTH) {
            ISOException.throwIt(Gp.SW_WRONG_LENGTH);
        }
        KeySource keys = domain.keySource();
        byte version = set(keys, wanted);
        if (version == KeySource.NO_VERSION) {
            Refuse.notFound();
        }
        Util.arrayCopyNonAtomic(work, transients.dataOffset(), ram, HOST_CHALLENGE, CRYPTOGRAM_LENGTH);
        takeSequence(keys, version, (short) 0);
        if (Util.getShort(ram, CARD_CHALLENGE) == -1) {
            refuse((byte) 0, Gp.SW_CONDITIONS);
        }
        ram[VERSION] = version;
        ram[Transients.KEYS_MAKER] = domain.makerOf(keys, version);
        derive(keys, version, (byte) 1, FOR_ENC, S_ENC);
        derive(keys, version, (byte) 2, FOR_MAC, S_MAC);
        derive(keys, version, (byte) 2, FOR_RMAC, S_RMAC);
        derive(keys, version, (byte) 3, FOR_DEK, S_DEK);
        cardChallenge();
        short at = keyInformation(version, Gp.SCP02);
        at = Util.arrayCopyNonAtomic(ram, CARD_CHALLENGE, work, at, CRYPTOGRAM_LENGTH);
        cryptogram(HOST_CHALLENGE, CARD_CHALLENGE);
        at = Util.arrayCopyNonAtomic(work, (short) (TEMPORARY + 16), work, at, CRYPTOGRAM_LENGTH);
        become(INITIALIZED);
        return (short) (at - Transients.RESPONSE);
    }

    private void cardChallenge() {
        short to = (short) (CARD_CHALLENGE + SEQUENCE_DIGITS);
        if (!has(OPTION_PSEUDO_RANDOM)) {
            random.generateData(ram, to, (short) 6);
            return;
        }
        macOfAid(S_MAC, ICV);
        Util.arrayCopyNonAtomic(ram, ICV, ram, to, (short) 6);
        Bytes.wipe(ram, ICV, RetailMac.BLOCK);
    }

    /** MAC over the padded AID with a zero initial value, which stands at {@code to} (E.3.2, E.4.2.3). */
    private void macOfAid(short key, short to) {
        mac.start(R_STATE, to);
        mac.update(R_STATE, key, aid, (short) 1, aid[0]);
        mac.finish(R_STATE, key, key, ram, to);
    }

    /** Writes the CBC-MAC under S-ENC of two challenges at TEMPORARY + 16 (E.4.2). */
    private void cryptogram(short first, short second) {
        short at = Util.arrayCopyNonAtomic(ram, first, work, TEMPORARY, CRYPTOGRAM_LENGTH);
        at = Util.arrayCopyNonAtomic(ram, second, work, at, CRYPTOGRAM_LENGTH);
        Bytes.pad(work, TEMPORARY, (short) (at - TEMPORARY), RetailMac.BLOCK);
        cbc(S_ENC, Cipher.MODE_ENCRYPT, work, TEMPORARY, (short) 24);
    }

    boolean offers(byte level) {
        boolean response = level == (byte) 0x10 || level == (byte) 0x11 || level == (byte) 0x13;
        return level == (byte) 0x00 || level == (byte) 0x01 || level == (byte) 0x03 || (response && has(OPTION_R_MAC));
    }

    short authenticationLength() {
        return (short) (2 * CRYPTOGRAM_LENGTH);
    }

    boolean authenticates() {
        cryptogram(CARD_CHALLENGE, HOST_CHALLENGE);
        boolean good = Bytes.same(work, transients.dataOffset(), work, (short) (TEMPORARY + 16), CRYPTOGRAM_LENGTH);
        transients.setShort(Transients.DATA_LENGTH, CRYPTOGRAM_LENGTH);
        good &= verifiesMac((short) (transients.dataOffset() + CRYPTOGRAM_LENGTH));
        if (good) {
            // the counter moves with the first C-MAC that verifies (E.1.2.1)
            domain.keySource().nextSequence(ram[VERSION], SEQUENCE_DIGITS, ram, STATIC_KEY);
            Util.arrayCopyNonAtomic(ram, ICV, ram, R_ICV, RetailMac.BLOCK);
        }
        return good;
    }

    /**
     * Checks the C-MAC at {@code given} over header and plain data, and makes it the next ICV, plain; the one before is
     * enciphered for it, if the option says so and it is none of zeros or of the AID.
     */
    private boolean verifiesMac(short given) {
        short length = transients.dataLength();
        short scratch = Transients.SCRATCH;
        if (has(OPTION_ICV_ENCRYPTION) && isOpen()) {
            ciphers.desEcb.init(ciphers.des.key(ram, S_MAC, RetailMac.BLOCK), Cipher.MODE_ENCRYPT);
            ciphers.desEcb.doFinal(ram, ICV, RetailMac.BLOCK, ram, ICV);
        }
        mac.start(scratch, ICV);
        Util.arrayCopyNonAtomic(ram, Transients.HEADER, ram, ICV, (short) 4);
        boolean unmodified = has(OPTION_UNMODIFIED);
        if (unmodified) {
            ram[ICV] = (byte) (ram[ICV] & Gp.CLA_TYPE_MASK);
        }
        short head = putLc(ICV, unmodified ? length : (short) (length + RetailMac.BLOCK));
        mac.update(scratch, S_MAC, ram, ICV, head);
        mac.update(scratch, S_MAC, work, transients.dataOffset(), length);
        mac.finish(scratch, S_MAC, S_MAC, ram, ICV);
        return Bytes.same(ram, ICV, work, given, RetailMac.BLOCK);
    }

    /**
     * Writes Lc behind a header of four bytes: three bytes over 255, as a command put together of parts has it (GPCS
     * 11.1.5.1). Returns the length of both.
     */
    private short putLc(short header, short length) {
        short lc = (short) (header + 4);
        if (length <= 255) {
            ram[lc] = (byte) length;
            return (short) 5;
        }
        ram[lc] = 0;
        Util.setShort(ram, (short) (lc + 1), length);
        return (short) 7;
    }

    boolean unwraps(byte level) {
        short length = (short) (transients.dataLength() - RetailMac.BLOCK);
        short given = (short) (transients.dataOffset() + length);
        if (length < 0) {
            return false;
        }
        if ((level & Gp.LEVEL_C_DECRYPTION) != 0 && length > 0) {
            if ((length & 7) != 0) {
                return false;
            }
            cbc(S_ENC, Cipher.MODE_DECRYPT, work, transients.dataOffset(), length);
            length = Bytes.unpadded(work, transients.dataOffset(), length, RetailMac.BLOCK);
            if (length < 0) {
                return false;
            }
        }
        transients.setShort(Transients.DATA_LENGTH, length);
        return verifiesMac(given);
    }

    /** Implicit initiation: a command in clear drops the MAC, and a protected one starts anew (E.1.2.2). */
    boolean takesOtherwise(byte messaging) {
        if (!implicit()) {
            return false;
        }
        if (messaging == 0) {
            ram[Transients.LEVEL] &= (byte) ~Gp.LEVEL_C_MAC;
            return true;
        }
        if (messaging != Gp.CLA_SM_PROPRIETARY) {
            return false;
        }
        return startsImplicitly();
    }

    /**
     * Opens a session with the first protected command: its MAC key comes of the counter as it stands, the others of
     * the next one, its ICV of the AID. False when the MAC is wrong or there is no key set.
     */
    boolean startsImplicitly() {
        end();
        KeySource keys = domain.keySource();
        byte version = set(keys, (byte) 0);
        if (version == KeySource.NO_VERSION) {
            return false;
        }
        takeSequence(keys, version, (short) 0);
        derive(keys, version, (byte) 2, FOR_MAC, S_MAC);
        takeSequence(keys, version, (short) 1);
        derive(keys, version, (byte) 2, FOR_RMAC, S_RMAC);
        derive(keys, version, (byte) 3, FOR_DEK, S_DEK);
        ram[VERSION] = version;
        ram[Transients.KEYS_MAKER] = domain.makerOf(keys, version);
        if (has(OPTION_AID_ICV)) {
            macOfAid(S_MAC, ICV);
            macOfAid(S_RMAC, R_ICV);
        }
        if (!unwraps((byte) 0)) {
            return false;
        }
        keys.nextSequence(version, SEQUENCE_DIGITS, ram, STATIC_KEY);
        opened(Gp.LEVEL_C_MAC);
        return true;
    }

    /** Begins the R-MAC of the command at hand, over its header and plain data (E.4.5). */
    void admitted() {
        if (ram[Transients.WRAP_RESPONSE] == 0 && ram[R_SESSION] == 0) {
            return;
        }
        short scratch = Transients.SCRATCH;
        short length = transients.dataLength();
        Util.arrayCopyNonAtomic(ram, Transients.HEADER, ram, scratch, (short) 4);
        ram[scratch] = (byte) (ram[scratch] & Gp.CLA_TYPE_MASK);
        short head = putLc(scratch, length);
        mac.start(R_STATE, R_ICV);
        mac.update(R_STATE, S_RMAC, ram, scratch, head);
        mac.update(R_STATE, S_RMAC, work, transients.dataOffset(), length);
        ram[Transients.WRAP_RESPONSE] = 1;
    }

    /** A status word that is an error has its MAC too (E.3.2). */
    boolean protectsErrors() {
        return isOpen() && ram[Transients.WRAP_RESPONSE] != 0;
    }

    void finish(short offset, short length, short status) {
        if (ram[Transients.WRAP_RESPONSE] != 0) {
            short scratch = Transients.SCRATCH;
            ram[scratch] = (byte) length;
            mac.update(R_STATE, S_RMAC, ram, scratch, (short) 1);
            mac.update(R_STATE, S_RMAC, work, offset, length);
            Util.setShort(ram, scratch, status);
            mac.update(R_STATE, S_RMAC, ram, scratch, (short) 2);
            mac.finish(R_STATE, S_RMAC, S_RMAC, ram, R_ICV);
            if ((ram[Transients.LEVEL] & Gp.LEVEL_R_MAC) != 0) {
                Util.arrayCopyNonAtomic(ram, R_ICV, work, (short) (offset + length), RetailMac.BLOCK);
                length += RetailMac.BLOCK;
            }
        }
        super.finish(offset, length, status);
    }

    boolean mayBegin(byte p1) {
        return has(OPTION_R_MAC) && (p1 == 0 || p1 == Gp.LEVEL_R_MAC);
    }

    /** The C-MAC of the command that begins it is the first value of the chain; of none, zeros. */
    boolean begins(byte p1) {
        if (ram[R_SESSION] != 0) {
            return false;
        }
        Util.arrayCopyNonAtomic(ram, ICV, ram, R_ICV, RetailMac.BLOCK);
        ram[R_SESSION] = 1;
        // its own answer has no MAC
        ram[Transients.WRAP_RESPONSE] = 0;
        return true;
    }

    short ends(boolean forGood) {
        if (ram[R_SESSION] == 0) {
            Refuse.conditions();
        }
        short end = Util.arrayCopyNonAtomic(ram, R_ICV, work, Transients.RESPONSE, RetailMac.BLOCK);
        ram[Transients.WRAP_RESPONSE] = 0;
        Bytes.wipe(ram, R_STATE, RetailMac.STATE_SIZE);
        if (forGood) {
            ram[R_SESSION] = 0;
            ram[Transients.LEVEL] &= (byte) ~Gp.LEVEL_R_MAC;
        }
        return (short) (end - Transients.RESPONSE);
    }

    /** A key under the session's DEK: triple DES in ECB, in CBC after implicit initiation (E.4.7). */
    void cryptKey(byte mode, byte[] buffer, short offset, short length) {
        if (!ownerAuthenticated() || length == 0 || (length & 7) != 0) {
            Refuse.data();
        }
        if (implicit()) {
            cbc(S_DEK, mode, buffer, offset, length);
            return;
        }
        ciphers.cryptKey(mode, Gp.KEY_DES, S_DEK, KEY_LENGTH, buffer, offset, length);
    }
}
