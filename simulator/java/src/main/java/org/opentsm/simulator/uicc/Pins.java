// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.image.PinSetup;

/**
 * The PINs of a card: their values and counters in its memory, and which of them this session has verified. ETSI TS 102
 * 221 9.5. A try is counted before it is looked at, so that a power cut gives none back.
 */
final class Pins {

    static final int UNBLOCKING_TRIES = 10;
    private static final int VALUE = 0;
    private static final int UNBLOCKING = PinSetup.LENGTH;
    private static final int TRIES = 2 * PinSetup.LENGTH;
    private static final int UNBLOCKING_LEFT = TRIES + 1;
    private static final int ENABLED = TRIES + 2;
    private static final int ROW = TRIES + 3;

    private final List<PinSetup> setups;
    private final boolean[] verified;
    private byte[] rows;

    Pins(List<PinSetup> setups) {
        this.setups = List.copyOf(setups);
        verified = new boolean[setups.size()];
        rows = initial();
    }

    /** A fresh card's rows: value, unblocking value, tries left of both, whether it is enabled. */
    byte[] initial() {
        byte[] made = new byte[ROW * setups.size()];
        for (int i = 0; i < setups.size(); i++) {
            PinSetup setup = setups.get(i);
            System.arraycopy(setup.value(), 0, made, i * ROW + VALUE, PinSetup.LENGTH);
            if (setup.unblocking() != null) {
                System.arraycopy(setup.unblocking(), 0, made, i * ROW + UNBLOCKING, PinSetup.LENGTH);
                made[i * ROW + UNBLOCKING_LEFT] = UNBLOCKING_TRIES;
            }
            made[i * ROW + TRIES] = (byte) setup.tries();
            made[i * ROW + ENABLED] = (byte) (setup.enabled() ? 1 : 0);
        }
        return made;
    }

    void live(byte[] in) {
        rows = in;
    }

    boolean isEmpty() {
        return setups.isEmpty();
    }

    void reset() {
        Arrays.fill(verified, false);
    }

    /** Number of a PIN, or -1 for none of this reference. */
    int find(int reference) {
        for (int i = 0; i < setups.size(); i++) {
            if (setups.get(i).reference() == reference) {
                return i;
            }
        }
        return -1;
    }

    boolean canBeDisabled(int pin) {
        return setups.get(pin).reference() == PinSetup.PIN1;
    }

    boolean canBeUnblocked(int pin) {
        return setups.get(pin).unblocking() != null;
    }

    boolean isEnabled(int pin) {
        return rows[pin * ROW + ENABLED] != 0;
    }

    int triesLeft(int pin) {
        return rows[pin * ROW + TRIES];
    }

    int unblockingTriesLeft(int pin) {
        return rows[pin * ROW + UNBLOCKING_LEFT];
    }

    /** What the terminal may do: what it has shown, and on a card without PINs all that not everybody is forbidden. */
    AccessDomain rights() {
        if (isEmpty()) {
            return AccessDomain.ALL;
        }
        return AccessDomain.holding(shown(PinSetup.PIN1), shown(PinSetup.ADM1), shown(PinSetup.PIN2));
    }

    private boolean shown(int reference) {
        int pin = find(reference);
        return pin >= 0 && (verified[pin] || !isEnabled(pin) && triesLeft(pin) > 0);
    }

    /** One try at a PIN that has tries left; true, with its counter full again, when it was right. */
    boolean verify(int pin, byte[] value) {
        return attempt(pin, VALUE, TRIES, setups.get(pin).tries(), value);
    }

    /** One try at the unblocking value, which has tries left; true makes the new value count. */
    boolean unblock(int pin, byte[] unblocking, byte[] value) {
        boolean right = attempt(pin, UNBLOCKING, UNBLOCKING_LEFT, UNBLOCKING_TRIES, unblocking);
        if (right) {
            change(pin, value);
            write(pin, TRIES, (byte) setups.get(pin).tries());
            enable(pin, true);
        }
        return right;
    }

    private boolean attempt(int pin, int at, int counter, int full, byte[] value) {
        write(pin, counter, (byte) (rows[pin * ROW + counter] - 1));
        int start = pin * ROW + at;
        boolean right = MessageDigest.isEqual(Arrays.copyOfRange(rows, start, start + PinSetup.LENGTH), value);
        if (right) {
            write(pin, counter, (byte) full);
        }
        verified[pin] = right || verified[pin] && at != VALUE;
        return right;
    }

    void change(int pin, byte[] value) {
        write(pin, VALUE, value);
    }

    void enable(int pin, boolean enabled) {
        write(pin, ENABLED, (byte) (enabled ? 1 : 0));
    }

    private void write(int pin, int at, byte... bytes) {
        CryptoHost.current().writing(rows);
        System.arraycopy(bytes, 0, rows, pin * ROW + at, bytes.length);
    }

    /** PIN status template DO, TS 102 221 11.1.1.4.10: which of PIN1 and PIN2 are enabled. */
    String status() {
        int enabled = bit(PinSetup.PIN1, 0x80) | bit(PinSetup.PIN2, 0x40);
        return String.format("C6099001%02X830101830181", enabled);
    }

    private int bit(int reference, int mask) {
        int pin = find(reference);
        return pin >= 0 && isEnabled(pin) ? mask : 0;
    }
}
