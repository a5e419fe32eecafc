// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.Instruction;

/** Stack instructions that count in 16-bit cells, translated to values: an int is two cells, but one JVM slot. */
final class StackMoves {
    private final MethodVisitor code;
    private final int temporaries;

    /** @param temporaries first local that may be used */
    StackMoves(MethodVisitor code, int temporaries) {
        this.code = code;
        this.temporaries = temporaries;
    }

    /** @param stack kinds of the values before the instruction, top last: 'A' reference, 'S' short, 'I' int */
    void emit(Instruction instruction, String stack) {
        switch (instruction.opcode().mnemonic()) {
            case "pop2" -> code.visitInsn(values(stack, 2) == 1 ? Opcodes.POP : Opcodes.POP2);
            case "dup2" -> code.visitInsn(values(stack, 2) == 1 ? Opcodes.DUP : Opcodes.DUP2);
            case "dup_x" -> duplicate(stack, instruction.operand(0) >> 4, instruction.operand(0) & 0xF);
            default -> swap(stack, instruction.operand(0) >> 4, instruction.operand(0) & 0xF);
        }
    }

    /** How many values the top cells hold. */
    private static int values(String stack, int cells) {
        int left = cells;
        int count = 0;
        while (left > 0) {
            if (count == stack.length()) {
                throw LinkException.inconsistent(
                        "the stack is too low for an instruction that moves " + cells + " cells");
            }
            left -= stack.charAt(stack.length() - 1 - count) == 'I' ? 2 : 1;
            count++;
        }
        if (left < 0) {
            throw LinkException.inconsistent("an instruction moves half of an int");
        }
        return count;
    }

    /** Copies the top m cells under the top n; on top when n is 0. */
    private void duplicate(String stack, int m, int n) {
        int copied = values(stack, m);
        int all = n == 0 ? copied : values(stack, n);
        if (copied == 1 && all <= 3) {
            code.visitInsn(all == 1 ? Opcodes.DUP : all == 2 ? Opcodes.DUP_X1 : Opcodes.DUP_X2);
            return;
        }
        store(stack, all);
        load(stack, all, all - copied, all);
        load(stack, all, 0, all);
    }

    /** Exchanges the top m cells with the n below them. */
    private void swap(String stack, int m, int n) {
        int upper = values(stack, m);
        int all = values(stack, m + n);
        if (values(stack.substring(0, stack.length() - upper), n) != all - upper) {
            throw LinkException.inconsistent("swap_x splits an int");
        }
        store(stack, all);
        load(stack, all, all - upper, all);
        load(stack, all, 0, all - upper);
    }

    /** The stack after dup_x. */
    static String duplicated(String stack, int m, int n) {
        int copied = values(stack, m);
        int all = n == 0 ? copied : values(stack, n);
        int cut = stack.length() - all;
        return stack.substring(0, cut) + stack.substring(stack.length() - copied) + stack.substring(cut);
    }

    /** The stack after swap_x. */
    static String swapped(String stack, int m, int n) {
        int upper = values(stack, m);
        int cut = stack.length() - values(stack, m + n);
        return stack.substring(0, cut)
                + stack.substring(stack.length() - upper)
                + stack.substring(cut, stack.length() - upper);
    }

    /** Puts the top values into locals, the deepest into the first. */
    private void store(String stack, int count) {
        for (int i = count - 1; i >= 0; i--) {
            code.visitVarInsn(isReference(kind(stack, count, i)) ? Opcodes.ASTORE : Opcodes.ISTORE, temporaries + i);
        }
    }

    private void load(String stack, int count, int from, int to) {
        for (int i = from; i < to; i++) {
            code.visitVarInsn(isReference(kind(stack, count, i)) ? Opcodes.ALOAD : Opcodes.ILOAD, temporaries + i);
        }
    }

    private static boolean isReference(char kind) {
        return kind != 'S' && kind != 'I';
    }

    private static char kind(String stack, int count, int index) {
        return stack.charAt(stack.length() - count + index);
    }
}
