// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Reads the server's answer as it comes (Amendment B, RFC 9112): status line, fields of at most {@link #FIELDS_MAX}
 * bytes together, and a body of at most {@link #BODY_MAX} bytes by Content-Length or in chunks. Throws PROTOCOL for all
 * that is anything else.
 */
final class HttpAnswer {

    /** Longest script. */
    static final short BODY_MAX = (short) 2048;
    /** Before the body one byte is free. */
    static final short BODY = (short) 1;

    static final short FIELDS_MAX = (short) 4096;
    static final short AID_MAX = (short) 16;

    private static final short LINE_MAX = (short) 256;
    /** Below it more follows (RFC 9110 15.2). */
    private static final short STATUS_OK = (short) 200;

    private static final short STATUS_EMPTY = (short) 204;
    private static final short NO_LENGTH = (short) -1;

    // what is read
    private static final byte STATUS_LINE = (byte) 0;
    private static final byte FIELD = (byte) 1;
    private static final byte WHOLE_BODY = (byte) 2;
    private static final byte CHUNK_SIZE = (byte) 3;
    private static final byte CHUNK = (byte) 4;
    private static final byte CHUNK_END = (byte) 5;
    private static final byte TRAILER = (byte) 6;
    private static final byte DONE = (byte) 7;

    // where a line ends
    private static final byte AFTER_CR = (byte) 1;
    private static final byte AFTER_FIELD = (byte) 2;

    // fields that came, bits
    private static final byte SAW_LENGTH = (byte) 0x01;
    private static final byte SAW_CHUNKED = (byte) 0x02;
    private static final byte SAW_TYPE = (byte) 0x04;
    private static final byte SAW_URI = (byte) 0x08;
    private static final byte SAW_TARGET = (byte) 0x10;
    private static final byte SAW_PROTOCOL = (byte) 0x20;
    private static final byte SAW_RULES = (byte) 0x40;

    // RAM
    private static final short STATE = (short) 0;
    private static final short SEEN = (short) 1;
    private static final short RETURNED = (short) 2;
    private static final short FILES = (short) 3;
    private static final short TARGET = (short) 4;
    private static final short URI = (short) (TARGET + AID_MAX);
    private static final short LINE = (short) (URI + SessionStore.URI_MAX);
    private static final short RAM = (short) (LINE + LINE_MAX);

    // Shorts in RAM
    private static final short FILLED = (short) 0;
    private static final short HEADER = (short) 1;
    private static final short STATUS = (short) 2;
    private static final short LEFT = (short) 3;
    private static final short BODY_LENGTH = (short) 4;
    private static final short URI_LENGTH = (short) 5;
    private static final short TARGET_LENGTH = (short) 6;
    private static final short SHORTS = (short) 7;

    final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
    private final short[] at = JCSystem.makeTransientShortArray(SHORTS, JCSystem.CLEAR_ON_RESET);
    /** What is said beside a script. */
    final Rules rules = new Rules();

    private final byte[] body;

    /** @param body has room for BODY and BODY_MAX bytes */
    HttpAnswer(byte[] body) {
        this.body = body;
    }

    void begin() {
        Util.arrayFillNonAtomic(ram, (short) 0, RAM, (byte) 0);
        for (short i = (short) 0; i < SHORTS; i++) {
            at[i] = (short) 0;
        }
        at[LEFT] = NO_LENGTH;
        rules.clear();
    }

    boolean isDone() {
        return ram[STATE] == DONE;
    }

    boolean hasScript() {
        return at[STATUS] == STATUS_OK;
    }

    boolean isForFiles() {
        return ram[FILES] != 0;
    }

    short bodyLength() {
        return at[BODY_LENGTH];
    }

    /** Offset in {@link #ram}. */
    short uri() {
        return URI;
    }

    /** 0 when the session ends with this answer. */
    short uriLength() {
        return at[URI_LENGTH];
    }

    /** Offset in {@link #ram} of the AID that the script is for. */
    short target() {
        return TARGET;
    }

    /** 0 when it is for the domain that holds the key. */
    short targetLength() {
        return at[TARGET_LENGTH];
    }

    /** Takes bytes of the answer; none may come behind its end. */
    void take(byte[] data, short offset, short length) {
        short end = (short) (offset + length);
        short next = offset;
        while (next < end) {
            if (ram[STATE] == DONE) {
                Fault.protocol();
            }
            if (ram[STATE] == WHOLE_BODY || ram[STATE] == CHUNK) {
                short part = (short) (end - next);
                part = part > at[LEFT] ? at[LEFT] : part;
                keep(data, next, part);
                next = (short) (next + part);
            } else {
                character(data[next]);
                next++;
            }
        }
    }

    private void keep(byte[] data, short offset, short length) {
        if (length > (short) (BODY_MAX - at[BODY_LENGTH])) {
            Fault.protocol();
        }
        Util.arrayCopyNonAtomic(data, offset, body, (short) (BODY + at[BODY_LENGTH]), length);
        at[BODY_LENGTH] = (short) (at[BODY_LENGTH] + length);
        at[LEFT] = (short) (at[LEFT] - length);
        if (at[LEFT] == 0) {
            ram[STATE] = ram[STATE] == CHUNK ? CHUNK_END : DONE;
        }
    }

    /**
     * A line ends with LF, before which CR may stand, and a field goes on in the next line where that begins with a
     * space (RFC 9112 2.2, 5.2); nothing else that is not printable stands in it.
     */
    private void character(byte value) {
        at[HEADER]++;
        byte before = ram[RETURNED];
        if (at[HEADER] > FIELDS_MAX || before == AFTER_CR && value != '\n') {
            Fault.protocol();
        }
        ram[RETURNED] = (byte) 0;
        if (before == AFTER_FIELD && value != ' ' && value != '\t') {
            line();
        }
        if (value == '\n') {
            if (ram[STATE] == FIELD && at[FILLED] != 0) {
                ram[RETURNED] = AFTER_FIELD;
            } else {
                line();
            }
        } else if (value == '\r') {
            ram[RETURNED] = AFTER_CR;
        } else if (ram[STATE] != CHUNK_END && (value >= 0x20 && value != 0x7F || value == '\t')) {
            if (at[FILLED] < LINE_MAX) {
                ram[(short) (LINE + at[FILLED])] = value;
            }
            at[FILLED]++;
        } else {
            Fault.protocol();
        }
    }

    private void line() {
        switch (ram[STATE]) {
            case STATUS_LINE:
                statusLine();
                ram[STATE] = FIELD;
                break;
            case FIELD:
                if (at[FILLED] == 0) {
                    fieldsEnd();
                } else {
                    field();
                }
                break;
            case CHUNK_SIZE:
                at[LEFT] = chunkSize();
                ram[STATE] = at[LEFT] == 0 ? TRAILER : CHUNK;
                break;
            case CHUNK_END:
                ram[STATE] = CHUNK_SIZE;
                break;
            default:
                if (at[FILLED] == 0) {
                    ram[STATE] = DONE;
                }
        }
        at[FILLED] = (short) 0;
    }

    /** {@code HTTP/1.1 sss text}. */
    private void statusLine() {
        short digits = (short) (LINE + Text.HTTP.length);
        if (at[FILLED] < (short) (Text.HTTP.length + 3)
                || Util.arrayCompare(ram, LINE, Text.HTTP, (short) 0, (short) Text.HTTP.length) != 0) {
            Fault.protocol();
        }
        at[STATUS] = number(digits, (short) (digits + 3), (short) 10);
        if (at[STATUS] > STATUS_OK && at[STATUS] != STATUS_EMPTY) {
            Fault.protocol();
        }
    }

    /** Digits from here to there; PROTOCOL for none, for more than four behind zeros, and for other characters. */
    private short number(short from, short to, short base) {
        if (from == to) {
            Fault.protocol();
        }
        short value = (short) 0;
        for (short i = from; i < to; i++) {
            byte digit = (byte) (ram[i] - '0');
            if (base == 16 && digit > 9) {
                digit = (byte) ((ram[i] | 0x20) - 'a' + 10);
                digit = digit < 10 ? (byte) -1 : digit;
            }
            if (digit < 0 || digit >= base || value > 999) {
                Fault.protocol();
            }
            value = (short) (value * base + digit);
        }
        return value;
    }

    /** Up to four hexadecimal digits; what an extension says behind them is passed over. */
    private short chunkSize() {
        short end = LINE;
        short last = (short) (LINE + (at[FILLED] > LINE_MAX ? LINE_MAX : at[FILLED]));
        while (end < last && ram[end] != ';' && ram[end] != ' ' && ram[end] != '\t') {
            end++;
        }
        return number(LINE, end, (short) 16);
    }

    private void field() {
        if (is(Text.CONTENT_LENGTH)) {
            short from = value(Text.CONTENT_LENGTH, SAW_LENGTH);
            at[LEFT] = number(from, valueEnd(), (short) 10);
        } else if (is(Text.TRANSFER_ENCODING)) {
            if (!equals(value(Text.TRANSFER_ENCODING, SAW_CHUNKED), Text.CHUNKED)) {
                Fault.protocol();
            }
        } else if (is(Text.CONTENT_TYPE)) {
            short from = value(Text.CONTENT_TYPE, SAW_TYPE);
            ram[FILES] = equals(from, Text.FILES_COMMANDS) ? (byte) 1 : (byte) 0;
            if (ram[FILES] == 0 && !equals(from, Text.CONTENT_COMMANDS)) {
                Fault.protocol();
            }
        } else if (is(Text.NEXT_URI)) {
            uriField(value(Text.NEXT_URI, SAW_URI));
        } else if (is(Text.TARGET)) {
            targetField(value(Text.TARGET, SAW_TARGET));
        } else if (is(Text.GOES_ON)) {
            short from = value(Text.GOES_ON, SAW_RULES);
            rules.take(ram, from, (short) (valueEnd() - from));
        } else if (is(Text.PROTOCOL) && !equals(value(Text.PROTOCOL, SAW_PROTOCOL), Text.PROTOCOL_VALUE)) {
            Fault.protocol();
        }
    }

    private boolean is(byte[] name) {
        if (at[FILLED] < (short) name.length) {
            return false;
        }
        for (short i = (short) 0; i < (short) name.length; i++) {
            if (small(ram[(short) (LINE + i)]) != name[i]) {
                return false;
            }
        }
        return true;
    }

    private static byte small(byte letter) {
        return letter >= 'A' && letter <= 'Z' ? (byte) (letter | 0x20) : letter;
    }

    /** Where the value begins. A field of the protocol comes once, and whole. */
    private short value(byte[] name, byte saw) {
        if ((ram[SEEN] & saw) != 0 || at[FILLED] > LINE_MAX) {
            Fault.protocol();
        }
        ram[SEEN] |= saw;
        short from = (short) (LINE + name.length);
        while (from < valueEnd() && (ram[from] == ' ' || ram[from] == '\t')) {
            from++;
        }
        return from;
    }

    /** Behind the value, which spaces may follow. */
    private short valueEnd() {
        short end = (short) (LINE + at[FILLED]);
        while (end > LINE && (ram[(short) (end - 1)] == ' ' || ram[(short) (end - 1)] == '\t')) {
            end--;
        }
        return end;
    }

    /** As media types are compared: in small letters, and spaces do not count. */
    private boolean equals(short from, byte[] text) {
        short found = (short) 0;
        for (short i = from; i < valueEnd(); i++) {
            if (ram[i] == ' ') {
                continue;
            }
            if (found == (short) text.length || small(ram[i]) != text[found]) {
                return false;
            }
            found++;
        }
        return found == (short) text.length;
    }

    private void uriField(short from) {
        short length = (short) (valueEnd() - from);
        if (length < 1 || length > SessionStore.URI_MAX || ram[from] != '/') {
            Fault.protocol();
        }
        for (short i = from; i < valueEnd(); i++) {
            if (ram[i] <= ' ') {
                Fault.protocol();
            }
        }
        Util.arrayCopyNonAtomic(ram, from, ram, URI, length);
        at[URI_LENGTH] = length;
    }

    /** {@code //aid/RID/PIX} in hexadecimal. */
    private void targetField(short from) {
        short start = (short) Text.TARGET_START.length;
        short rid = (short) (from + start);
        short length = (short) (valueEnd() - rid - 1);
        boolean formed = length >= 10
                && length <= (short) (2 * AID_MAX)
                && (short) (length & 1) == 0
                && Util.arrayCompare(ram, from, Text.TARGET_START, (short) 0, start) == 0
                && ram[(short) (rid + 10)] == '/';
        if (!formed) {
            Fault.protocol();
        }
        // without the slash the digits stand together
        Util.arrayCopyNonAtomic(ram, (short) (rid + 11), ram, (short) (rid + 10), (short) (length - 10));
        at[TARGET_LENGTH] = (short) (length >> 1);
        for (short i = (short) 0; i < at[TARGET_LENGTH]; i++) {
            short digits = (short) (rid + 2 * i);
            ram[(short) (TARGET + i)] = (byte) number(digits, (short) (digits + 2), (short) 16);
        }
    }

    /** What a body needs. */
    private void fieldsEnd() {
        if (at[STATUS] < STATUS_OK) {
            begin();
            return;
        }
        if (at[STATUS] == STATUS_EMPTY) {
            ram[STATE] = DONE;
            return;
        }
        byte framing = (byte) (ram[SEEN] & (SAW_LENGTH | SAW_CHUNKED));
        // one of them: two are how bodies are smuggled
        if ((ram[SEEN] & SAW_TYPE) == 0 || framing != SAW_LENGTH && framing != SAW_CHUNKED) {
            Fault.protocol();
        }
        if (framing == SAW_CHUNKED) {
            ram[STATE] = CHUNK_SIZE;
        } else if (at[LEFT] == 0 || at[LEFT] > BODY_MAX) {
            Fault.protocol();
        } else {
            ram[STATE] = WHOLE_BODY;
        }
    }
}
