// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Runs a script of commands and writes the response, in compact or expanded format, definite or indefinite (ETSI TS 102
 * 226 5.1, 5.2). It stops behind the first status word that is neither 9000 nor a plain success of a file command.
 */
public final class Script {

    /** Bytes that the response may be written beyond its limit, before it is known to be too long. */
    public static final short SLACK = (short) 280;

    private static final byte TAG_DEFINITE = (byte) 0xAA;
    private static final byte TAG_INDEFINITE = (byte) 0xAE;
    private static final byte TAG_DEFINITE_ANSWER = (byte) 0xAB;
    private static final byte TAG_INDEFINITE_ANSWER = (byte) 0xAF;
    private static final byte INDEFINITE = (byte) 0x80;
    private static final byte TAG_COMMAND = (byte) 0x22;
    private static final byte TAG_RESPONSE = (byte) 0x23;
    private static final byte TAG_COUNT = (byte) 0x80;
    private static final byte TAG_IMMEDIATE = (byte) 0x81;
    private static final byte TAG_ERROR_ACTION = (byte) 0x82;
    private static final byte TAG_CHAINING = (byte) 0x83;
    private static final byte TAG_BAD_FORMAT = (byte) 0x90;
    /** Some stacks set this bit in the tags of commands. */
    private static final byte CONSTRUCTED = (byte) 0x80;

    private static final byte UNKNOWN_TAG = (byte) 1;
    private static final byte WRONG_LENGTH = (byte) 2;
    private static final byte LENGTH_MISSING = (byte) 3;
    private static final byte SUSPENSION_ERROR = (byte) 1;

    private static final byte FIRST = (byte) 0x01;
    private static final byte MORE_FOLLOW = (byte) 0x02;
    private static final byte LAST = (byte) 0x03;
    private static final byte NO_PREVIOUS = (byte) 1;
    private static final byte NOT_SUPPORTED = (byte) 2;

    private static final byte INS_GET_RESPONSE = (byte) 0xC0;
    private static final short GET_RESPONSE_LENGTH = (short) 5;
    private static final short SW_OK = (short) 0x9000;
    private static final short SW_TRUNCATED = (short) 0x62F1;
    /** {@code AB 82 LL LL 80 01 n}. */
    private static final short HEAD = (short) 7;
    /** {@code 23 82 LL LL}. */
    private static final short ITEM_HEAD = (short) 4;

    /** Pieces of one response, of 256 bytes each. */
    private static final byte MOST_PIECES = (byte) 16;

    /** Behind the byte that is overwritten when it is run. */
    private static final short GET_RESPONSE = (short) 1;

    private static final short RAM = (short) (GET_RESPONSE + GET_RESPONSE_LENGTH);

    // Shorts in RAM: end of the command TLVs, limit of the response, where it is written
    private static final short IN_END = (short) 0;
    private static final short LIMIT = (short) 1;
    private static final short OUT = (short) 2;

    private final RemoteLink link;
    private final Chains chains;
    private final byte[] ram;
    private final short[] at;

    Script(RemoteLink link, Chains chains) {
        this.link = link;
        this.chains = chains;
        ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
        at = JCSystem.makeTransientShortArray((short) 3, JCSystem.CLEAR_ON_RESET);
    }

    /**
     * Runs {@code length} bytes of script at {@code offset}, before which one byte is free to be overwritten.
     *
     * @param out    where the response is written from {@code start} on, with {@link #SLACK} bytes behind {@code limit}
     * @return length of the response
     */
    public short run(byte[] in, short offset, short length, byte[] out, short start, short limit) {
        at[LIMIT] = limit;
        at[IN_END] = (short) (offset + length);
        if (length == 0) {
            return (short) 0;
        }
        if (in[offset] == TAG_DEFINITE || in[offset] == TAG_INDEFINITE) {
            return expanded(in, offset, out, start);
        }
        chains.close();
        return compact(in, offset, out, start);
    }

    // --- compact --------------------------------------------------------------------------------

    /** {@code count, SW, data} of the last command; one with data may be followed by GET RESPONSE. */
    private short compact(byte[] in, short offset, byte[] out, short start) {
        short command = offset;
        short answered = (short) 2;
        short data = (short) (start + 3);
        byte count = (byte) 0;
        short status = SW_OK;
        Util.setShort(out, data, SW_OK);
        while (command < at[IN_END]) {
            short left = (short) (at[IN_END] - command);
            short length = compactLength(in, command, left);
            if (length == 0) {
                status = (short) 0x6700;
                answered = (short) 2;
                count++;
                break;
            }
            boolean fetches = in[(short) (command + 1)] == INS_GET_RESPONSE && answered > 2;
            if (!fetches) {
                answered = link.run(in, command, length, out, data);
                status = Util.getShort(out, (short) (data + answered - 2));
            } else {
                short wanted = (short) (in[(short) (command + 4)] & 0xFF);
                short has = (short) (answered - 2);
                answered = (short) ((wanted == 0 || wanted > has ? has : wanted) + 2);
            }
            count++;
            if (!goesOn(status)) {
                break;
            }
            command = (short) (command + length);
        }
        out[start] = count;
        Util.setShort(out, (short) (start + 1), status);
        return (short) (1 + answered);
    }

    /** {@code CLA INS P1 P2 P3 [data]}: P3 is Lc where the data stands behind it, else Le. 0 when it is cut off. */
    private static short compactLength(byte[] in, short command, short left) {
        if (left <= 5) {
            return left >= 4 ? left : (short) 0;
        }
        short size = (short) (in[(short) (command + 4)] & 0xFF);
        if (!hasData(in[command], in[(short) (command + 1)])) {
            return (short) 5;
        }
        return (short) (5 + size) <= left ? (short) (5 + size) : (short) 0;
    }

    /** Instructions without command data: P3 is what they ask for (ISO 7816-4, TS 102 221 10.1.2, GPCS 11). */
    private static boolean hasData(byte cla, byte ins) {
        switch (ins) {
            case (byte) 0xB0:
            case (byte) 0xB2:
            case (byte) 0xC0:
            case (byte) 0xCA:
            case (byte) 0x84:
                return false;
            case (byte) 0xF2:
                // STATUS of a file with Lc 00 is as long; GET STATUS has a search
                return (byte) (cla & (byte) 0xF0) == (byte) 0x80;
            default:
                return true;
        }
    }

    private static boolean goesOn(short status) {
        byte first = (byte) (status >> 8);
        return status == SW_OK || first == (byte) 0x61 || first == (byte) 0x91 || first == (byte) 0x9F;
    }

    // --- expanded -------------------------------------------------------------------------------

    private short expanded(byte[] in, short offset, byte[] out, short start) {
        boolean indefinite = in[offset] == TAG_INDEFINITE;
        short body = (short) (start + HEAD);
        at[OUT] = body;
        short command = opened(in, offset, indefinite);
        byte count = (byte) 0;
        if (command < 0) {
            append(out, TAG_BAD_FORMAT, (byte) (-command));
        } else if (!chains(in, command, out)) {
            chains.close();
        } else {
            count = runAll(in, command, out);
        }
        return closed(out, start, count, indefinite);
    }

    /** Behind the template's header, with IN_END at the end of what is in it; or the bad format, negative. */
    private short opened(byte[] in, short offset, boolean indefinite) {
        short end = at[IN_END];
        if (indefinite) {
            boolean closes = (short) (end - offset) >= 4
                    && in[(short) (offset + 1)] == INDEFINITE
                    && in[(short) (end - 1)] == 0
                    && in[(short) (end - 2)] == 0;
            at[IN_END] = (short) (end - 2);
            return closes ? (short) (offset + 2) : (short) -LENGTH_MISSING;
        }
        short value = value(in, (short) (offset + 1));
        if (value < 0) {
            return (short) -LENGTH_MISSING;
        }
        return length(in, (short) (offset + 1)) == (short) (end - value) ? value : (short) -WRONG_LENGTH;
    }

    /** Offset of the value behind a length of one to three bytes; -1 when it is cut off. */
    private short value(byte[] in, short offset) {
        short left = (short) (at[IN_END] - offset);
        if (left < 1) {
            return (short) -1;
        }
        short bytes = in[offset] >= 0 ? (short) 1 : (short) ((in[offset] & 0x7F) + 1);
        return bytes > 3 || bytes == 1 && in[offset] < 0 || bytes > left ? (short) -1 : (short) (offset + bytes);
    }

    /** The length itself; {@link #value} has looked at its form. */
    private static short length(byte[] in, short offset) {
        if (in[offset] >= 0) {
            return in[offset];
        }
        return in[offset] == (byte) 0x81
                ? (short) (in[(short) (offset + 1)] & 0xFF)
                : Util.getShort(in, (short) (offset + 1));
    }

    /** Looks at the script chaining object, which comes first: false when this script cannot go on with one before. */
    private boolean chains(byte[] in, short command, byte[] out) {
        boolean chained =
                (short) (at[IN_END] - command) >= 3 && in[command] == TAG_CHAINING && in[(short) (command + 1)] == 1;
        if (!chained) {
            chains.close();
            return true;
        }
        switch (in[(short) (command + 2)]) {
            case FIRST:
                chains.open();
                return true;
            case MORE_FOLLOW:
            case LAST:
                if (!chains.isOpen()) {
                    append(out, TAG_CHAINING, NO_PREVIOUS);
                    return false;
                }
                if (in[(short) (command + 2)] == LAST) {
                    chains.close();
                }
                return true;
            default:
                // one that outlives a reset: what it leaves open does not
                append(out, TAG_CHAINING, NOT_SUPPORTED);
                return false;
        }
    }

    private byte runAll(byte[] in, short first, byte[] out) {
        byte count = (byte) 0;
        short command = first;
        while (command < at[IN_END]) {
            byte tag = in[command];
            short value = value(in, (short) (command + 1));
            short size = value < 0 ? (short) -1 : length(in, (short) (command + 1));
            if (size < 0 || size > (short) (at[IN_END] - value)) {
                append(out, TAG_BAD_FORMAT, value < 0 ? LENGTH_MISSING : WRONG_LENGTH);
                break;
            }
            command = (short) (value + size);
            if (tag == TAG_COMMAND || tag == (byte) (TAG_COMMAND | CONSTRUCTED)) {
                count++;
                if (!runOne(in, value, size, out)) {
                    break;
                }
            } else if (tag == TAG_IMMEDIATE) {
                count++;
                append(out, TAG_IMMEDIATE, SUSPENSION_ERROR);
                break;
            } else if (tag == TAG_ERROR_ACTION || tag == TAG_CHAINING && value == (short) (first + 2)) {
                count++;
            } else {
                append(out, TAG_BAD_FORMAT, UNKNOWN_TAG);
                break;
            }
        }
        return count;
    }

    /** Runs one command and writes its R-APDU, put together where it comes in pieces; false to stop. */
    private boolean runOne(byte[] in, short command, short length, byte[] out) {
        short data = (short) (at[OUT] + ITEM_HEAD);
        short answered = link.run(in, command, length, out, data);
        short status = Util.getShort(out, (short) (data + answered - 2));
        if (length == 5 && (byte) (status >> 8) == (byte) 0x6C) {
            in[(short) (command + 4)] = (byte) status;
            answered = link.run(in, command, length, out, data);
            status = Util.getShort(out, (short) (data + answered - 2));
        }
        for (byte pieces = 0; pieces < MOST_PIECES && goesOnWith(status, (short) (data + answered)); pieces++) {
            Util.arrayFillNonAtomic(ram, GET_RESPONSE, GET_RESPONSE_LENGTH, (byte) 0);
            ram[(short) (GET_RESPONSE + 1)] = INS_GET_RESPONSE;
            ram[(short) (GET_RESPONSE + 4)] = (byte) status;
            answered = (short) (answered - 2);
            answered = (short)
                    (answered + link.run(ram, GET_RESPONSE, GET_RESPONSE_LENGTH, out, (short) (data + answered)));
            status = Util.getShort(out, (short) (data + answered - 2));
        }
        if ((short) (data + answered) > at[LIMIT]) {
            at[OUT] = data;
            Util.setShort(out, (short) (at[OUT] - 2), SW_TRUNCATED);
            out[(short) (at[OUT] - 4)] = TAG_RESPONSE;
            out[(short) (at[OUT] - 3)] = (byte) 2;
            return false;
        }
        short value = header(out, at[OUT], TAG_RESPONSE, answered);
        Util.arrayCopyNonAtomic(out, data, out, value, answered);
        at[OUT] = (short) (value + answered);
        return goesOn(status);
    }

    private boolean goesOnWith(short status, short end) {
        return (byte) (status >> 8) == (byte) 0x61 && end <= at[LIMIT];
    }

    private void append(byte[] out, byte tag, byte value) {
        out[at[OUT]] = tag;
        out[(short) (at[OUT] + 1)] = (byte) 1;
        out[(short) (at[OUT] + 2)] = value;
        at[OUT] = (short) (at[OUT] + 3);
    }

    /** Writes tag and length; returns the offset behind. */
    private static short header(byte[] out, short offset, byte tag, short length) {
        out[offset] = tag;
        short next = (short) (offset + 1);
        if (length > 0xFF) {
            out[next] = (byte) 0x82;
            return Util.setShort(out, (short) (next + 1), length);
        }
        if (length > 0x7F) {
            out[next++] = (byte) 0x81;
        }
        out[next] = (byte) length;
        return (short) (next + 1);
    }

    /** Puts the template around the objects, which stand HEAD bytes behind its start. */
    private short closed(byte[] out, short start, byte count, boolean indefinite) {
        short body = (short) (start + HEAD);
        short size = (short) (at[OUT] - body);
        short next;
        if (indefinite) {
            out[start] = TAG_INDEFINITE_ANSWER;
            out[(short) (start + 1)] = INDEFINITE;
            next = (short) (start + 2);
        } else {
            next = header(out, start, TAG_DEFINITE_ANSWER, (short) (size + 3));
            out[next] = TAG_COUNT;
            out[(short) (next + 1)] = (byte) 1;
            out[(short) (next + 2)] = count;
            next = (short) (next + 3);
        }
        next = Util.arrayCopyNonAtomic(out, body, out, next, size);
        if (indefinite) {
            next = Util.setShort(out, next, (short) 0);
        }
        return (short) (next - start);
    }
}
