// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * A class with one constant, the card, which each card's loader defines for itself. Instrumented code reads it, and the
 * JVM's compiler knows it: to ask by thread at each store costs more than the store.
 */
final class ThisCard {

    static final String NAME = "org.opentsm.card.ThisCard";
    private static final String INTERNAL = NAME.replace('.', '/');
    private static final String FIELD = "CARD";
    static final String CARD = Type.getDescriptor(CardRuntime.class);
    private static final byte[] CODE = write();

    private ThisCard() {}

    static byte[] code() {
        return CODE.clone();
    }

    /** Puts the card on the stack. */
    static void push(MethodVisitor method) {
        method.visitFieldInsn(Opcodes.GETSTATIC, INTERNAL, FIELD, CARD);
    }

    /** A descriptor with the card behind the other arguments. */
    static String with(String descriptor) {
        return descriptor.replace(")", CARD + ")");
    }

    private static byte[] write() {
        ClassWriter writer = new ClassWriter(0);
        writer.visit(Opcodes.V17, Opcodes.ACC_PUBLIC | Opcodes.ACC_FINAL, INTERNAL, null, "java/lang/Object", null);
        writer.visitField(Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC | Opcodes.ACC_FINAL, FIELD, CARD, null, null);
        MethodVisitor begin = writer.visitMethod(Opcodes.ACC_STATIC, "<clinit>", "()V", null, null);
        begin.visitCode();
        begin.visitLdcInsn(Type.getObjectType(INTERNAL));
        begin.visitMethodInsn(
                Opcodes.INVOKESTATIC,
                Type.getInternalName(AppletClassLoader.class),
                "cardOf",
                "(Ljava/lang/Class;)" + CARD,
                false);
        begin.visitFieldInsn(Opcodes.PUTSTATIC, INTERNAL, FIELD, CARD);
        begin.visitInsn(Opcodes.RETURN);
        begin.visitMaxs(1, 0);
        begin.visitEnd();
        writer.visitEnd();
        return writer.toByteArray();
    }
}
