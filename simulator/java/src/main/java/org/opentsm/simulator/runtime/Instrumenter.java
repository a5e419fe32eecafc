// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Rewrites an applet class so that the card sees what real silicon would: each store to persistent
 * memory, each allocation, each use of the crypto unit.
 *
 * <p>Array stores and the platform methods named in {@link PlatformCalls} become calls of that
 * class; field stores and allocations get a notice before them. Stack heights stay as they were,
 * so frames need no computing.
 */
final class Instrumenter {

    private static final String CALLS = Type.getInternalName(PlatformCalls.class);
    private static final Set<String> REPLACEMENTS = replacements();
    /** Offset in a class file. */
    private static final int MAJOR_VERSION = 6;

    private Instrumenter() {}

    public static byte[] instrument(byte[] classFile) {
        ClassReader reader = new ClassReader(Coverage.count(classFile));
        ClassWriter writer = new ClassWriter(reader, 0);
        PlatformBridges bridges = new PlatformBridges(reader.getClassName());
        Set<String> losing = losingThis(reader);
        boolean hasFrames = reader.readUnsignedShort(MAJOR_VERSION) >= Opcodes.V1_6;
        reader.accept(
                new ClassVisitor(Opcodes.ASM9, writer) {
                    @Override
                    public MethodVisitor visitMethod(
                            int access, String name, String descriptor, String signature, String[] exceptions) {
                        MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
                        return name.equals("<clinit>")
                                ? next
                                : new CardMethod(
                                        new HandlerGuard(next, hasFrames, name.equals("<init>")),
                                        bridges,
                                        access,
                                        name,
                                        !losing.contains(name + descriptor));
                    }

                    @Override
                    public void visitEnd() {
                        bridges.write(cv);
                        super.visitEnd();
                    }
                },
                0);
        return writer.toByteArray();
    }

    /** Methods that store into the variable where {@code this} is, which no compiler of Java does and a CAP may. */
    private static Set<String> losingThis(ClassReader reader) {
        Set<String> found = new HashSet<>();
        reader.accept(
                new ClassVisitor(Opcodes.ASM9) {
                    @Override
                    public MethodVisitor visitMethod(
                            int access, String name, String descriptor, String signature, String[] exceptions) {
                        return new MethodVisitor(Opcodes.ASM9) {
                            @Override
                            public void visitVarInsn(int opcode, int variable) {
                                if (variable == 0 && opcode == Opcodes.ASTORE) {
                                    found.add(name + descriptor);
                                }
                            }
                        };
                    }
                },
                ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
        return found;
    }

    private static Set<String> replacements() {
        Set<String> found = new HashSet<>();
        for (Method method : PlatformCalls.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers())) {
                // What stands in its place has the card behind the method's own arguments.
                found.add(method.getName() + Type.getMethodDescriptor(method).replace(ThisCard.CARD + ")", ")"));
            }
        }
        return found;
    }

    private static final class CardMethod extends MethodVisitor {

        /** What the checks put on the stack above what the method's own code needs. */
        private static final int MORE_STACK = 5;

        private final Set<Label> passed = new HashSet<>();
        private final PlatformBridges bridges;
        private final boolean hasThis;
        private final boolean isConstructor;
        /** False in code that puts something else where {@code this} is. */
        private final boolean keepsThis;
        /** The instruction before put {@code this} on the stack, whose owner was looked at when the method began. */
        private boolean onThis;
        /**
         * In a constructor: objects made whose own constructor is still to be called, and whether this one's superclass
         * was.
         */
        private int unfinished;

        private boolean constructed;

        CardMethod(MethodVisitor next, PlatformBridges bridges, int access, String name, boolean keepsThis) {
            super(Opcodes.ASM9, next);
            this.keepsThis = keepsThis;
            this.bridges = bridges;
            hasThis = (access & Opcodes.ACC_STATIC) == 0;
            isConstructor = name.equals("<init>");
        }

        @Override
        public void visitCode() {
            super.visitCode();
            if (hasThis && !isConstructor) {
                super.visitVarInsn(Opcodes.ALOAD, 0);
                call("access", "(Ljava/lang/Object;)V");
            }
        }

        @Override
        public void visitMaxs(int maxStack, int maxLocals) {
            super.visitMaxs(maxStack + MORE_STACK, maxLocals);
        }

        @Override
        public void visitVarInsn(int opcode, int variable) {
            if (opcode == Opcodes.RET) {
                // The end of a subroutine leads back to its call.
                call("beforeBackwardJump", "()V");
            }
            super.visitVarInsn(opcode, variable);
            onThis = hasThis && keepsThis && opcode == Opcodes.ALOAD && variable == 0;
        }

        private void checkTop() {
            super.visitInsn(Opcodes.DUP);
            call("access", "(Ljava/lang/Object;)V");
        }

        /** Of the object below a value of one word. */
        private void checkBelow(String check) {
            super.visitInsn(Opcodes.DUP2);
            super.visitInsn(Opcodes.POP);
            call(check, "(Ljava/lang/Object;)V");
        }

        /** @param descriptor without the card */
        private void call(String name, String descriptor) {
            ThisCard.push(mv);
            super.visitMethodInsn(Opcodes.INVOKESTATIC, CALLS, name, ThisCard.with(descriptor), false);
        }

        /** What is on the stack here may come from elsewhere. */
        @Override
        public void visitLabel(Label label) {
            onThis = false;
            passed.add(label);
            super.visitLabel(label);
        }

        @Override
        public void visitLdcInsn(Object value) {
            onThis = false;
            super.visitLdcInsn(value);
        }

        @Override
        public void visitTableSwitchInsn(int min, int max, Label otherwise, Label... labels) {
            beforeSwitch(otherwise, labels);
            super.visitTableSwitchInsn(min, max, otherwise, labels);
        }

        @Override
        public void visitLookupSwitchInsn(Label otherwise, int[] keys, Label[] labels) {
            beforeSwitch(otherwise, labels);
            super.visitLookupSwitchInsn(otherwise, keys, labels);
        }

        /** A switch can be a loop too. */
        private void beforeSwitch(Label otherwise, Label... labels) {
            onThis = false;
            if (passed.contains(otherwise) || Stream.of(labels).anyMatch(passed::contains)) {
                call("beforeBackwardJump", "()V");
            }
        }

        @Override
        public void visitJumpInsn(int opcode, Label label) {
            onThis = false;
            if (passed.contains(label)) {
                call("beforeBackwardJump", "()V");
            }
            super.visitJumpInsn(opcode, label);
        }

        @Override
        public void visitInsn(int opcode) {
            onThis = false;
            switch (opcode) {
                case Opcodes.BASTORE -> call("store", "(Ljava/lang/Object;II)V");
                case Opcodes.SASTORE -> call("store", "([SII)V");
                case Opcodes.IASTORE -> call("store", "([III)V");
                case Opcodes.AASTORE -> call("store", "([Ljava/lang/Object;ILjava/lang/Object;)V");
                case Opcodes.BALOAD, Opcodes.SALOAD, Opcodes.IALOAD -> {
                    checkBelow("beforeRead");
                    super.visitInsn(opcode);
                }
                case Opcodes.AALOAD -> {
                    checkBelow("access");
                    super.visitInsn(opcode);
                }
                case Opcodes.ARRAYLENGTH -> {
                    checkTop();
                    super.visitInsn(opcode);
                }
                default -> super.visitInsn(opcode);
            }
        }

        @Override
        public void visitFieldInsn(int opcode, String owner, String name, String descriptor) {
            boolean reference = descriptor.length() > 1;
            boolean ofThis = onThis;
            onThis = false;
            switch (opcode) {
                case Opcodes.GETFIELD -> {
                    if (!ofThis) {
                        checkTop();
                    }
                }
                case Opcodes.PUTFIELD -> {
                    if (!isConstructor || constructed) {
                        checkBelow("access");
                    }
                    beforeStore(reference);
                }
                case Opcodes.PUTSTATIC -> {
                    if (reference) {
                        super.visitInsn(Opcodes.DUP);
                        mv.visitLdcInsn(owner);
                        call("beforeStaticStore", "(Ljava/lang/Object;Ljava/lang/String;)V");
                    } else {
                        beforeStore(false);
                    }
                }
                default -> {}
            }
            super.visitFieldInsn(opcode, owner, name, descriptor);
            if (opcode == Opcodes.GETSTATIC && reference) {
                super.visitInsn(Opcodes.DUP);
                mv.visitLdcInsn(owner);
                call("afterStaticLoad", "(Ljava/lang/Object;Ljava/lang/String;)V");
            }
        }

        private void beforeStore(boolean reference) {
            if (reference) {
                super.visitInsn(Opcodes.DUP);
                call("beforeReferenceStore", "(Ljava/lang/Object;)V");
            } else {
                call("beforeFieldStore", "()V");
            }
        }

        @Override
        public void visitTypeInsn(int opcode, String type) {
            onThis = false;
            if (opcode == Opcodes.NEW) {
                // Behind it: a frame names an unfinished object by the place of its NEW.
                super.visitTypeInsn(opcode, type);
                mv.visitLdcInsn(Type.getObjectType(type));
                call("afterNew", "(Ljava/lang/Class;)V");
                unfinished++;
                return;
            }
            if (opcode == Opcodes.ANEWARRAY) {
                beforeArray(2);
            } else if (!type.startsWith("java")) {
                super.visitInsn(Opcodes.DUP);
                mv.visitLdcInsn(type);
                call("beforeCast", "(Ljava/lang/Object;Ljava/lang/String;)V");
            }
            super.visitTypeInsn(opcode, type);
        }

        @Override
        public void visitIntInsn(int opcode, int operand) {
            onThis = false;
            if (opcode == Opcodes.NEWARRAY) {
                beforeArray(operand == Opcodes.T_INT ? 4 : operand == Opcodes.T_SHORT ? 2 : 1);
            }
            super.visitIntInsn(opcode, operand);
        }

        private void beforeArray(int elementSize) {
            super.visitInsn(Opcodes.DUP);
            super.visitInsn(Opcodes.ICONST_0 + elementSize);
            call("beforeArray", "(II)V");
        }

        @Override
        public void visitMethodInsn(int opcode, String owner, String name, String descriptor, boolean isInterface) {
            onThis = false;
            if (name.equals("<init>")) {
                constructed |= unfinished == 0;
                unfinished -= unfinished == 0 ? 0 : 1;
            }
            if (!owner.startsWith("javacard") || opcode == Opcodes.INVOKESPECIAL) {
                super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
                return;
            }
            boolean isStatic = opcode == Opcodes.INVOKESTATIC;
            String flat = isStatic ? descriptor : "(L" + owner + ";" + descriptor.substring(1);
            if (REPLACEMENTS.contains(name + flat)) {
                call(name, flat);
                return;
            }
            if (isStatic
                    && (name.startsWith("makeTransient") || name.equals("getInstance") || name.equals("buildKey"))) {
                call("beforeAllocation", "()V");
            } else if (!isStatic && changesPersistentObject(owner, name)) {
                call("beforeFieldStore", "()V");
            } else if (!isStatic && name.startsWith("get") && descriptor.startsWith("([B")) {
                call("beforePlatformWrites", "()V");
            }
            String bridge = bridges.of(opcode, owner, name, descriptor, isInterface);
            if (bridge == null) {
                super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
            } else {
                super.visitMethodInsn(Opcodes.INVOKESTATIC, bridges.className(), bridge, flat, false);
            }
        }

        private static boolean changesPersistentObject(String owner, String name) {
            return owner.equals("javacard/framework/OwnerPIN")
                    && !name.equals("isValidated")
                    && !name.equals("getTriesRemaining");
        }
    }
}
