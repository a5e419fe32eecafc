// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.commons.JSRInlinerAdapter;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.MethodNode;

/** Replaces the jsr subroutines that compilers before 1.5 made of finally blocks by copies of their code. */
final class SubroutineInliner {
    private static final int MAX_RESULT = 200_000;
    private static final int MAX_JSR = 24;

    private SubroutineInliner() {}

    static MethodNode inline(MethodNode method) {
        int calls = 0;
        for (AbstractInsnNode insn = method.instructions.getFirst(); insn != null; insn = insn.getNext()) {
            if (insn.getOpcode() == Opcodes.JSR) {
                calls++;
            }
        }
        // Two calls per nesting level double the copies: this bounds what the inliner can grow to.
        boolean tooLarge = calls > MAX_JSR || (long) method.instructions.size() << (calls + 1) / 2 > MAX_RESULT;
        if (calls == 0 || tooLarge) {
            return method;
        }
        JSRInlinerAdapter adapter = new JSRInlinerAdapter(null, method.access, method.name, method.desc, null, null);
        try {
            method.accept(adapter);
        } catch (RuntimeException e) {
            throw new ConversionException(0, "the class file is damaged: its subroutines cannot be followed");
        }
        return adapter;
    }
}
