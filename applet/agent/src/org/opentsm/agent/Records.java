// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacard.security.RandomData;
import javacardx.crypto.Cipher;

/**
 * The record layer of TLS 1.2 (RFC 5246 6.2): {@code type version(2) length(2) fragment}, where a protected fragment is
 * {@code [IV(16)] content MAC(32) [padding, its length]}, the bracketed ones and encipherment with AES-128-CBC alone.
 * One buffer for both directions: a record is read only when the one before has been dealt with.
 */
final class Records {

    static final byte CHANGE_CIPHER_SPEC = (byte) 20;
    static final byte ALERT = (byte) 21;
    static final byte HANDSHAKE = (byte) 22;
    static final byte APPLICATION_DATA = (byte) 23;

    /** Most content of a record, as max_fragment_length 1 says (RFC 6066 4). */
    static final short CONTENT_MAX = (short) 512;

    static final short KEY_LENGTH = (short) 16;

    private static final short HEADER = (short) 5;
    private static final short BLOCK = (short) 16;
    private static final short FRAGMENT_MAX = (short) (BLOCK + CONTENT_MAX + Hmac.LENGTH + 256);
    /** Longest record that is sent. */
    static final short SENT_MAX = (short) (HEADER + BLOCK + CONTENT_MAX + Hmac.LENGTH + BLOCK);
    /** Where content stands that is to be sent. */
    private static final short TEXT = (short) (HEADER + BLOCK);

    private static final byte VERSION = (byte) 3;

    // RAM
    private static final short PLAIN = (short) 0;
    private static final short NULL = (short) 1;
    private static final short AES = (short) 2;

    private static final short READS = (short) 0;
    private static final short WRITES = (short) 1;
    private static final short TYPE = (short) 2;
    private static final short READ_COUNT = (short) 3;
    private static final short WRITE_COUNT = (short) (READ_COUNT + 8);
    private static final short HEAD = (short) (WRITE_COUNT + 8);
    private static final short HEAD_LENGTH = (short) 13;
    private static final short SUM = (short) (HEAD + HEAD_LENGTH);
    private static final short READ_MAC = (short) (SUM + Hmac.LENGTH);
    private static final short WRITE_MAC = (short) (READ_MAC + Hmac.LENGTH);
    private static final short RAM = (short) (WRITE_MAC + Hmac.LENGTH);

    // Shorts in RAM
    private static final short FILLED = (short) 0;
    private static final short OFFSET = (short) 1;
    private static final short LENGTH = (short) 2;
    private static final short PENDING = (short) 3;
    private static final short SHORTS = (short) 4;

    final byte[] bytes = JCSystem.makeTransientByteArray((short) (HEADER + FRAGMENT_MAX), JCSystem.CLEAR_ON_RESET);
    private final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
    private final short[] at = JCSystem.makeTransientShortArray(SHORTS, JCSystem.CLEAR_ON_RESET);
    private final AESKey readKey = key();
    private final AESKey writeKey = key();
    private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
    private final Channel channel;
    private final Hmac hmac;
    private final RandomData random;

    Records(Channel channel, Hmac hmac, RandomData random) {
        this.channel = channel;
        this.hmac = hmac;
        this.random = random;
    }

    private static AESKey key() {
        return (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES_TRANSIENT_RESET, KeyBuilder.LENGTH_AES_128, false);
    }

    /** In clear both ways, and no secret stays. */
    void reset() {
        Util.arrayFillNonAtomic(ram, (short) 0, RAM, (byte) 0);
        Util.arrayFillNonAtomic(bytes, (short) 0, (short) bytes.length, (byte) 0);
        readKey.clearKey();
        writeKey.clearKey();
        at[FILLED] = (short) 0;
        at[LENGTH] = (short) 0;
        at[PENDING] = (short) 0;
    }

    /**
     * Takes the keys of both ways: client's MAC key, server's, and with AES client's key, server's.
     *
     * @param block is the caller's to wipe
     */
    void keys(byte[] block, short offset, boolean enciphers) {
        Util.arrayCopyNonAtomic(block, offset, ram, WRITE_MAC, Hmac.LENGTH);
        Util.arrayCopyNonAtomic(block, (short) (offset + Hmac.LENGTH), ram, READ_MAC, Hmac.LENGTH);
        if (enciphers) {
            writeKey.setKey(block, (short) (offset + 2 * Hmac.LENGTH));
            readKey.setKey(block, (short) (offset + 2 * Hmac.LENGTH + KEY_LENGTH));
        }
    }

    void protectWrites(boolean enciphers) {
        ram[WRITES] = (byte) (enciphers ? AES : NULL);
    }

    void protectReads(boolean enciphers) {
        ram[READS] = (byte) (enciphers ? AES : NULL);
    }

    // --- reading --------------------------------------------------------------------------------

    byte type() {
        return bytes[0];
    }

    /** Content of the record at hand, in {@link #bytes}. */
    short offset() {
        return at[OFFSET];
    }

    short length() {
        return at[LENGTH];
    }

    /** Reads on until a record is whole and open; false when no more has come. Throws LINK and TLS. */
    boolean read() {
        if (at[FILLED] < HEADER && !fill(HEADER)) {
            return false;
        }
        checkHeader();
        short whole = (short) (HEADER + Util.getShort(bytes, (short) 3));
        if (!fill(whole)) {
            return false;
        }
        open((short) (whole - HEADER));
        at[FILLED] = (short) 0;
        return true;
    }

    private boolean fill(short length) {
        while (at[FILLED] < length) {
            short got = channel.receive(bytes, at[FILLED], (short) (length - at[FILLED]));
            if (got == 0) {
                return false;
            }
            at[FILLED] = (short) (at[FILLED] + got);
        }
        return true;
    }

    private void checkHeader() {
        if (bytes[0] < CHANGE_CIPHER_SPEC || bytes[0] > APPLICATION_DATA) {
            Fault.tls(Fault.UNEXPECTED_MESSAGE);
        }
        if (bytes[1] != VERSION || bytes[2] != VERSION) {
            Fault.tls(Fault.PROTOCOL_VERSION);
        }
        short length = Util.getShort(bytes, (short) 3);
        if (length < 0 || length > FRAGMENT_MAX) {
            Fault.tls(Fault.RECORD_OVERFLOW);
        }
        if (length == 0) {
            Fault.tls(Fault.DECODE_ERROR);
        }
    }

    private void open(short length) {
        at[OFFSET] = HEADER;
        at[LENGTH] = length;
        if (ram[READS] == NULL) {
            if (length < Hmac.LENGTH) {
                Fault.tls(Fault.BAD_RECORD_MAC);
            }
            at[LENGTH] = (short) (length - Hmac.LENGTH);
            check((byte) 0, (short) 0);
        } else if (ram[READS] == AES) {
            decipher(length);
        }
        if (at[LENGTH] > CONTENT_MAX) {
            Fault.tls(Fault.RECORD_OVERFLOW);
        }
        // application data may be empty, the rest may not
        if (at[LENGTH] == 0 && bytes[0] != APPLICATION_DATA) {
            Fault.tls(Fault.DECODE_ERROR);
        }
    }

    /** Wrong padding goes on as if it were none, so that it takes as long and ends as a wrong MAC does. */
    private void decipher(short length) {
        short size = (short) (length - BLOCK);
        if (size < (short) (Hmac.LENGTH + BLOCK) || (short) (size & (BLOCK - 1)) != 0) {
            Fault.tls(Fault.BAD_RECORD_MAC);
        }
        cipher.init(readKey, Cipher.MODE_DECRYPT, bytes, HEADER, BLOCK);
        cipher.doFinal(bytes, TEXT, size, bytes, TEXT);
        short end = (short) (TEXT + size - 1);
        byte value = bytes[end];
        short padding = (short) (value & 0xFF);
        byte wrong = (byte) 0;
        if (padding > (short) (size - 1 - Hmac.LENGTH)) {
            padding = (short) 0;
            wrong = (byte) 1;
        }
        for (short i = (short) (end - padding); i < end; i++) {
            wrong |= (byte) (bytes[i] ^ value);
        }
        at[OFFSET] = TEXT;
        at[LENGTH] = (short) (size - 1 - padding - Hmac.LENGTH);
        check(wrong, padding);
    }

    /** Checks the MAC behind the content; one answer for wrong padding and for a wrong MAC. */
    private void check(byte wrong, short padding) {
        short mac = (short) (at[OFFSET] + at[LENGTH]);
        sum(READ_MAC, READ_COUNT, bytes[0], at[OFFSET], at[LENGTH], ram, SUM);
        hmac.spend(bytes, (short) (mac + Hmac.LENGTH), padding);
        byte difference = wrong;
        for (short i = (short) 0; i < Hmac.LENGTH; i++) {
            difference |= (byte) (ram[(short) (SUM + i)] ^ bytes[(short) (mac + i)]);
        }
        if (difference != 0) {
            Fault.tls(Fault.BAD_RECORD_MAC);
        }
    }

    /** MAC over {@code counter(8) type version(2) length(2) content}; the counter goes on. */
    private void sum(short key, short counter, byte type, short offset, short length, byte[] out, short to) {
        Util.arrayCopyNonAtomic(ram, counter, ram, HEAD, (short) 8);
        ram[(short) (HEAD + 8)] = type;
        ram[(short) (HEAD + 9)] = VERSION;
        ram[(short) (HEAD + 10)] = VERSION;
        Util.setShort(ram, (short) (HEAD + 11), length);
        hmac.begin(ram, key, Hmac.LENGTH);
        hmac.update(ram, HEAD, HEAD_LENGTH);
        hmac.update(bytes, offset, length);
        hmac.finish(out, to);
        short i = (short) (counter + 8);
        do {
            i--;
            ram[i]++;
        } while (ram[i] == 0 && i > counter);
    }

    // --- writing --------------------------------------------------------------------------------

    /** What is written from now on is of this type. */
    void begin(byte type) {
        ram[TYPE] = type;
        at[PENDING] = (short) 0;
    }

    /** Writes content; full records go out at once. Throws LINK. */
    void write(byte[] data, short offset, short length) {
        short next = offset;
        short left = length;
        while (left > 0) {
            short part = (short) (CONTENT_MAX - at[PENDING]);
            part = part > left ? left : part;
            Util.arrayCopyNonAtomic(data, next, bytes, (short) (TEXT + at[PENDING]), part);
            at[PENDING] = (short) (at[PENDING] + part);
            next = (short) (next + part);
            left = (short) (left - part);
            if (at[PENDING] == CONTENT_MAX) {
                flush();
            }
        }
    }

    /** Sends what was written and has not gone. Throws LINK. */
    void flush() {
        short length = at[PENDING];
        if (length == 0) {
            return;
        }
        at[PENDING] = (short) 0;
        short start = (short) (TEXT - HEADER);
        if (ram[WRITES] != PLAIN) {
            sum(WRITE_MAC, WRITE_COUNT, ram[TYPE], TEXT, length, bytes, (short) (TEXT + length));
            length = (short) (length + Hmac.LENGTH);
        }
        if (ram[WRITES] == AES) {
            start = (short) 0;
            length = encipher(length);
        }
        bytes[start] = ram[TYPE];
        bytes[(short) (start + 1)] = VERSION;
        bytes[(short) (start + 2)] = VERSION;
        Util.setShort(bytes, (short) (start + 3), length);
        channel.send(bytes, start, (short) (HEADER + length));
    }

    /** Pads and enciphers content and MAC at TEXT; length with the IV. */
    private short encipher(short length) {
        short padding = (short) (BLOCK - (short) (length & (BLOCK - 1)));
        Util.arrayFillNonAtomic(bytes, (short) (TEXT + length), padding, (byte) (padding - 1));
        short size = (short) (length + padding);
        random.generateData(bytes, HEADER, BLOCK);
        cipher.init(writeKey, Cipher.MODE_ENCRYPT, bytes, HEADER, BLOCK);
        cipher.doFinal(bytes, TEXT, size, bytes, TEXT);
        return (short) (BLOCK + size);
    }
}
