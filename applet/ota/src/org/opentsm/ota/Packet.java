// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacardx.crypto.Cipher;

/**
 * A command packet, {@code CPL(2) CHL SPI(2) KIc KID TAR(3) | CNTR(5) PCNTR RC/CC data padding}, the part behind the
 * bar enciphered where SPI says so (TS 102 225 5.1). It is opened in place, checked in the order of TS 102 225 5.2, and
 * says how its response is to be protected.
 */
final class Packet {

    /** Longest packet, and what a response in the same place takes besides. */
    static final short CAPACITY = MessageParts.CAPACITY;

    static final short SLACK = (short) 16;
    /** Longest AID of a target. */
    static final short TARGET_MAX = (short) 16;

    private static final short HEADER_LENGTH = (short) 2;
    private static final short SPI_1 = (short) 3;
    private static final short SPI_2 = (short) 4;
    private static final short KIC = (short) 5;
    private static final short KID = (short) 6;
    private static final short TAR = (short) 7;
    private static final short SECURED = (short) 10;
    /** SPI to TAR, CNTR and PCNTR: what CHL counts besides the checksum. */
    private static final byte FIXED = (byte) 0x0D;
    /** CPL to PCNTR. */
    private static final short HEAD = (short) 16;

    private static final short TAR_LENGTH = (short) 3;
    private static final short PCNTR = PacketCounters.LENGTH;

    // SPI 1
    private static final byte INTEGRITY = (byte) 0x03;
    private static final byte REDUNDANCY = (byte) 1;
    private static final byte CRYPTOGRAPHIC = (byte) 2;
    private static final byte CIPHERED = (byte) 0x04;
    private static final byte COUNTER = (byte) 0x18;
    private static final byte COUNTER_HIGHER = (byte) 0x10;
    private static final byte COUNTER_NEXT = (byte) 0x18;
    private static final byte RESERVED = (byte) 0xE0;

    // SPI 2
    private static final byte ANSWER = (byte) 0x03;
    private static final byte ANSWER_ALWAYS = (byte) 1;
    private static final byte ANSWER_CIPHERED = (byte) 0x10;
    private static final byte ANSWER_BY_SUBMIT = (byte) 0x20;
    private static final byte RESERVED_OF_ANSWER = (byte) 0xC0;
    private static final byte NIBBLE = (byte) 0x0F;
    private static final byte CRC_16 = (byte) 1;
    private static final byte CRC_32 = (byte) 5;
    private static final short CRC_16_LENGTH = (short) 2;
    private static final short CRC_32_LENGTH = (short) 4;
    /** Key sets are 01 to 0F; 0 is whichever the card knows (TS 102 225 5.1.2). */
    private static final byte LAST_SET = (byte) 15;

    private static final byte ID_KIC = (byte) 1;
    private static final byte ID_KID = (byte) 2;

    // RAM: what stays of a packet until its response is made
    private static final short SPI = (short) 0;
    private static final short NIBBLES = (short) 2;
    static final short NAME = (short) 4;
    private static final short COUNT = (short) (NAME + TAR_LENGTH);
    private static final short TRUSTED = (short) (COUNT + PacketCounters.LENGTH);
    /** Key set of the checksum. */
    private static final short SET = (short) (TRUSTED + 1);

    private static final short CHECK = (short) (SET + 1);
    private static final short EXPECTED = (short) (CHECK + PacketCiphers.CHECKSUM);
    private static final short STORED = (short) (EXPECTED + PacketCiphers.CHECKSUM);
    private static final short TARGET = (short) (STORED + PacketCounters.LENGTH);
    private static final short KEY_ROOM = (short) 65;
    private static final short CIPHER_KEY = (short) (TARGET + 17);
    private static final short CHECK_KEY = (short) (CIPHER_KEY + KEY_ROOM);
    private static final short RAM = (short) (CHECK_KEY + KEY_ROOM);

    // Shorts in RAM
    private static final short DATA = (short) 0;
    private static final short DATA_LENGTH = (short) 1;
    private static final short TARGET_LENGTH = (short) 2;
    private static final short CIPHER_KEY_LENGTH = (short) 3;
    private static final short CHECK_KEY_LENGTH = (short) 4;
    /** Bytes of the command's cryptographic checksum, and of its response's. */
    private static final short SIGNED = (short) 5;
    /** Bytes of a redundancy check, of the command and of its response. */
    private static final short REDUNDANT = (short) 6;
    /** 1 when the packet is for a toolkit application; then the target is the domain with its keys. */
    private static final short FOR_APPLICATION = (short) 7;

    /** 1 when its counter was stored. */
    private static final short COUNTED = (short) 8;

    private static final short SHORTS = (short) 9;

    private final byte[] bytes;
    private final byte[] ram;
    private final short[] at;
    private final RemoteLink link;
    private final PacketCiphers ciphers = new PacketCiphers();
    private final PacketCounters counters = new PacketCounters();
    /** What SPI 1 must have at least, bit by bit and as a rank of checksum and counter. */
    private final byte minimum;
    /** Least bytes of a cryptographic checksum. */
    private final byte shortest;

    /** @param bytes where the packet stands, with its CPL at 0 */
    Packet(byte[] bytes, RemoteLink link, byte minimum, byte shortest) {
        this.bytes = bytes;
        this.link = link;
        this.minimum = minimum;
        this.shortest = shortest;
        ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
        at = JCSystem.makeTransientShortArray(SHORTS, JCSystem.CLEAR_ON_RESET);
    }

    /** Nothing of a packet stays. */
    void clear() {
        Util.arrayFillNonAtomic(ram, (short) 0, RAM, (byte) 0);
        ciphers.clear();
        at[FOR_APPLICATION] = (short) 0;
        at[COUNTED] = (short) 0;
    }

    /** True for a packet that a toolkit application is to have as it stands. */
    boolean isForApplication() {
        return at[FOR_APPLICATION] != 0;
    }

    /** Puts the packet that {@link #open} took apart together again, in clear, from the second byte of its place on. */
    void restore(short length) {
        short checksum = (short) (at[DATA] - HEAD);
        Util.arrayCopyNonAtomic(bytes, checksum, bytes, (short) 0, HEAD);
        Util.arrayCopyNonAtomic(ram, CHECK, bytes, HEAD, checksum);
        Util.arrayCopyNonAtomic(bytes, (short) 0, bytes, (short) 1, length);
    }

    /** As if it had not come: its application was busy, so that the same packet is taken once more. */
    void undo() {
        if (at[COUNTED] != 0) {
            counters.store(ram, STORED);
        }
    }

    /** Offset and length of the secured data, in clear, once {@link #open} has answered OK. */
    short data() {
        return at[DATA];
    }

    short dataLength() {
        return at[DATA_LENGTH];
    }

    /** Writes the AID of the domain that the packet is for; its length, 0 for files. */
    short domain(byte[] out, short offset) {
        if (ram[TARGET] != RemoteLink.DOMAIN) {
            return (short) 0;
        }
        short length = (short) (at[TARGET_LENGTH] - 1);
        Util.arrayCopyNonAtomic(ram, (short) (TARGET + 1), out, offset, length);
        return length;
    }

    /** Tells OPEN for whom the commands are, and by which keys the packet was right, and whose chain goes on. */
    void begin(Chains chains) {
        byte version = (ram[SPI] & INTEGRITY) == CRYPTOGRAPHIC ? ram[SET] : (byte) 0;
        link.begin(ram, TARGET, at[TARGET_LENGTH], version);
        chains.use(ram, TARGET, version);
    }

    private static byte version(byte parameter) {
        return (byte) (parameter >> 4 & NIBBLE);
    }

    /** True when a response to this outcome is asked for; the reserved value of that is an error itself. */
    boolean isAnswered(byte status) {
        byte when = (byte) (ram[(short) (SPI + 1)] & ANSWER);
        return when == ANSWER_ALWAYS || when != 0 && status != Status.OK;
    }

    boolean isAnsweredBySubmit() {
        return (ram[(short) (SPI + 1)] & ANSWER_BY_SUBMIT) != 0;
    }

    /**
     * Opens the packet of {@code length} bytes.
     *
     * @return a status; the counter has been stored when it is OK
     */
    byte open(short length) {
        clear();
        if (length < HEAD || Util.getShort(bytes, (short) 0) != (short) (length - HEADER_LENGTH)) {
            return Status.SECURITY_ERROR;
        }
        Util.arrayCopyNonAtomic(bytes, SPI_1, ram, SPI, (short) 4);
        Util.arrayCopyNonAtomic(bytes, TAR, ram, NAME, TAR_LENGTH);
        short checksum = (short) ((bytes[HEADER_LENGTH] & 0xFF) - FIXED);
        byte spi = ram[SPI];
        byte integrity = (byte) (spi & INTEGRITY);
        at[TARGET_LENGTH] = link.find(ram, SPI, ram, TARGET);
        if (at[TARGET_LENGTH] == 0) {
            return Status.TAR_UNKNOWN;
        }
        if (ram[TARGET] == RemoteLink.APPLICATION) {
            // its level is that of its INSTALL alone, and its counter that of its domain
            at[FOR_APPLICATION] = (short) 1;
            ram[TARGET] = RemoteLink.DOMAIN;
        }
        if (ram[TARGET] == RemoteLink.LEVEL_TOO_LOW || !isForApplication() && !isLevelReached(spi)) {
            return Status.LEVEL_TOO_LOW;
        }
        boolean counted = (spi & COUNTER_HIGHER) != 0;
        boolean isShort = integrity == CRYPTOGRAPHIC && checksum == shortest;
        at[SIGNED] = isShort ? checksum : PacketCiphers.CHECKSUM;
        at[REDUNDANT] = redundancyLength(ram[(short) (NIBBLES + 1)], checksum);
        byte answer = ram[(short) (SPI + 1)];
        if ((spi & RESERVED) != 0
                || (answer & RESERVED_OF_ANSWER) != 0
                || (answer & ANSWER) == ANSWER
                || counted && integrity != CRYPTOGRAPHIC
                || checksum < 0
                || checksum != checksumLength(integrity)
                || length < (short) (HEAD + checksum)) {
            return Status.SECURITY_ERROR;
        }
        readKeys();
        byte status = decipher(length);
        return status == Status.OK ? check(length, checksum, integrity) : status;
    }

    private boolean isLevelReached(byte spi) {
        return (spi & INTEGRITY) >= (minimum & INTEGRITY)
                && (minimum & CIPHERED & ~spi) == 0
                && (spi & COUNTER) >= (minimum & COUNTER);
    }

    /** Bytes of RC or CC; -1 for a digital signature. */
    private short checksumLength(byte integrity) {
        switch (integrity) {
            case 0:
                return (short) 0;
            case REDUNDANCY:
                return at[REDUNDANT];
            case CRYPTOGRAPHIC:
                return at[SIGNED];
            default:
                return (short) -1;
        }
    }

    /** What KID names; where it names neither, as senders do whose KID is that of their keys, what the packet has. */
    private static short redundancyLength(byte kid, short checksum) {
        byte kind = (byte) (kid & NIBBLE);
        boolean isShort = kind == CRC_16 || kind != CRC_32 && checksum == CRC_16_LENGTH;
        return isShort ? CRC_16_LENGTH : CRC_32_LENGTH;
    }

    /**
     * The keys that KIc and KID name, with lengths of 0 where there are none of that kind in the target. Where one of
     * them names no set it is the other's, and where both do not the lowest that has a key for the checksum.
     */
    private void readKeys() {
        byte kic = version(ram[NIBBLES]);
        byte kid = version(ram[(short) (NIBBLES + 1)]);
        byte set = kid == 0 ? kic : kid;
        byte last = set;
        if (set == 0) {
            set = (byte) 1;
            last = LAST_SET;
        }
        at[CHECK_KEY_LENGTH] = readKey(set, ram[(short) (NIBBLES + 1)], ID_KID, CHECK_KEY);
        while (at[CHECK_KEY_LENGTH] == 0 && set < last) {
            set++;
            at[CHECK_KEY_LENGTH] = readKey(set, ram[(short) (NIBBLES + 1)], ID_KID, CHECK_KEY);
        }
        ram[SET] = set;
        at[CIPHER_KEY_LENGTH] = readKey(kic == 0 ? set : kic, ram[NIBBLES], ID_KIC, CIPHER_KEY);
    }

    /** Files have the keys of the issuer's domain. */
    private short readKey(byte set, byte parameter, byte id, short to) {
        short domain = TARGET;
        short size = at[TARGET_LENGTH];
        if (ram[TARGET] == RemoteLink.FILES) {
            // the place of the value is free until the key is there
            Util.arrayFillNonAtomic(ram, to, RemoteLink.SECURITY, (byte) 0);
            domain = (short) (to + RemoteLink.SECURITY);
            size = link.find(ram, to, ram, domain);
        }
        if (size < 2) {
            return (short) 0;
        }
        short length = link.key(set, id, ram, (short) (domain + 1), (short) (size - 1), ram, to);
        boolean fits = length > 1 && PacketCiphers.fits((byte) (parameter & NIBBLE), ram[to], (short) (length - 1));
        return fits ? length : (short) 0;
    }

    private byte decipher(short length) {
        if ((ram[SPI] & CIPHERED) == 0) {
            return Status.OK;
        }
        short secured = (short) (length - SECURED);
        if (at[CIPHER_KEY_LENGTH] == 0 || (secured & (short) (PacketCiphers.block(ram[CIPHER_KEY]) - 1)) != 0) {
            return Status.CIPHERING_ERROR;
        }
        ciphers.cipher(Cipher.MODE_DECRYPT, ram, CIPHER_KEY, at[CIPHER_KEY_LENGTH], bytes, SECURED, secured);
        return Status.OK;
    }

    /** Checksum, padding, counter: in this order, and the counter is stored last. */
    private byte check(short length, short checksum, byte integrity) {
        boolean isShort = at[SIGNED] != PacketCiphers.CHECKSUM;
        if (integrity == CRYPTOGRAPHIC
                && (at[CHECK_KEY_LENGTH] == 0 || isShort && ram[CHECK_KEY] != PacketCiphers.AES)) {
            return Status.SECURITY_ERROR;
        }
        // the checksum is taken out, so that what it is over stands together
        Util.arrayCopyNonAtomic(bytes, HEAD, ram, CHECK, checksum);
        Util.arrayCopyNonAtomic(bytes, (short) 0, bytes, checksum, HEAD);
        compute(bytes, checksum, (short) (length - checksum), integrity, ram, EXPECTED);
        if (!same(CHECK, EXPECTED, checksum)) {
            return Status.CHECKSUM_FAILED;
        }
        Util.arrayCopyNonAtomic(bytes, (short) (checksum + SECURED), ram, COUNT, PacketCounters.LENGTH);
        short padding = (short) (bytes[(short) (checksum + SECURED + PCNTR)] & 0xFF);
        at[DATA] = (short) (checksum + HEAD);
        at[DATA_LENGTH] = (short) (length - at[DATA] - padding);
        // some senders fill whole blocks with another one: only what is not enciphered has no padding
        if (at[DATA_LENGTH] < 0 || padding != 0 && (ram[SPI] & CIPHERED) == 0) {
            return Status.SECURITY_ERROR;
        }
        ram[TRUSTED] = (byte) 1;
        return integrity == CRYPTOGRAPHIC ? count() : Status.OK;
    }

    private void compute(byte[] data, short offset, short length, byte integrity, byte[] out, short to) {
        if (integrity == CRYPTOGRAPHIC) {
            ciphers.checksum(ram, CHECK_KEY, at[CHECK_KEY_LENGTH], data, offset, length, out, to);
        } else if (integrity == REDUNDANCY) {
            if (at[REDUNDANT] == CRC_16_LENGTH) {
                PacketCiphers.crc16(data, offset, length, out, to);
            } else {
                PacketCiphers.crc32(data, offset, length, out, to);
            }
        }
    }

    /** Compares without an early end. */
    private boolean same(short first, short second, short length) {
        byte difference = 0;
        for (short i = 0; i < length; i++) {
            difference |= (byte) (ram[(short) (first + i)] ^ ram[(short) (second + i)]);
        }
        return difference == 0;
    }

    /** Judges the counter and stores it (TS 102 225 5.1.4); one at its end blocks the key set. */
    private byte count() {
        byte rule = (byte) (ram[SPI] & COUNTER);
        if (rule != COUNTER_HIGHER && rule != COUNTER_NEXT) {
            return Status.OK;
        }
        useCounter();
        counters.read(ram, STORED);
        if (isLast(STORED)) {
            return Status.COUNTER_BLOCKED;
        }
        if (compare(COUNT, STORED) <= 0) {
            return Status.COUNTER_LOW;
        }
        if (rule == COUNTER_NEXT) {
            // what is stored stays for undo()
            Util.arrayCopyNonAtomic(ram, STORED, ram, EXPECTED, PacketCounters.LENGTH);
            increase(EXPECTED);
            if (compare(COUNT, EXPECTED) != 0) {
                return Status.COUNTER_HIGH;
            }
        }
        boolean stored = counters.store(ram, COUNT);
        if (!stored && counters.free(link)) {
            useCounter();
            stored = counters.store(ram, COUNT);
        }
        at[COUNTED] = stored ? (short) 1 : (short) 0;
        return stored ? Status.OK : Status.NO_MEMORY;
    }

    private void useCounter() {
        counters.use(ram, TARGET, at[TARGET_LENGTH], ram[SET], ram, CHECK_KEY, at[CHECK_KEY_LENGTH]);
    }

    private boolean isLast(short counter) {
        byte all = (byte) 0xFF;
        for (short i = 0; i < PacketCounters.LENGTH; i++) {
            all &= ram[(short) (counter + i)];
        }
        return all == (byte) 0xFF;
    }

    private byte compare(short first, short second) {
        return Util.arrayCompare(ram, first, ram, second, PacketCounters.LENGTH);
    }

    private void increase(short counter) {
        short i = (short) (counter + PacketCounters.LENGTH);
        do {
            i--;
            ram[i]++;
        } while (ram[i] == 0 && i > counter);
    }

    // --- response -------------------------------------------------------------------------------

    /**
     * Puts a response packet around data that stands at {@link ResponsePacket#DATA} of {@code out}. One that could not
     * be told from a forged one is answered in clear.
     *
     * @return offset of its first byte, the {@code 02} of its user data header
     */
    short respond(byte[] out, short length, byte status) {
        boolean known = ram[TRUSTED] != 0;
        byte spi = ram[(short) (SPI + 1)];
        byte integrity = known ? (byte) (spi >> 2 & INTEGRITY) : (byte) 0;
        short checksum = checksumLength(integrity);
        if (checksum < 0 || integrity == CRYPTOGRAPHIC && at[CHECK_KEY_LENGTH] == 0) {
            integrity = (byte) 0;
            checksum = (short) 0;
        }
        boolean ciphered = known && (spi & ANSWER_CIPHERED) != 0 && at[CIPHER_KEY_LENGTH] != 0;
        short block = ciphered ? PacketCiphers.block(ram[CIPHER_KEY]) : (short) 1;
        short padding = ResponsePacket.padding((short) (checksum + length), block);
        short end = (short) (ResponsePacket.DATA + length);
        Util.arrayFillNonAtomic(out, end, padding, (byte) 0);
        end = (short) (end + padding);
        ResponsePacket.head(out, end, checksum, ram, NAME, COUNT, padding, status);
        compute(out, ResponsePacket.HEAD, (short) (end - ResponsePacket.HEAD), integrity, ram, EXPECTED);
        short start = ResponsePacket.insert(out, ram, EXPECTED, checksum);
        if (ciphered) {
            short from = (short) (start + ResponsePacket.SECURED);
            ciphers.cipher(
                    Cipher.MODE_ENCRYPT, ram, CIPHER_KEY, at[CIPHER_KEY_LENGTH], out, from, (short) (end - from));
        }
        at[DATA] = (short) (end - start);
        return start;
    }

    /** Length of the response that was made last. */
    short responseLength() {
        return at[DATA];
    }
}
