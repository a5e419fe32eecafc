// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

/** What an ATR says of the transport, ISO 7816-3 8.2.3. */
final class AnswerToReset {

    private static final int FORMAT = 1;

    private AnswerToReset() {}

    /** True when the ATR offers T=1, which a reader takes then; T=0 is what an ATR without TD1 means. */
    static boolean offersT1(byte[] atr) {
        int at = FORMAT;
        int follows = atr.length > FORMAT ? atr[at++] & 0xF0 : 0;
        while ((follows & 0x80) != 0) {
            at += Integer.bitCount(follows & 0x70);
            if (at >= atr.length) {
                return false;
            }
            int td = atr[at++] & 0xFF;
            if ((td & 0x0F) == 1) {
                return true;
            }
            follows = td & 0xF0;
        }
        return false;
    }
}
