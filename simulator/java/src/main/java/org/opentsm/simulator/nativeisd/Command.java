// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.Arrays;

/** One command APDU of the short form; {@code data} without Lc and Le. */
record Command(int cla, int ins, int p1, int p2, byte[] data) {

    private static final int SECURE = 0x04;
    private static final int CHANNEL = 0x03;

    /** Null when its lengths do not fit: case 1 to 4 of ISO 7816-3. */
    static Command parse(byte[] apdu) {
        if (apdu.length < 4) {
            return null;
        }
        byte[] data = new byte[0];
        if (apdu.length > 5) {
            int length = apdu[4] & 0xFF;
            if (length == 0 || apdu.length != 5 + length && apdu.length != 6 + length) {
                return null;
            }
            data = Arrays.copyOfRange(apdu, 5, 5 + length);
        }
        return new Command(apdu[0] & 0xFF, apdu[1] & 0xFF, apdu[2] & 0xFF, apdu[3] & 0xFF, data);
    }

    boolean isSecure() {
        return (cla & SECURE) != 0;
    }

    int channel() {
        return cla & CHANNEL;
    }

    /** The command without its protection. */
    Command plain(byte[] opened) {
        return new Command(cla & ~SECURE, ins, p1, p2, opened);
    }

    /** {@code CLA INS P1 P2} as a MAC covers it: secure messaging, channel 0. */
    byte[] macHeader() {
        return Bytes.of(cla & ~CHANNEL | SECURE, ins, p1, p2);
    }
}
