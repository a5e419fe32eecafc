// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;

/** Folds aload_0 into field access where "this" is certain. The _this forms need a one-byte index, see MethodLayout. */
final class Peephole {
    private Peephole() {}

    /**
     * Marks getfield behind aload_0, and putfield behind aload_0 and one push, by folding the aload_0 away.
     *
     * @param thisIsStable the method has "this" and never stores to local 0
     */
    static void foldThis(List<CapInsn> code, boolean thisIsStable, boolean putfieldToo, PoolLimit limit) {
        if (!thisIsStable) {
            return;
        }
        List<CapInsn> kept = new ArrayList<>(code.size());
        for (int i = 0; i < code.size(); i++) {
            CapInsn insn = code.get(i);
            boolean load = insn.op == Jcvm.ALOAD_0;
            if (load
                    && i + 1 < code.size()
                    && isField(code.get(i + 1), Jcvm.GETFIELD_A)
                    && !code.get(i + 1).entered
                    && limit.reaches(code.get(i + 1).reference)) {
                kept.add(fold(insn, code.get(i + 1), Jcvm.GETFIELD_A_THIS - Jcvm.GETFIELD_A));
                i++;
            } else if (load
                    && putfieldToo
                    && i + 2 < code.size()
                    && isPush(code.get(i + 1))
                    && !code.get(i + 1).entered
                    && isField(code.get(i + 2), Jcvm.PUTFIELD_A)
                    && !code.get(i + 2).entered
                    && limit.reaches(code.get(i + 2).reference)) {
                CapInsn push = code.get(i + 1);
                moveEntries(insn, push);
                CapInsn store = code.get(i + 2);
                CapInsn folded =
                        new CapInsn(store.op + Jcvm.PUTFIELD_A_THIS - Jcvm.PUTFIELD_A, store.pops - 1, 0, store.line);
                folded.reference = store.reference;
                store.foldedInto = folded;
                kept.add(push);
                kept.add(folded);
                i += 2;
            } else {
                kept.add(insn);
            }
        }
        code.clear();
        code.addAll(kept);
    }

    /** Tells which references a one-byte index reaches. */
    interface PoolLimit {
        boolean reaches(PoolKey key);
    }

    private static CapInsn fold(CapInsn load, CapInsn access, int distance) {
        CapInsn folded = new CapInsn(access.op + distance, access.pops - 1, access.pushes, access.line);
        folded.reference = access.reference;
        moveEntries(load, folded);
        access.foldedInto = folded;
        return folded;
    }

    private static void moveEntries(CapInsn from, CapInsn to) {
        from.foldedInto = to;
        to.entered |= from.entered;
    }

    private static boolean isField(CapInsn insn, int family) {
        return insn.op >= family && insn.op < family + 4;
    }

    /** aconst_null, sconst, aload or sload: what other converters fold. */
    private static boolean isPush(CapInsn insn) {
        int op = insn.op;
        return op >= Jcvm.ACONST_NULL && op <= Jcvm.SCONST_0 + 5
                || op == Jcvm.ALOAD
                || op == Jcvm.SLOAD
                || op >= Jcvm.ALOAD_0 && op < Jcvm.ILOAD_0;
    }
}
