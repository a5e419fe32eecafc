package org.opentsm.simulator.runtime;

import javacard.framework.ISO7816;

/** Class bytes this card takes: the basic logical channel only, ISO 7816-4 5.4.1, GPCS 2.3.1 11.1.4. */
final class Channels {

    private static final byte INS_MANAGE_CHANNEL = 0x70;

    private Channels() {
    }

    /**
     * Status word that refuses the command for its class or instruction byte, or 0.
     *
     * @param proprietary whether C0 to FE belong to the applet (ISO 7816-4 leaves them to it), and not to channels 4 to 19
     */
    static short refusal(byte[] command, boolean proprietary) {
        int cla = command[0] & 0xFF;
        int ins = command[1] & 0xF0;
        if (cla == 0xFF || (cla & 0xE0) == 0x20) {
            return ISO7816.SW_CLA_NOT_SUPPORTED;
        }
        if (ins == 0x60 || ins == 0x90) {
            return ISO7816.SW_INS_NOT_SUPPORTED;
        }
        if (proprietary && cla >= 0xC0) {
            return 0;
        }
        if ((cla & 0x40) != 0 || (cla & 0x60) == 0 && (cla & 0x03) != 0 || command[1] == INS_MANAGE_CHANNEL) {
            return ISO7816.SW_LOGICAL_CHANNEL_NOT_SUPPORTED;
        }
        return 0;
    }
}
