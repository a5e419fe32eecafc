// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** Computes max_stack of translated code in cells. */
final class StackDepth {
    private final List<CapInsn> code;
    private final int[] depths;
    private final Deque<Integer> work = new ArrayDeque<>();

    private StackDepth(List<CapInsn> code) {
        this.code = code;
        depths = new int[code.size()];
        Arrays.fill(depths, -1);
        for (int i = 0; i < code.size(); i++) {
            code.get(i).offset = i;
        }
    }

    static int of(List<CapInsn> code, List<TranslatedMethod.Handler> handlers) {
        return new StackDepth(code).run(handlers);
    }

    private int run(List<TranslatedMethod.Handler> handlers) {
        reach(0, 0);
        for (TranslatedMethod.Handler handler : handlers) {
            reach(index(handler.target()), 1);
        }
        int max = 0;
        while (!work.isEmpty()) {
            int i = work.poll();
            CapInsn insn = code.get(i);
            int after = depths[i] - insn.pops + insn.pushes;
            max = Math.max(max, Math.max(depths[i], after));
            if (insn.target != null) {
                reach(index(insn.target), after);
            }
            if (insn.cases != null) {
                insn.cases.forEach(label -> reach(index(label), after));
            }
            if (!Jcvm.endsBlock(insn.op)) {
                reach(i + 1, after);
            }
        }
        return max;
    }

    private static int index(CapInsn.Label label) {
        return label.resolve().offset;
    }

    private void reach(int index, int depth) {
        if (index >= code.size()) {
            throw new ConversionException(0, "the class file is damaged: control runs off the end of the method");
        }
        if (depth < 0) {
            throw new IllegalStateException("stack depth " + depth);
        }
        if (depths[index] < 0) {
            depths[index] = depth;
            work.add(index);
        } else if (depths[index] != depth) {
            throw new IllegalStateException("stack depth " + depth + " meets " + depths[index]);
        }
    }
}
