// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;

/** Writes a POST of remote administration (Amendment B 4.4.2), all of it in as few records as it takes. */
final class Post {

    private static final short DIGITS = (short) 4;
    /** Of {@link Text#END}, which has two. */
    private static final short LINE_END = (short) 2;

    private final byte[] digits = JCSystem.makeTransientByteArray(DIGITS, JCSystem.CLEAR_ON_RESET);
    private final Records records;
    private final SessionStore store;

    Post(Records records, SessionStore store) {
        this.records = records;
        this.store = store;
    }

    /** Up to the fields that only some POSTs have. */
    void begin() {
        records.begin(Records.APPLICATION_DATA);
        write(Text.POST);
        stored(store.uri());
        write(Text.HTTP_AND_HOST);
        stored(store.host());
        write(Text.PROTOCOL_LINE);
        write(Text.PROTOCOL_VALUE);
        write(Text.FROM_LINE);
        if (store.bytes[store.agent()] == 0) {
            write(Text.AGENT_NAME);
        } else {
            stored(store.agent());
        }
    }

    void resume() {
        write(Text.RESUME_LINE);
    }

    void status(byte[] status) {
        write(Text.STATUS_LINE);
        write(status);
    }

    void type(byte[] type) {
        write(Text.TYPE_LINE);
        write(type);
    }

    /** Ends the fields, and sends the body. Throws LINK. */
    void send(byte[] body, short offset, short length) {
        write(Text.LENGTH_LINE);
        number(length);
        write(Text.END);
        records.write(body, offset, length);
        records.flush();
    }

    /** Ends the fields of a POST whose length is not known yet. */
    void chunked() {
        write(Text.CHUNKED_LINE);
        write(Text.END);
    }

    /** Adds a part of the body, of four hexadecimal digits' length; none of no bytes, which would be the last. */
    void chunk(byte[] body, short offset, short length) {
        if (length == 0) {
            return;
        }
        for (short i = (short) 0; i < DIGITS; i++) {
            byte digit = (byte) (length >> (short) (12 - 4 * i) & 0x0F);
            digits[i] = (byte) (digit < 10 ? '0' + digit : 'A' - 10 + digit);
        }
        records.write(digits, (short) 0, DIGITS);
        records.write(Text.END, (short) 0, LINE_END);
        records.write(body, offset, length);
        records.write(Text.END, (short) 0, LINE_END);
    }

    /** Ends a body in chunks. Throws LINK. */
    void lastChunk() {
        digits[0] = (byte) '0';
        records.write(digits, (short) 0, (short) 1);
        write(Text.END);
        records.flush();
    }

    private void write(byte[] text) {
        records.write(text, (short) 0, (short) text.length);
    }

    private void stored(short place) {
        records.write(store.bytes, (short) (place + 1), (short) (store.bytes[place] & 0xFF));
    }

    private void number(short value) {
        short left = value;
        short from = DIGITS;
        do {
            from--;
            digits[from] = (byte) ('0' + left % 10);
            left = (short) (left / 10);
        } while (left > 0);
        records.write(digits, from, (short) (DIGITS - from));
    }
}
