// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.IincInsnNode;
import org.objectweb.asm.tree.VarInsnNode;

/**
 * Which locals are still read after the start of each block. Dead locals do not meet at joins, so a slot that javac
 * uses again for another type does not tie the two together.
 */
final class Liveness {
    private static final int MAX_ROUNDS = 2000;
    private final MethodCode code;
    private final BitSet[] live;

    Liveness(MethodCode code) {
        this.code = code;
        live = new BitSet[code.size()];
        List<Integer> starts = new ArrayList<>();
        for (int i = 0; i < code.size(); i++) {
            if (i == 0 || code.isLeader(i)) {
                live[i] = new BitSet();
                starts.add(i);
            }
        }
        boolean changed = true;
        for (int round = 0; changed; round++) {
            if (round == MAX_ROUNDS) {
                throw new ConversionException(code.line(0), "the method's control flow is too complex to follow");
            }
            changed = false;
            for (int s = starts.size() - 1; s >= 0; s--) {
                int end = s + 1 < starts.size() ? starts.get(s + 1) : code.size();
                changed |= scan(starts.get(s), end);
            }
        }
    }

    boolean isLive(int leader, int slot) {
        return live[leader].get(slot);
    }

    private boolean scan(int start, int end) {
        BitSet set = new BitSet();
        int last = end - 1;
        if (!code.endsBlock(last) && end < code.size()) {
            set.or(live[end]);
        }
        for (int target : code.targets(last)) {
            set.or(live[target]);
        }
        BitSet caught = new BitSet();
        for (MethodCode.Handler handler : code.handlersAt(start)) {
            caught.or(live[handler.target()]);
        }
        set.or(caught);
        for (int i = last; i >= start; i--) {
            AbstractInsnNode insn = code.at(i);
            int op = insn.getOpcode();
            if (op >= Opcodes.ISTORE && op <= Opcodes.ASTORE) {
                set.clear(((VarInsnNode) insn).var);
                set.or(caught);
            } else if (op >= Opcodes.ILOAD && op <= Opcodes.ALOAD) {
                set.set(((VarInsnNode) insn).var);
            } else if (op == Opcodes.IINC) {
                set.set(((IincInsnNode) insn).var);
            }
        }
        if (set.equals(live[start])) {
            return false;
        }
        live[start] = set;
        return true;
    }
}
