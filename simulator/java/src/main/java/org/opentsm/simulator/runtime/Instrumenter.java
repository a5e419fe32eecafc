package org.opentsm.simulator.runtime;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.HashSet;
import java.util.Set;
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
 * so frames and limits need no computing.
 */
final class Instrumenter {

    private static final String CALLS = Type.getInternalName(PlatformCalls.class);
    private static final Set<String> REPLACEMENTS = replacements();

    private Instrumenter() {
    }

    public static byte[] instrument(byte[] classFile) {
        ClassReader reader = new ClassReader(classFile);
        ClassWriter writer = new ClassWriter(reader, 0);
        reader.accept(new ClassVisitor(Opcodes.ASM9, writer) {
            @Override
            public MethodVisitor visitMethod(int access, String name, String descriptor, String signature, String[] exceptions) {
                MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
                return name.equals("<clinit>") ? next : new CardMethod(next);
            }
        }, 0);
        return writer.toByteArray();
    }

    private static Set<String> replacements() {
        Set<String> found = new HashSet<>();
        for (Method method : PlatformCalls.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers())) {
                found.add(method.getName() + Type.getMethodDescriptor(method));
            }
        }
        return found;
    }

    private static final class CardMethod extends MethodVisitor {

        private final Set<Label> passed = new HashSet<>();

        CardMethod(MethodVisitor next) {
            super(Opcodes.ASM9, next);
        }

        private void call(String name, String descriptor) {
            super.visitMethodInsn(Opcodes.INVOKESTATIC, CALLS, name, descriptor, false);
        }

        @Override
        public void visitLabel(Label label) {
            passed.add(label);
            super.visitLabel(label);
        }

        @Override
        public void visitJumpInsn(int opcode, Label label) {
            if (passed.contains(label)) {
                call("beforeBackwardJump", "()V");
            }
            super.visitJumpInsn(opcode, label);
        }

        @Override
        public void visitInsn(int opcode) {
            switch (opcode) {
                case Opcodes.BASTORE -> call("store", "(Ljava/lang/Object;II)V");
                case Opcodes.SASTORE -> call("store", "([SII)V");
                case Opcodes.IASTORE -> call("store", "([III)V");
                case Opcodes.AASTORE -> call("store", "([Ljava/lang/Object;ILjava/lang/Object;)V");
                default -> super.visitInsn(opcode);
            }
        }

        @Override
        public void visitFieldInsn(int opcode, String owner, String name, String descriptor) {
            if (opcode == Opcodes.PUTFIELD || opcode == Opcodes.PUTSTATIC) {
                call("beforeFieldStore", "()V");
            }
            super.visitFieldInsn(opcode, owner, name, descriptor);
        }

        @Override
        public void visitTypeInsn(int opcode, String type) {
            if (opcode == Opcodes.NEW || opcode == Opcodes.ANEWARRAY) {
                call("beforeAllocation", "()V");
            }
            super.visitTypeInsn(opcode, type);
        }

        @Override
        public void visitIntInsn(int opcode, int operand) {
            if (opcode == Opcodes.NEWARRAY) {
                call("beforeAllocation", "()V");
            }
            super.visitIntInsn(opcode, operand);
        }

        @Override
        public void visitMethodInsn(int opcode, String owner, String name, String descriptor, boolean isInterface) {
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
            if (isStatic && (name.startsWith("makeTransient") || name.equals("getInstance") || name.equals("buildKey"))) {
                call("beforeAllocation", "()V");
            } else if (!isStatic && changesPersistentObject(owner, name)) {
                call("beforeFieldStore", "()V");
            } else if (!isStatic && name.startsWith("get") && descriptor.startsWith("([B")) {
                call("beforePlatformWrites", "()V");
            }
            super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
        }

        private static boolean changesPersistentObject(String owner, String name) {
            return owner.equals("javacard/framework/OwnerPIN") && !name.equals("isValidated") && !name.equals("getTriesRemaining");
        }
    }
}
