// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Where the instrumenter puts its calls. The check of an access is left out for {@code this} alone, whose owner is
 * looked at when the method begins. Code that makes something else look like it is a CAP's, not a compiler's, so it is
 * written by hand here.
 */
class ElisionTest {

    private static final String CODE = "q/Q";

    /** What happens in a method with one argument of its own class, as words: the check, and reads of fields. */
    private static String seen(Consumer<MethodVisitor> body) {
        ClassWriter writer = new ClassWriter(0);
        writer.visit(Opcodes.V1_5, Opcodes.ACC_PUBLIC | Opcodes.ACC_SUPER, CODE, null, "java/lang/Object", null);
        writer.visitField(Opcodes.ACC_PUBLIC, "f", "S", null, null);
        MethodVisitor method = writer.visitMethod(Opcodes.ACC_PUBLIC, "m", "(Lq/Q;)S", null, null);
        method.visitCode();
        body.accept(method);
        method.visitInsn(Opcodes.IRETURN);
        method.visitMaxs(3, 3);
        List<String> words = new ArrayList<>();
        new ClassReader(Instrumenter.instrument(writer.toByteArray()))
                .accept(
                        new ClassVisitor(Opcodes.ASM9) {
                            @Override
                            public MethodVisitor visitMethod(
                                    int access, String name, String descriptor, String signature, String[] thrown) {
                                return new MethodVisitor(Opcodes.ASM9) {
                                    @Override
                                    public void visitMethodInsn(
                                            int opcode,
                                            String owner,
                                            String name,
                                            String descriptor,
                                            boolean isInterface) {
                                        words.add(name);
                                    }

                                    @Override
                                    public void visitFieldInsn(
                                            int opcode, String owner, String name, String descriptor) {
                                        if (opcode == Opcodes.GETFIELD) {
                                            words.add("read");
                                        }
                                    }
                                };
                            }
                        },
                        0);
        return String.join(" ", words);
    }

    private static void read(MethodVisitor method) {
        method.visitFieldInsn(Opcodes.GETFIELD, CODE, "f", "S");
    }

    @Test
    void thisIsLookedAtOnceAndOthersEachTime() {
        assertEquals("access read access read", seen(method -> {
            method.visitVarInsn(Opcodes.ALOAD, 0);
            read(method);
            method.visitInsn(Opcodes.POP);
            method.visitVarInsn(Opcodes.ALOAD, 1);
            read(method);
        }));
    }

    @Test
    void theVariableOfThisMayHoldAnother() {
        assertEquals("access access read", seen(method -> {
            method.visitVarInsn(Opcodes.ALOAD, 1);
            method.visitVarInsn(Opcodes.ASTORE, 0);
            method.visitVarInsn(Opcodes.ALOAD, 0);
            read(method);
        }));
    }

    @Test
    void anotherMayComeFromABranch() {
        assertEquals("access access read", seen(method -> {
            Label other = new Label();
            Label both = new Label();
            method.visitVarInsn(Opcodes.ALOAD, 1);
            method.visitJumpInsn(Opcodes.IFNULL, other);
            method.visitVarInsn(Opcodes.ALOAD, 1);
            method.visitJumpInsn(Opcodes.GOTO, both);
            method.visitLabel(other);
            method.visitVarInsn(Opcodes.ALOAD, 0);
            method.visitLabel(both);
            read(method);
        }));
    }

    @Test
    void aSwitchMayGoBack() {
        assertEquals("access beforeBackwardJump", seen(method -> {
            Label again = new Label();
            method.visitLabel(again);
            method.visitInsn(Opcodes.ICONST_0);
            method.visitTableSwitchInsn(1, 1, again, again);
            method.visitInsn(Opcodes.ICONST_0);
        }));
    }

    @Test
    void aSubroutineMayGoBack() {
        assertEquals("access beforeBackwardJump", seen(method -> {
            Label subroutine = new Label();
            Label end = new Label();
            method.visitJumpInsn(Opcodes.JSR, subroutine);
            method.visitJumpInsn(Opcodes.GOTO, end);
            method.visitLabel(subroutine);
            method.visitVarInsn(Opcodes.ASTORE, 2);
            method.visitVarInsn(Opcodes.RET, 2);
            method.visitLabel(end);
            method.visitInsn(Opcodes.ICONST_0);
        }));
    }

    @Test
    void aJumpMayTakeThisOffTheStack() {
        assertEquals("access access read", seen(method -> {
            Label never = new Label();
            method.visitVarInsn(Opcodes.ALOAD, 1);
            method.visitVarInsn(Opcodes.ALOAD, 0);
            method.visitJumpInsn(Opcodes.IFNULL, never);
            read(method);
            method.visitInsn(Opcodes.IRETURN);
            method.visitLabel(never);
            method.visitInsn(Opcodes.POP);
            method.visitInsn(Opcodes.ICONST_0);
        }));
    }
}
