// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.Arrays;

/** One command APDU; {@code data} without Lc and Le, at most 255 bytes in either form of ISO 7816-4 5.1. */
record Command(int cla, int ins, int p1, int p2, byte[] data, boolean extended) {

    private static final int SECURE = 0x04;
    private static final int CHANNEL = 0x03;

    /** Null when its lengths do not fit: case 1 to 4 of ISO 7816-3. */
    static Command parse(byte[] apdu) {
        if (apdu.length < 4) {
            return null;
        }
        boolean extended = apdu.length > 5 && apdu[4] == 0;
        byte[] data = apdu.length <= 5 ? new byte[0] : extended ? extendedData(apdu) : shortData(apdu);
        return data == null
                ? null
                : new Command(apdu[0] & 0xFF, apdu[1] & 0xFF, apdu[2] & 0xFF, apdu[3] & 0xFF, data, extended);
    }

    private static byte[] shortData(byte[] apdu) {
        int length = apdu[4] & 0xFF;
        boolean fits = apdu.length == 5 + length || apdu.length == 6 + length;
        return fits ? Arrays.copyOfRange(apdu, 5, 5 + length) : null;
    }

    /** {@code 00 Le Le} or {@code 00 Lc Lc data [Le Le]}. */
    private static byte[] extendedData(byte[] apdu) {
        if (apdu.length == 7) {
            return new byte[0];
        }
        int length = apdu.length < 7 ? 0 : (apdu[5] & 0xFF) << 8 | apdu[6] & 0xFF;
        boolean fits = length > 0 && length <= 0xFF && (apdu.length == 7 + length || apdu.length == 9 + length);
        return fits ? Arrays.copyOfRange(apdu, 7, 7 + length) : null;
    }

    boolean isSecure() {
        return (cla & SECURE) != 0;
    }

    int channel() {
        return cla & CHANNEL;
    }

    /** The command without its protection. */
    Command plain(byte[] opened) {
        return new Command(cla & ~SECURE, ins, p1, p2, opened, extended);
    }

    /** Lc as it came: of one byte or of three. */
    byte[] lc() {
        return extended ? Bytes.of(0, data.length >> 8, data.length) : Bytes.of(data.length);
    }

    /** {@code CLA INS P1 P2} as a MAC covers it: secure messaging, channel 0. */
    byte[] macHeader() {
        return Bytes.of(cla & ~CHANNEL | SECURE, ins, p1, p2);
    }
}
