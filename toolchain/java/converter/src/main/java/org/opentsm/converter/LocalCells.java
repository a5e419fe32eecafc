// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.IincInsnNode;
import org.objectweb.asm.tree.VarInsnNode;

/** Renumbers JVM locals in 16-bit cells: this, parameters, then the others; an int takes two cells. */
final class LocalCells {
    private static final int MAX_CELLS = 255;
    private final int[] narrow;
    private final int[] wide;
    private final boolean[] stored;
    private int next;

    LocalCells(MethodCode code, Flow flow, Member method) {
        int slots = code.maxLocals();
        narrow = new int[slots];
        wide = new int[slots];
        stored = new boolean[slots];
        java.util.Arrays.fill(narrow, -1);
        java.util.Arrays.fill(wide, -1);
        int slot = 0;
        if (!method.isStatic()) {
            narrow[slot++] = next++;
        }
        for (Type type : Type.getArgumentTypes(method.descriptor)) {
            if (type.getSort() == Type.INT) {
                wide[slot++] = take(2);
            } else {
                narrow[slot++] = take(1);
            }
        }
        int parameters = slot;
        boolean[] usedNarrow = new boolean[slots];
        boolean[] usedWide = new boolean[slots];
        for (int i = 0; i < code.size(); i++) {
            Value local = flow.reachable(i) ? flow.local(i) : null;
            if (local == null) {
                continue;
            }
            AbstractInsnNode insn = code.at(i);
            int used = insn instanceof VarInsnNode v ? v.var : ((IincInsnNode) insn).var;
            (local.cells() == 2 ? usedWide : usedNarrow)[used] = true;
            int op = insn.getOpcode();
            stored[used] |= op >= Opcodes.ISTORE && op <= Opcodes.ASTORE || op == Opcodes.IINC;
        }
        for (int i = 0; i < slots; i++) {
            place(i, usedNarrow[i], usedWide[i], i < parameters);
        }
    }

    /** A slot that javac uses for both widths in turn shares its cells; a parameter keeps its own. */
    private void place(int slot, boolean usesNarrow, boolean usesWide, boolean parameter) {
        if (usesWide && wide[slot] < 0) {
            wide[slot] = take(2);
        }
        if (usesNarrow && narrow[slot] < 0) {
            narrow[slot] = wide[slot] >= 0 && !parameter ? wide[slot] : take(1);
        }
    }

    private int take(int cells) {
        int cell = next;
        next += cells;
        if (next > MAX_CELLS) {
            throw new ConversionException(0, "parameters and locals need more than 255 cells");
        }
        return cell;
    }

    int of(int slot, boolean isWide) {
        int cell = isWide ? wide[slot] : narrow[slot];
        if (cell < 0) {
            throw new IllegalStateException("local " + slot + " has no cell");
        }
        return cell;
    }

    /** The cell, or -1 when the local is never used in that width. */
    int find(int slot, boolean isWide) {
        return slot >= narrow.length ? -1 : isWide ? wide[slot] : narrow[slot];
    }

    boolean storesTo(int slot) {
        return slot < stored.length && stored[slot];
    }

    /** Cells of parameters and locals. */
    int total() {
        return next;
    }
}
