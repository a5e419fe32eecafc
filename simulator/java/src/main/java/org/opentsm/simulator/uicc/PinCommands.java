// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;
import org.opentsm.simulator.image.PinSetup;

/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN; ETSI TS 102 221 11.1.9 to 11.1.13, TS 51.011 9.2.9 to 9.2.13. */
final class PinCommands {

    private static final int VERIFY = 0x20;
    private static final int CHANGE = 0x24;
    private static final int DISABLE = 0x26;
    private static final int ENABLE = 0x28;
    private static final int UNBLOCK = 0x2C;

    /** What a command comes to: as class 00 and as class A0 say it. */
    private enum Outcome {
        DONE(0x9000, 0x9000),
        NO_SUCH_PIN(0x6A88, 0x9802),
        BLOCKED(0x6983, 0x9840),
        DISABLED(0x6984, 0x9808),
        CONTRADICTION(0x6985, 0x9808),
        PARAMETERS(0x6A86, 0x6B00),
        LENGTH(0x6700, 0x6700);

        private final int uicc;
        private final int sim;

        Outcome(int uicc, int sim) {
            this.uicc = uicc;
            this.sim = sim;
        }
    }

    private final Pins pins;

    PinCommands(Pins pins) {
        this.pins = pins;
    }

    boolean takes(int ins) {
        return !pins.isEmpty() && (ins == VERIFY || ins == CHANGE || ins == DISABLE || ins == ENABLE || ins == UNBLOCK);
    }

    byte[] process(byte[] command, boolean gsm) {
        int ins = command[1] & 0xFF;
        byte[] data = FileSystem.data(command);
        int pin = pins.find(gsm ? reference(ins, command[3] & 0xFF) : command[3] & 0xFF);
        if (command[2] != 0) {
            return status(Outcome.PARAMETERS, gsm);
        }
        if (pin < 0 || ins == UNBLOCK && !pins.canBeUnblocked(pin)) {
            return status(Outcome.NO_SUCH_PIN, gsm);
        }
        boolean asks = (ins == VERIFY || ins == UNBLOCK) && data.length == 0 && !gsm;
        if (asks) {
            return left(ins == VERIFY ? pins.triesLeft(pin) : pins.unblockingTriesLeft(pin), false);
        }
        int expected = ins == CHANGE || ins == UNBLOCK ? 2 * PinSetup.LENGTH : PinSetup.LENGTH;
        if (data.length != expected) {
            return status(Outcome.LENGTH, gsm);
        }
        return ins == UNBLOCK ? unblock(pin, data, gsm) : attempt(ins, pin, data, gsm);
    }

    /** Class A0 counts: 1 and 2, and 0 for the first in UNBLOCK CHV. */
    private static int reference(int ins, int number) {
        boolean first = number == (ins == UNBLOCK ? 0 : 1);
        return first ? PinSetup.PIN1 : number == 2 ? PinSetup.PIN2 : 0;
    }

    private byte[] attempt(int ins, int pin, byte[] data, boolean gsm) {
        if ((ins == ENABLE || ins == DISABLE) && !pins.canBeDisabled(pin)) {
            return status(Outcome.PARAMETERS, gsm);
        }
        if (ins == ENABLE && pins.isEnabled(pin)) {
            return status(Outcome.CONTRADICTION, gsm);
        }
        if (ins != ENABLE && !pins.isEnabled(pin)) {
            return status(ins == DISABLE ? Outcome.CONTRADICTION : Outcome.DISABLED, gsm);
        }
        if (pins.triesLeft(pin) == 0) {
            return status(Outcome.BLOCKED, gsm);
        }
        if (!pins.verify(pin, Arrays.copyOf(data, PinSetup.LENGTH))) {
            return left(pins.triesLeft(pin), gsm);
        }
        if (ins == CHANGE) {
            pins.change(pin, Arrays.copyOfRange(data, PinSetup.LENGTH, data.length));
        } else if (ins != VERIFY) {
            pins.enable(pin, ins == ENABLE);
        }
        return status(Outcome.DONE, gsm);
    }

    private byte[] unblock(int pin, byte[] data, boolean gsm) {
        if (pins.unblockingTriesLeft(pin) == 0) {
            return status(Outcome.BLOCKED, gsm);
        }
        byte[] unblocking = Arrays.copyOf(data, PinSetup.LENGTH);
        return pins.unblock(pin, unblocking, Arrays.copyOfRange(data, PinSetup.LENGTH, data.length))
                ? status(Outcome.DONE, gsm)
                : left(pins.unblockingTriesLeft(pin), gsm);
    }

    private static byte[] left(int tries, boolean gsm) {
        int sim = tries == 0 ? 0x9840 : 0x9804;
        return FileSystem.status(gsm ? sim : 0x63C0 | tries);
    }

    private static byte[] status(Outcome outcome, boolean gsm) {
        return FileSystem.status(gsm ? outcome.sim : outcome.uicc);
    }
}
