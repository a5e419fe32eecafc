// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

/**
 * A PIN as a card's image has it.
 *
 * @param reference  01 PIN1, 81 PIN2, 0A ADM1; ETSI TS 102 221 9.5.1
 * @param value      eight bytes, filled with FF
 * @param unblocking eight bytes, or null for a PIN that nothing unblocks
 * @param tries      wrong ones in a row until it is blocked, 1 to 15
 */
public record PinSetup(int reference, byte[] value, byte[] unblocking, int tries, boolean enabled) {

    public static final int PIN1 = 0x01;
    public static final int PIN2 = 0x81;
    public static final int ADM1 = 0x0A;
    public static final int LENGTH = 8;
}
