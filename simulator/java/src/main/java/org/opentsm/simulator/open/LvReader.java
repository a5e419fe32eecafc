// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Arrays;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/** Reads length-value fields of a command, and never past its end: everything out of form is 6A80. */
final class LvReader {

    private static final int AID_MIN = 5;
    private static final int AID_MAX = 16;
    /** GPCS 2.3.1 11.1.5: fields marked so may code a length of 128 as this one byte. */
    private static final int PLAIN_128 = 0x80;

    private final byte[] buffer;
    private final int end;
    private int at;

    LvReader(byte[] buffer, int offset, int length) {
        this.buffer = buffer;
        this.at = offset;
        this.end = offset + length;
    }

    boolean atEnd() {
        return at == end;
    }

    int position() {
        return at;
    }

    int unsigned() {
        if (at >= end) {
            throw malformed();
        }
        return buffer[at++] & 0xFF;
    }

    /** A field with a length of one byte, 80 for 128, 81 xx or 82 xxxx. */
    byte[] next() {
        int length = unsigned();
        if (length == 0x81) {
            length = unsigned();
        } else if (length == 0x82) {
            length = unsigned() << 8 | unsigned();
        } else if (length > PLAIN_128) {
            throw malformed();
        }
        return take(length);
    }

    /** Value of a data object, whose length may have three bytes too (GPCS 2.3.1 11.1.5): a load file's. */
    byte[] value() {
        if (at < end && buffer[at] == (byte) 0x83) {
            at++;
            return take(unsigned() << 16 | unsigned() << 8 | unsigned());
        }
        return next();
    }

    /** An AID, or null where the field is empty. */
    AID aidOrNull() {
        byte[] value = next();
        if (value.length == 0) {
            return null;
        }
        if (value.length < AID_MIN || value.length > AID_MAX) {
            throw malformed();
        }
        return Aids.aid(value);
    }

    AID aid() {
        AID aid = aidOrNull();
        if (aid == null) {
            throw malformed();
        }
        return aid;
    }

    /** The token, which ends the command; hosts that have none leave its length out too. */
    byte[] token() {
        return atEnd() ? new byte[0] : next();
    }

    void empty() {
        if (next().length != 0) {
            throw malformed();
        }
    }

    void end() {
        if (at != end) {
            throw malformed();
        }
    }

    private byte[] take(int length) {
        if (end - at < length) {
            throw malformed();
        }
        at += length;
        return Arrays.copyOfRange(buffer, at - length, at);
    }

    static ISOException malformed() {
        return new ISOException(ISO7816.SW_WRONG_DATA);
    }
}
