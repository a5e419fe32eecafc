// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;

/** Takes emitted instructions, places labels and picks the short form of pushes, loads, stores and shuffles. */
final class CodeWriter {
    private final List<CapInsn> code = new ArrayList<>();
    private final List<CapInsn.Label> pending = new ArrayList<>();
    private int line;
    private boolean usesInt;

    void line(int line) {
        this.line = line;
    }

    /** Binds a label to the next instruction. */
    void place(CapInsn.Label label) {
        pending.add(label);
    }

    CapInsn emit(int op, int pops, int pushes) {
        CapInsn insn = new CapInsn(op, pops, pushes, line);
        for (CapInsn.Label label : pending) {
            label.insn = insn;
            insn.entered = true;
        }
        pending.clear();
        code.add(insn);
        return insn;
    }

    void markInt() {
        usesInt = true;
    }

    boolean usesInt() {
        return usesInt;
    }

    List<CapInsn> code() {
        return code;
    }

    /** Pushes a constant that fits a short. */
    void pushShort(int value) {
        if (value >= -1 && value <= 5) {
            emit(Jcvm.SCONST_0 + value, 0, 1);
        } else if (value == (byte) value) {
            emit(Jcvm.BSPUSH, 0, 1).with(value);
        } else {
            emit(Jcvm.SSPUSH, 0, 1).with(value);
        }
    }

    void pushInt(int value) {
        markInt();
        if (value >= -1 && value <= 5) {
            emit(Jcvm.ICONST_0 + value, 0, 2);
        } else if (value == (byte) value) {
            emit(Jcvm.BIPUSH, 0, 2).with(value);
        } else if (value == (short) value) {
            emit(Jcvm.SIPUSH, 0, 2).with(value);
        } else {
            emit(Jcvm.IIPUSH, 0, 2).with(value);
        }
    }

    /** @param type 0 reference, 1 short, 2 int */
    void load(int type, int cell) {
        int cells = type == 2 ? 2 : 1;
        if (cell <= 3) {
            emit(Jcvm.ALOAD_0 + 4 * type + cell, 0, cells);
        } else {
            emit(Jcvm.ALOAD + type, 0, cells).with(cell);
        }
    }

    /** @param type 0 reference, 1 short, 2 int */
    void store(int type, int cell) {
        int cells = type == 2 ? 2 : 1;
        if (cell <= 3) {
            emit(Jcvm.ASTORE_0 + 4 * type + cell, cells, 0);
        } else {
            emit(Jcvm.ASTORE + type, cells, 0).with(cell);
        }
    }

    void pop(int cells) {
        for (int left = cells; left > 0; left -= 2) {
            int taken = Math.min(left, 2);
            emit(taken == 2 ? Jcvm.POP2 : Jcvm.POP, taken, 0);
        }
    }

    /** Copies the top cells below the cells under them. */
    void dup(int copied, int below) {
        if (below == 0 && copied <= 2) {
            emit(copied == 1 ? Jcvm.DUP : Jcvm.DUP2, copied, 2 * copied);
            return;
        }
        int depth = below == 0 ? 0 : copied + below;
        emit(Jcvm.DUP_X, copied + below, 2 * copied + below).with(copied << 4 | depth);
    }

    void swap(int top, int below) {
        emit(Jcvm.SWAP_X, top + below, top + below).with(top << 4 | below);
    }
}
