package org.opentsm.securitydomain;

import javacard.framework.Util;

/** Fixed data: card recognition data (GPCS H.2), the object directory (F.1.3.3), key information entries. */
final class CardData {

    // Below tag 73: 06 card recognition OID, 60 GP version 2.3.1, 63 identification IIN + CIN
    private static final byte[] RECOGNITION = {
        0x06, 0x07, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x01,
        0x60, 0x0C, 0x06, 0x0A, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x02, 0x02, 0x03, 0x01,
        0x63, 0x09, 0x06, 0x07, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x03};
    // 64 SCP10 option 02, 64 SCP10 option 01
    private static final byte[] SCP10_OPTIONS = {
        0x64, 0x0B, 0x06, 0x09, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x04, 0x10, 0x02,
        0x64, 0x0B, 0x06, 0x09, 0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B, 0x04, 0x10, 0x01};
    // ISO 7816-15: [4] certificates, path of one data object 7F21
    private static final byte[] OBJECT_DIRECTORY = {(byte) 0xA4, 0x06, 0x30, 0x04, 0x04, 0x02, 0x7F, 0x21};
    // 9F65: a short APDU's 255 bytes
    private static final byte[] MAXIMUM_COMMAND_LENGTH = {(byte) 0x9F, 0x65, 0x01, (byte) 0xFF};

    private CardData() { }

    /** Value of tag 73; returns its length. */
    static short recognition(byte[] out, short offset, boolean scp10) {
        short end = Util.arrayCopyNonAtomic(RECOGNITION, (short) 0, out, offset, (short) RECOGNITION.length);
        if (scp10) {
            end = Util.arrayCopyNonAtomic(SCP10_OPTIONS, (short) 0, out, end, (short) SCP10_OPTIONS.length);
        }
        return (short) (end - offset);
    }

    static short objectDirectory(byte[] out, short offset) {
        Util.arrayCopyNonAtomic(OBJECT_DIRECTORY, (short) 0, out, offset, (short) OBJECT_DIRECTORY.length);
        return (short) OBJECT_DIRECTORY.length;
    }

    /** Appends 9F65 at {@code offset}; returns the length from {@code start} on. */
    static short maximumCommandLength(byte[] out, short offset, short start) {
        return (short) (Util.arrayCopyNonAtomic(MAXIMUM_COMMAND_LENGTH, (short) 0, out, offset,
                (short) MAXIMUM_COMMAND_LENGTH.length) - start);
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
