// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.RandomData;

/**
 * The client's handshake of TLS 1.2 with a pre-shared key (RFC 5246 7.4, RFC 4279 2, RFC 5487): PSK with
 * AES-128-CBC-SHA256 or NULL-SHA256, no session resumed, fragments of 512 bytes asked for (RFC 6066 4).
 */
final class Tls {

    /** Suites that may be offered, bits of a set. */
    static final byte WITH_AES = (byte) 1;

    static final byte WITH_NULL = (byte) 2;

    /** Longest handshake message that is taken. */
    static final short MESSAGE_MAX = (short) 512;

    // where the handshake stands: what is waited for
    private static final byte CLOSED = (byte) 0;
    private static final byte SERVER_HELLO = (byte) 1;
    private static final byte SERVER_HELLO_DONE = (byte) 2;
    private static final byte CHANGE = (byte) 3;
    private static final byte SERVER_FINISHED = (byte) 4;
    private static final byte OPEN = (byte) 5;

    private static final byte TYPE_HELLO_REQUEST = (byte) 0;
    private static final byte TYPE_CLIENT_HELLO = (byte) 1;
    private static final byte TYPE_SERVER_HELLO = (byte) 2;
    private static final byte TYPE_SERVER_KEY_EXCHANGE = (byte) 12;
    private static final byte TYPE_SERVER_HELLO_DONE = (byte) 14;
    private static final byte TYPE_CLIENT_KEY_EXCHANGE = (byte) 16;
    private static final byte TYPE_FINISHED = (byte) 20;

    private static final short VERSION = (short) 0x0303;
    private static final short SUITE_AES = (short) 0x00AE;
    private static final short SUITE_NULL = (short) 0x00B0;
    /** Says that renegotiation would be a secure one (RFC 5746 3.3); there is none. */
    private static final short SUITE_RENEGOTIATION = (short) 0x00FF;

    private static final short EXTENSION_FRAGMENT = (short) 0x0001;
    private static final short EXTENSION_RENEGOTIATION = (short) 0xFF01;
    private static final byte FRAGMENT_512 = (byte) 1;

    private static final short RANDOM = (short) 32;
    private static final short MASTER = (short) 48;
    private static final short VERIFY = (short) 12;
    private static final short HEAD = (short) 4;

    // RAM
    private static final short STATE = (short) 0;
    private static final short OFFERED = (short) 1;
    private static final short CHOSEN = (short) 2;
    private static final short EXCHANGED = (short) 3;
    private static final short CLIENT_RANDOM = (short) 4;
    private static final short SERVER_RANDOM = (short) (CLIENT_RANDOM + RANDOM);
    /** A second time, so that both orders of the two stand together. */
    private static final short CLIENT_AGAIN = (short) (SERVER_RANDOM + RANDOM);

    private static final short SECRET = (short) (CLIENT_AGAIN + RANDOM);
    private static final short SUM = (short) (SECRET + MASTER);
    private static final short FINISHED = (short) (SUM + Hmac.LENGTH);
    private static final short RAM = (short) (FINISHED + HEAD + VERIFY);

    private final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
    /** Bytes of handshake messages that have come. */
    private final short[] heard = JCSystem.makeTransientShortArray((short) 1, JCSystem.CLEAR_ON_RESET);
    /** Room of the agent's for messages of the handshake, {@link #MESSAGE_MAX} bytes at least. */
    private final byte[] messages;
    /** Room of the agent's for what is sent, and for the secrets on their way. */
    private final byte[] work;

    private final Records records;
    private final Transcript transcript = new Transcript();
    private final Prf prf;
    private final PreSharedKey key;
    private final RandomData random;

    Tls(byte[] messages, byte[] work, Records records, Hmac hmac, PreSharedKey key, RandomData random) {
        this.messages = messages;
        this.work = work;
        this.records = records;
        this.key = key;
        this.random = random;
        prf = new Prf(hmac);
    }

    boolean isOpen() {
        return ram[STATE] == OPEN;
    }

    /** Ends whatever there was; no secret of it stays. */
    void reset() {
        Util.arrayFillNonAtomic(ram, (short) 0, RAM, (byte) 0);
        heard[0] = (short) 0;
        records.reset();
    }

    /** Sends ClientHello. @param suites what is offered. Throws LINK */
    void begin(byte suites) {
        reset();
        ram[STATE] = SERVER_HELLO;
        ram[OFFERED] = suites;
        random.generateData(ram, CLIENT_RANDOM, RANDOM);
        Util.arrayCopyNonAtomic(ram, CLIENT_RANDOM, ram, CLIENT_AGAIN, RANDOM);
        short next = Util.setShort(work, HEAD, VERSION);
        next = Util.arrayCopyNonAtomic(ram, CLIENT_RANDOM, work, next, RANDOM);
        work[next++] = (byte) 0;
        short list = next;
        next = (short) (next + 2);
        if ((suites & WITH_AES) != 0) {
            next = Util.setShort(work, next, SUITE_AES);
        }
        if ((suites & WITH_NULL) != 0) {
            next = Util.setShort(work, next, SUITE_NULL);
        }
        next = Util.setShort(work, next, SUITE_RENEGOTIATION);
        Util.setShort(work, list, (short) (next - list - 2));
        // one compression method, none
        next = Util.setShort(work, next, (short) 0x0100);
        next = Util.setShort(work, next, (short) 5);
        next = Util.setShort(work, next, EXTENSION_FRAGMENT);
        next = Util.setShort(work, next, (short) 1);
        work[next++] = FRAGMENT_512;
        transcript.begin();
        records.begin(Records.HANDSHAKE);
        say(TYPE_CLIENT_HELLO, (short) (next - HEAD));
        records.flush();
    }

    /** Puts the head before a message's body at HEAD of {@link #work}, and writes it. */
    private void say(byte type, short length) {
        work[0] = type;
        work[1] = (byte) 0;
        Util.setShort(work, (short) 2, length);
        transcript.add(work, (short) 0, (short) (HEAD + length));
        records.write(work, (short) 0, (short) (HEAD + length));
    }

    /** Takes a record of the handshake or an alert. Throws TLS, TLS_TOLD, and LINK when the server says it closes. */
    void take() {
        switch (records.type()) {
            case Records.HANDSHAKE:
                takeMessages();
                break;
            case Records.CHANGE_CIPHER_SPEC:
                takeChange();
                break;
            case Records.ALERT:
                takeAlert();
                break;
            default:
                Fault.tls(Fault.UNEXPECTED_MESSAGE);
        }
    }

    private void takeAlert() {
        if (records.length() == 2 && records.bytes[records.offset()] == 1) {
            // a warning; close_notify is the only one that matters
            if (records.bytes[(short) (records.offset() + 1)] == 0) {
                Fault.link();
            }
            return;
        }
        Fault.tlsTold();
    }

    private void takeChange() {
        if (ram[STATE] != CHANGE || heard[0] != 0) {
            Fault.tls(Fault.UNEXPECTED_MESSAGE);
        }
        if (records.length() != 1 || records.bytes[records.offset()] != 1) {
            Fault.tls(Fault.DECODE_ERROR);
        }
        records.protectReads(ram[CHOSEN] == WITH_AES);
        ram[STATE] = SERVER_FINISHED;
    }

    /** Joins what records hold to messages; each is looked at when it is whole. */
    private void takeMessages() {
        short from = records.offset();
        short left = records.length();
        if (ram[STATE] == OPEN && left == HEAD && records.bytes[from] == TYPE_HELLO_REQUEST) {
            // nobody has to begin anew because the server would like to (RFC 5246 7.4.1.1)
            return;
        }
        while (left > 0) {
            if (ram[STATE] == CLOSED || ram[STATE] == CHANGE || ram[STATE] == OPEN) {
                Fault.tls(Fault.UNEXPECTED_MESSAGE);
            }
            short wanted = (short) (wanted() - heard[0]);
            short part = wanted > left ? left : wanted;
            Util.arrayCopyNonAtomic(records.bytes, from, messages, heard[0], part);
            heard[0] = (short) (heard[0] + part);
            from = (short) (from + part);
            left = (short) (left - part);
            if (heard[0] >= HEAD && heard[0] == wanted()) {
                heard[0] = (short) 0;
                short length = Util.getShort(messages, (short) 2);
                if (left > 0 && messages[0] == TYPE_SERVER_HELLO_DONE) {
                    Fault.tls(Fault.UNEXPECTED_MESSAGE);
                }
                message(messages[0], length);
            }
        }
    }

    /** Bytes that the message at hand has to have: its head, or all of it once that is there. */
    private short wanted() {
        if (heard[0] < HEAD) {
            return HEAD;
        }
        short length = Util.getShort(messages, (short) 2);
        if (messages[1] != 0 || length < 0 || length > (short) (MESSAGE_MAX - HEAD)) {
            Fault.tls(Fault.DECODE_ERROR);
        }
        return (short) (HEAD + length);
    }

    private void message(byte type, short length) {
        if (ram[STATE] == SERVER_FINISHED) {
            takeFinished(type, length);
            return;
        }
        transcript.add(messages, (short) 0, (short) (HEAD + length));
        if (ram[STATE] == SERVER_HELLO && type == TYPE_SERVER_HELLO) {
            takeHello(length);
            ram[STATE] = SERVER_HELLO_DONE;
        } else if (ram[STATE] == SERVER_HELLO_DONE && type == TYPE_SERVER_KEY_EXCHANGE && ram[EXCHANGED] == 0) {
            // a hint which key to use: it is known already
            if (length < 2 || Util.getShort(messages, HEAD) != (short) (length - 2)) {
                Fault.tls(Fault.DECODE_ERROR);
            }
            ram[EXCHANGED] = (byte) 1;
        } else if (ram[STATE] == SERVER_HELLO_DONE && type == TYPE_SERVER_HELLO_DONE) {
            if (length != 0) {
                Fault.tls(Fault.DECODE_ERROR);
            }
            answer();
            ram[STATE] = CHANGE;
        } else {
            Fault.tls(Fault.UNEXPECTED_MESSAGE);
        }
    }

    /** {@code version(2) random(32) L session suite(2) compression [L(2) extensions]}. */
    private void takeHello(short length) {
        short end = (short) (HEAD + length);
        short next = (short) (HEAD + 2 + RANDOM);
        if (length < (short) (2 + RANDOM + 1)) {
            Fault.tls(Fault.DECODE_ERROR);
        }
        if (Util.getShort(messages, HEAD) != VERSION) {
            Fault.tls(Fault.PROTOCOL_VERSION);
        }
        Util.arrayCopyNonAtomic(messages, (short) (HEAD + 2), ram, SERVER_RANDOM, RANDOM);
        short session = (short) (messages[next] & 0xFF);
        next = (short) (next + 1 + session);
        if (session > RANDOM || (short) (end - next) < 3) {
            Fault.tls(Fault.DECODE_ERROR);
        }
        short suite = Util.getShort(messages, next);
        byte chosen = suite == SUITE_AES ? WITH_AES : (suite == SUITE_NULL ? WITH_NULL : (byte) 0);
        if ((chosen & ram[OFFERED]) == 0 || messages[(short) (next + 2)] != 0) {
            Fault.tls(Fault.ILLEGAL_PARAMETER);
        }
        ram[CHOSEN] = chosen;
        next = (short) (next + 3);
        if (next != end) {
            takeExtensions(next, end);
        }
    }

    /** Only what was asked for may be there, each once, with the value that was asked for. */
    private void takeExtensions(short offset, short end) {
        short next = (short) (offset + 2);
        if ((short) (end - offset) < 2 || Util.getShort(messages, offset) != (short) (end - next)) {
            Fault.tls(Fault.DECODE_ERROR);
        }
        byte seen = (byte) 0;
        while (next != end) {
            if ((short) (end - next) < 5 || Util.getShort(messages, (short) (next + 2)) != 1) {
                boolean known = (short) (end - next) >= 2 && isKnown(Util.getShort(messages, next));
                Fault.tls(known ? Fault.DECODE_ERROR : Fault.UNSUPPORTED_EXTENSION);
            }
            short type = Util.getShort(messages, next);
            byte bit = type == EXTENSION_FRAGMENT ? (byte) 1 : (byte) 2;
            if (!isKnown(type) || (seen & bit) != 0) {
                Fault.tls(Fault.UNSUPPORTED_EXTENSION);
            }
            if (messages[(short) (next + 4)] != (type == EXTENSION_FRAGMENT ? FRAGMENT_512 : (byte) 0)) {
                Fault.tls(Fault.ILLEGAL_PARAMETER);
            }
            seen |= bit;
            next = (short) (next + 5);
        }
    }

    private static boolean isKnown(short extension) {
        return extension == EXTENSION_FRAGMENT || extension == EXTENSION_RENEGOTIATION;
    }

    /** ClientKeyExchange, ChangeCipherSpec, Finished, and the keys of the session. */
    private void answer() {
        short identity = key.identity(work, (short) (HEAD + 2));
        Util.setShort(work, HEAD, identity);
        records.begin(Records.HANDSHAKE);
        say(TYPE_CLIENT_KEY_EXCHANGE, (short) (2 + identity));
        records.flush();
        makeKeys();
        work[0] = (byte) 1;
        records.begin(Records.CHANGE_CIPHER_SPEC);
        records.write(work, (short) 0, (short) 1);
        records.flush();
        records.protectWrites(ram[CHOSEN] == WITH_AES);
        transcript.endFirst(ram, SUM);
        finished(Prf.CLIENT_FINISHED, work);
        records.begin(Records.HANDSHAKE);
        say(TYPE_FINISHED, VERIFY);
        records.flush();
    }

    private void makeKeys() {
        try {
            short premaster = key.premaster(work, (short) 0);
            if (premaster == 0) {
                Fault.tls(Fault.INTERNAL_ERROR);
            }
            prf.expand(
                    work,
                    (short) 0,
                    premaster,
                    Prf.MASTER_SECRET,
                    ram,
                    CLIENT_RANDOM,
                    (short) (2 * RANDOM),
                    ram,
                    SECRET,
                    MASTER);
            boolean enciphers = ram[CHOSEN] == WITH_AES;
            short block = (short) (2 * Hmac.LENGTH + (enciphers ? 2 * Records.KEY_LENGTH : 0));
            prf.expand(
                    ram,
                    SECRET,
                    MASTER,
                    Prf.KEY_EXPANSION,
                    ram,
                    SERVER_RANDOM,
                    (short) (2 * RANDOM),
                    work,
                    (short) 0,
                    block);
            records.keys(work, (short) 0, enciphers);
        } finally {
            Util.arrayFillNonAtomic(work, (short) 0, PreSharedKey.PREMASTER_MAX, (byte) 0);
        }
    }

    /** Writes verify_data behind the head of a message in {@code out}. */
    private void finished(byte[] label, byte[] out) {
        prf.expand(ram, SECRET, MASTER, label, ram, SUM, Hmac.LENGTH, out, out == ram ? FINISHED : HEAD, VERIFY);
    }

    private void takeFinished(byte type, short length) {
        if (type != TYPE_FINISHED) {
            Fault.tls(Fault.UNEXPECTED_MESSAGE);
        }
        if (length != VERIFY) {
            Fault.tls(Fault.DECODE_ERROR);
        }
        transcript.endSecond(ram, SUM);
        finished(Prf.SERVER_FINISHED, ram);
        byte difference = (byte) 0;
        for (short i = (short) 0; i < VERIFY; i++) {
            difference |= (byte) (ram[(short) (FINISHED + i)] ^ messages[(short) (HEAD + i)]);
        }
        // the keys are made: what made them goes
        Util.arrayFillNonAtomic(ram, CLIENT_RANDOM, (short) (RAM - CLIENT_RANDOM), (byte) 0);
        if (difference != 0) {
            Fault.tls(Fault.DECRYPT_ERROR);
        }
        ram[STATE] = OPEN;
    }

    /** Says why it ends, 0 for no reason but its end. Throws LINK. */
    void alert(byte description) {
        records.begin(Records.ALERT);
        work[0] = description == 0 ? (byte) 1 : (byte) 2;
        work[1] = description;
        records.write(work, (short) 0, (short) 2);
        records.flush();
    }
}
