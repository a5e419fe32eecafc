// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.List;

/** One JCVM instruction before layout: references and branch targets are still symbols. */
final class CapInsn {
    /** A place in the code; resolved when the instruction behind it is emitted. Null insn = end of the method. */
    static final class Label {
        CapInsn insn;

        /** The instruction now standing at this place; null at the end of the method. */
        CapInsn resolve() {
            return insn == null ? null : insn.resolve();
        }
    }

    private static final int[] NO_OPERANDS = {};

    int op;
    /** Operand values in layout order, references and branches left out. */
    int[] operands = NO_OPERANDS;

    PoolKey reference;
    /** Branch target, or a switch's default. */
    Label target;
    /** Switch: cases in order. */
    List<Label> cases;
    /** Lookup switch: the matches; table switch: low and high. */
    int[] keys;

    final int pops;
    final int pushes;
    final int line;
    /** True when something may enter here other than by falling through. */
    boolean entered;
    /** The instruction this one was folded into, or null. */
    CapInsn foldedInto;
    /** Set by the layout. */
    int offset;

    CapInsn(int op, int pops, int pushes, int line) {
        this.op = op;
        this.pops = pops;
        this.pushes = pushes;
        this.line = line;
    }

    /** This instruction, or the one it was folded into. */
    CapInsn resolve() {
        CapInsn step = this;
        while (step.foldedInto != null) {
            step = step.foldedInto;
        }
        return step;
    }

    CapInsn with(int... values) {
        operands = values;
        return this;
    }

    CapInsn ref(PoolKey key) {
        reference = key;
        return this;
    }

    CapInsn to(Label label) {
        target = label;
        return this;
    }
}
