// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/**
 * One instruction of the card's virtual machine.
 *
 * @param operands one letter each: b s1, u u1, s s2, i s4, r 1-byte branch, R 2-byte branch, c 1-byte constant pool
 *                 index, C 2-byte index; "" for none; {@link Opcodes#TABLESWITCH} and {@link Opcodes#LOOKUPSWITCH}
 *                 for the variable ones
 */
public record Opcode(int value, String mnemonic, String operands) {
    public boolean isSwitch() {
        return operands.equals(Opcodes.TABLESWITCH) || operands.equals(Opcodes.LOOKUPSWITCH);
    }

    /** Length with the opcode byte; 0 for switches, which depend on their data. */
    public int length() {
        if (isSwitch()) {
            return 0;
        }
        int length = 1;
        for (int i = 0; i < operands.length(); i++) {
            length += Opcodes.width(operands.charAt(i));
        }
        return length;
    }

    @Override
    public String toString() {
        return mnemonic;
    }
}
