// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.gp;

import java.util.Arrays;
import javacard.framework.JCSystem;
import org.globalplatform.CVM;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.open.Privilege;

/** The card's global PIN: verified by any application, changed by those with CVM Management. GPCS 2.3.1 8.2.2. */
final class GlobalPin implements CVM {

    private static final int LENGTH = 0;
    private static final int TRY_LIMIT = 1;
    private static final int BLOCKED = 2;
    private static final int MAX_DIGITS = 32;
    private static final byte SUBMITTED = 1;
    private static final byte VERIFIED = 2;

    /** Two digits or hexadecimal characters in a byte: the format they came in does not matter. */
    private final byte[] digits = new byte[MAX_DIGITS];

    private final byte[] settings = new byte[3];
    /** What a transaction does not take back; Transaction knows the name. */
    private final byte[] triesLeft = new byte[1];

    private final byte[] state = CryptoHost.allocate(1, JCSystem.CLEAR_ON_RESET);

    private static boolean managed() {
        return GlobalPlatform.current().callerHas(Privilege.CVM_MANAGEMENT);
    }

    private static void set(byte[] array, int index, int value) {
        CryptoHost.current().writing(array);
        array[index] = (byte) value;
    }

    @Override
    public boolean isActive() {
        return settings[LENGTH] != 0 && settings[TRY_LIMIT] != 0;
    }

    @Override
    public boolean isSubmitted() {
        return state[0] != 0;
    }

    @Override
    public boolean isVerified() {
        return state[0] == VERIFIED;
    }

    @Override
    public boolean isBlocked() {
        return isActive() && (settings[BLOCKED] != 0 || triesLeft[0] == 0);
    }

    @Override
    public byte getTriesRemaining() {
        return triesLeft[0];
    }

    @Override
    public boolean update(byte[] buffer, short offset, byte length, byte format) {
        byte[] value = digits(buffer, offset, length, format);
        if (!managed() || value == null) {
            return false;
        }
        set(settings, LENGTH, value.length);
        CryptoHost.current().writing(digits);
        Arrays.fill(digits, (byte) 0);
        System.arraycopy(value, 0, digits, 0, value.length);
        set(triesLeft, 0, settings[TRY_LIMIT]);
        set(settings, BLOCKED, 0);
        state[0] = 0;
        return true;
    }

    @Override
    public boolean resetState() {
        if (!isActive() || isBlocked()) {
            return false;
        }
        state[0] = 0;
        return true;
    }

    @Override
    public boolean blockState() {
        if (!managed() || !isActive()) {
            return false;
        }
        set(settings, BLOCKED, 1);
        state[0] = 0;
        return true;
    }

    @Override
    public boolean resetAndUnblockState() {
        if (!managed() || !isActive()) {
            return false;
        }
        set(settings, BLOCKED, 0);
        set(triesLeft, 0, settings[TRY_LIMIT]);
        state[0] = 0;
        return true;
    }

    @Override
    public boolean setTryLimit(byte limit) {
        if (!managed() || limit < 1) {
            return false;
        }
        set(settings, TRY_LIMIT, limit);
        set(triesLeft, 0, limit);
        return true;
    }

    @Override
    public short verify(byte[] buffer, short offset, byte length, byte format) {
        if (!isActive() || isBlocked()) {
            return CVM_FAILURE;
        }
        // Counted before it is looked at: power lost in between is a try that was used.
        set(triesLeft, 0, triesLeft[0] - 1);
        byte[] value = digits(buffer, offset, length, format);
        if (value == null || !java.security.MessageDigest.isEqual(value, Arrays.copyOf(digits, settings[LENGTH]))) {
            state[0] = SUBMITTED;
            return CVM_FAILURE;
        }
        set(triesLeft, 0, settings[TRY_LIMIT]);
        state[0] = VERIFIED;
        return CVM_SUCCESS;
    }

    /** One digit in a byte, or null when these are none of this format. */
    private static byte[] digits(byte[] buffer, short offset, byte length, byte format) {
        byte[] given = Arrays.copyOfRange(buffer, offset, offset + (length & 0xFF));
        StringBuilder text = new StringBuilder();
        for (byte part : given) {
            text.append(format == FORMAT_ASCII ? String.valueOf((char) part) : String.format("%02X", part));
        }
        String digits = format == FORMAT_BCD ? text.toString().replaceAll("F+$", "") : text.toString();
        boolean known = format == FORMAT_ASCII || format == FORMAT_BCD || format == FORMAT_HEX;
        boolean fits = known
                && !digits.isEmpty()
                && digits.length() <= MAX_DIGITS
                && digits.matches(format == FORMAT_HEX ? "[0-9A-F]+" : "[0-9]+");
        return fits ? digits.getBytes(java.nio.charset.StandardCharsets.US_ASCII) : null;
    }
}
