// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacardx.crypto.Cipher;

/** Data groupings of STORE DATA, {@code id 2, length 1 or FF xxxx, data} (GPCS 11.11.2.3); past the end is 6A80. */
final class Dgi {

    /** BER-TLV objects. */
    static final short OBJECTS = (short) 0x0070;
    /** Templates B9 of the keys that follow. */
    static final short KEY_TEMPLATES = (short) 0x00B9;

    static final short SECRET_KEY = (short) 0x8113;

    private static final short HEAD = (short) 3;
    private static final short LONG_HEAD = (short) 5;
    private static final byte LONG = (byte) 0xFF;

    private Dgi() {}

    static short id(byte[] buffer, short at, short end) {
        Tlv.require((short) (end - at) >= HEAD);
        return Util.getShort(buffer, at);
    }

    static short value(byte[] buffer, short at, short end) {
        Tlv.require((short) (end - at) >= HEAD);
        short value = (short) (at + (buffer[(short) (at + 2)] == LONG ? LONG_HEAD : HEAD));
        Tlv.require(value <= end);
        return value;
    }

    static short length(byte[] buffer, short at, short end) {
        short value = value(buffer, at, end);
        short length = (short) (value - at) == LONG_HEAD
                ? Util.getShort(buffer, (short) (at + HEAD))
                : (short) (buffer[(short) (at + 2)] & 0xFF);
        Tlv.require(length >= 0 && length <= (short) (end - value));
        return length;
    }

    static short next(byte[] buffer, short at, short end) {
        return (short) (value(buffer, at, end) + length(buffer, at, end));
    }

    /** Offset of the one grouping with this id, or NONE; all of them must be well formed. */
    static short find(byte[] buffer, short offset, short end, short id) {
        short found = Tlv.NONE;
        for (short at = offset; at < end; at = next(buffer, at, end)) {
            if (id(buffer, at, end) == id) {
                Tlv.require(found == Tlv.NONE);
                found = at;
            }
        }
        return found;
    }

    /** Opens the keys among the groupings under the session's data encryption key, in place. */
    static void open(SecureChannel channel, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        for (short at = offset; at < end; at = next(buffer, at, end)) {
            if (id(buffer, at, end) == SECRET_KEY) {
                channel.cryptKey(Cipher.MODE_DECRYPT, buffer, value(buffer, at, end), length(buffer, at, end));
            }
        }
    }
}
