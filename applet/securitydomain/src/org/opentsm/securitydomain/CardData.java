// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/** Fixed data: card recognition data (GPCS H.2), the object directory (F.1.3.3), key information entries. */
final class CardData {

    // Below tag 73: 06 card recognition OID, 60 GP version 2.3.1, 63 identification IIN + CIN
    // spotless:off
    private static final byte[] RECOGNITION = {
        0x06, 0x07, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B,
        0x01, 0x60, 0x0C, 0x06, 0x0A, 0x2A, (byte) 0x86, 0x48,
        (byte) 0x86, (byte) 0xFC, 0x6B, 0x02, 0x02, 0x03, 0x01, 0x63,
        0x09, 0x06, 0x07, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC,
        0x6B, 0x03
    };
    // spotless:on
    // 64 SCP10 option 02, 64 SCP10 option 01
    private static final byte[] SCP10_OPTIONS = {
        0x64, 0x0B, 0x06, 0x09, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x04, 0x10, 0x02,
        0x64, 0x0B, 0x06, 0x09, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x04, 0x10, 0x01
    };
    // ISO 7816-15: [4] certificates, path of one data object 7F21
    private static final byte[] OBJECT_DIRECTORY = {(byte) 0xA4, 0x06, 0x30, 0x04, 0x04, 0x02, 0x7F, 0x21};
    // 9F65: a short APDU's 255 bytes
    private static final byte[] MAXIMUM_COMMAND_LENGTH = {(byte) 0x9F, 0x65, 0x01, (byte) 0xFF};

    // 0067: SCP10 options 02 and 01; SCP03 with its option and AES-128, -192, -256; SCP02 with its option
    private static final byte[] SCP10_CAPABILITIES = {
        (byte) 0xA0, 0x07, (byte) 0x80, 0x01, 0x10, (byte) 0x81, 0x02, 0x02, 0x01
    };
    private static final byte[] SCP03_CAPABILITIES = {
        (byte) 0xA0, 0x09, (byte) 0x80, 0x01, 0x03, (byte) 0x81, 0x01, 0x00, (byte) 0x82, 0x01, 0x07
    };
    private static final byte[] SCP02_CAPABILITIES = {
        (byte) 0xA0, 0x06, (byte) 0x80, 0x01, 0x02, (byte) 0x81, 0x01, 0x00
    };
    /** Place of the option in the last two. */
    private static final short OPTION = (short) 7;
    /** One entry 64 of the recognition data. */
    private static final short PROTOCOL_LENGTH = (short) 13;

    private CardData() {}

    /** Value of tag 67, the protocols a domain has (GPCS H.4); returns its length. */
    static short capabilities(byte[] out, short offset, boolean scp10, byte scp02, byte scp03) {
        short end = offset;
        if (scp10) {
            end = Util.arrayCopyNonAtomic(SCP10_CAPABILITIES, (short) 0, out, end, (short) SCP10_CAPABILITIES.length);
        }
        end = protocol(SCP03_CAPABILITIES, scp03, out, end);
        end = protocol(SCP02_CAPABILITIES, scp02, out, end);
        return (short) (end - offset);
    }

    private static short protocol(byte[] template, byte option, byte[] out, short offset) {
        if (option == Gp.NO_PROTOCOL) {
            return offset;
        }
        short end = Util.arrayCopyNonAtomic(template, (short) 0, out, offset, (short) template.length);
        out[(short) (offset + OPTION)] = option;
        return end;
    }

    /** Value of tag 73; an option is NO_PROTOCOL for a protocol that does not stand there. Returns its length. */
    static short recognition(byte[] out, short offset, boolean scp10, byte scp02, byte scp03) {
        short end = Util.arrayCopyNonAtomic(RECOGNITION, (short) 0, out, offset, (short) RECOGNITION.length);
        if (scp10) {
            end = Util.arrayCopyNonAtomic(SCP10_OPTIONS, (short) 0, out, end, (short) SCP10_OPTIONS.length);
        }
        end = recognized(Gp.SCP02, scp02, out, end);
        end = recognized(Gp.SCP03, scp03, out, end);
        return (short) (end - offset);
    }

    private static short recognized(byte protocol, byte option, byte[] out, short offset) {
        if (option == Gp.NO_PROTOCOL) {
            return offset;
        }
        short end = Util.arrayCopyNonAtomic(SCP10_OPTIONS, (short) 0, out, offset, PROTOCOL_LENGTH);
        out[(short) (end - 2)] = protocol;
        out[(short) (end - 1)] = option;
        return end;
    }

    static short objectDirectory(byte[] out, short offset) {
        Util.arrayCopyNonAtomic(OBJECT_DIRECTORY, (short) 0, out, offset, (short) OBJECT_DIRECTORY.length);
        return (short) OBJECT_DIRECTORY.length;
    }

    /** Appends 9F65 at {@code offset}; returns the length from {@code start} on. */
    static short maximumCommandLength(byte[] out, short offset, short start) {
        return (short) (Util.arrayCopyNonAtomic(
                        MAXIMUM_COMMAND_LENGTH, (short) 0, out, offset, (short) MAXIMUM_COMMAND_LENGTH.length)
                - start);
    }

    /** {@code C0 04 KID KVN type length}; returns the offset behind. */
    static short symmetricEntry(byte[] out, short offset, byte kid, byte kvn, byte type, short length) {
        short at = Tlv.header(out, offset, Gp.TAG_KEY_INFORMATION_ENTRY, (short) 4);
        out[at] = kid;
        out[(short) (at + 1)] = kvn;
        out[(short) (at + 2)] = type;
        out[(short) (at + 3)] = (byte) length;
        return (short) (at + 4);
    }

    /** {@code C0 06 KID KVN A1 length A0 03}; lengths of 256 and more are 00. Returns the offset behind. */
    static short keyEntry(byte[] out, short offset, byte kid, byte kvn, short modulusLength) {
        short at = Tlv.header(out, offset, Gp.TAG_KEY_INFORMATION_ENTRY, (short) 6);
        out[at] = kid;
        out[(short) (at + 1)] = kvn;
        out[(short) (at + 2)] = Gp.KEY_RSA_MODULUS;
        out[(short) (at + 3)] = modulusLength > 255 ? (byte) 0 : (byte) modulusLength;
        out[(short) (at + 4)] = Gp.KEY_RSA_EXPONENT;
        out[(short) (at + 5)] = (byte) PublicKeys.EXPONENT_LENGTH;
        return (short) (at + 6);
    }
}
