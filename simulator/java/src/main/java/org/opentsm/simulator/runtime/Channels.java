// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import javacard.framework.ApduForm;
import javacard.framework.ISO7816;

/** What class bytes a card takes, and what they are for, ISO 7816-4 5.4.1, GPCS 2.3.1 11.1.4. */
final class Channels {

    private static final int INS_MANAGE_CHANNEL = 0x70;
    private static final int INS_SELECT = 0xA4;
    private static final int P1_BY_NAME = 0x04;

    private Channels() {}

    /** Status word that refuses the command for its class or instruction byte, or 0. */
    static short refusal(ApduForm form) {
        int ins = form.ins() & 0xF0;
        if (form.cla() == 0xFF || (form.cla() & 0xE0) == 0x20) {
            return ISO7816.SW_CLA_NOT_SUPPORTED;
        }
        return ins == 0x60 || ins == 0x90 ? ISO7816.SW_INS_NOT_SUPPORTED : 0;
    }

    /**
     * @param proprietary whether C0 to FE belong to the applet (ISO 7816-4 leaves them to it), and not to channels 4 to
     *     19
     */
    static int of(ApduForm form, boolean proprietary) {
        return proprietary && form.cla() >= 0xC0 ? 0 : form.channel();
    }

    static boolean isManageChannel(ApduForm form) {
        return form.cla() < 0x80 && form.ins() == INS_MANAGE_CHANNEL;
    }

    /** SELECT by name without secure messaging or chaining. */
    static boolean isSelect(ApduForm form) {
        boolean plain = (form.cla() & 0xFC) == 0x00 || (form.cla() & 0xF0) == 0x40;
        return plain && form.ins() == INS_SELECT && form.p1() == P1_BY_NAME;
    }
}
