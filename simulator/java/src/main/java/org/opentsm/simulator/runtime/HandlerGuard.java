// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.HashSet;
import java.util.Set;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Makes exception handlers of an applet end when its computing does. A handler that stands before what threw, or
 * around itself, is a loop without a jump, and handlers of a deep recursion take as long as one: each asks at its
 * beginning. And none catches the end of power, or the same handlers would catch it for ever: it has a handler before
 * theirs, which is outside of all of them and throws it on.
 */
final class HandlerGuard extends MethodVisitor {

    private static final String CUT = Type.getInternalName(PowerCut.class);
    private static final Set<String> CATCHES_CUT = Set.of("java/lang/Throwable", "java/lang/Error");
    private static final Object[] NOTHING = {};

    private final boolean hasFrames;
    /** A frame of the constructor's own object, not yet made, leads to no frame without it. */
    private final boolean guardsCut;

    private final Set<Label> handlers = new HashSet<>();
    private final Label end = new Label();
    private boolean cutCaught;
    private boolean atHandler;

    /** @param hasFrames whether the class file's version has stack maps, at each handler too */
    HandlerGuard(MethodVisitor next, boolean hasFrames, boolean isConstructor) {
        super(Opcodes.ASM9, next);
        this.hasFrames = hasFrames;
        guardsCut = !hasFrames || !isConstructor;
    }

    @Override
    public void visitTryCatchBlock(Label from, Label to, Label handler, String type) {
        if (guardsCut && (type == null || CATCHES_CUT.contains(type))) {
            cutCaught = true;
            super.visitTryCatchBlock(from, to, end, CUT);
        }
        handlers.add(handler);
        super.visitTryCatchBlock(from, to, handler, type);
    }

    @Override
    public void visitLabel(Label label) {
        super.visitLabel(label);
        atHandler |= handlers.contains(label);
        if (!hasFrames) {
            ask();
        }
    }

    @Override
    public void visitFrame(int type, int localCount, Object[] locals, int stackCount, Object[] stack) {
        super.visitFrame(type, localCount, locals, stackCount, stack);
        ask();
    }

    private void ask() {
        if (atHandler) {
            atHandler = false;
            ThisCard.push(mv);
            super.visitMethodInsn(
                    Opcodes.INVOKESTATIC,
                    Type.getInternalName(PlatformCalls.class),
                    "beforeBackwardJump",
                    ThisCard.with("()V"),
                    false);
        }
    }

    @Override
    public void visitMaxs(int maxStack, int maxLocals) {
        if (cutCaught) {
            super.visitLabel(end);
            if (hasFrames) {
                super.visitFrame(Opcodes.F_FULL, 0, NOTHING, 1, new Object[] {CUT});
            }
            super.visitInsn(Opcodes.ATHROW);
        }
        super.visitMaxs(maxStack, maxLocals);
    }
}
