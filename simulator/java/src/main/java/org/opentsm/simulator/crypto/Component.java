// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.util.Arrays;

/**
 * One number or secret of a key, in the card's memory:
 * <pre>
 * 1 byte  FF when set, 00 when not (as RAM is after a clear event)
 * 2 bytes length of the value
 * n bytes the value, then zeros
 * </pre>
 */
final class Component {

    private static final int HEADER_LENGTH = 3;

    private final byte[] memory;

    /** @param event JCSystem.CLEAR_ON_RESET or CLEAR_ON_DESELECT, or 0 for persistent memory */
    Component(int maxLengthBytes, byte event) {
        memory = CryptoHost.allocate(HEADER_LENGTH + maxLengthBytes, event);
    }

    boolean isSet() {
        return memory[0] != 0;
    }

    int maxLength() {
        return memory.length - HEADER_LENGTH;
    }

    int length() {
        return (memory[1] & 0xFF) << 8 | memory[2] & 0xFF;
    }

    /** Takes exactly these bytes; nothing of an earlier, longer value is left. This is one write of the card's. */
    void set(byte[] value) {
        CryptoHost.current().writing(memory);
        put(value);
    }

    /** As {@link #set}, as a part of a write that was counted already. */
    void put(byte[] value) {
        Arrays.fill(memory, (byte) 0);
        System.arraycopy(value, 0, memory, HEADER_LENGTH, value.length);
        memory[1] = (byte) (value.length >> 8);
        memory[2] = (byte) value.length;
        memory[0] = (byte) 0xFF;
    }

    void clear() {
        CryptoHost.current().writing(memory);
        Arrays.fill(memory, (byte) 0);
    }

    /** Copies the value out. */
    short get(byte[] out, short offset) {
        requireSet();
        int length = length();
        Fault.checkSpan(out, offset, length);
        CryptoHost.current().writing(out);
        System.arraycopy(memory, HEADER_LENGTH, out, offset, length);
        return (short) length;
    }

    byte[] bytes() {
        requireSet();
        return Arrays.copyOfRange(memory, HEADER_LENGTH, HEADER_LENGTH + length());
    }

    BigInteger number() {
        requireSet();
        return new BigInteger(1, memory, HEADER_LENGTH, length());
    }

    private void requireSet() {
        if (!isSet()) {
            throw Fault.uninitializedKey();
        }
    }
}
