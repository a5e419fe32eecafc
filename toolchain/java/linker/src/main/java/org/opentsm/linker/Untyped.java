// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * What instructions do that take several types of arrays, as static methods of each class of a CAP without Descriptor:
 * baload and bastore serve bytes and booleans, arraylength all. They are code of the card like any other, so that the
 * platform's instrumentation sees them.
 */
final class Untyped {
    static final String LOAD = "arrayLoad";
    static final String STORE = "arrayStore";
    static final String LENGTH = "arrayLength";
    private static final String LOAD_TYPES = "(Ljava/lang/Object;I)I";
    private static final String STORE_TYPES = "(Ljava/lang/Object;II)V";
    private static final String LENGTH_TYPES = "(Ljava/lang/Object;)I";
    private static final int ACCESS = Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC | Opcodes.ACC_SYNTHETIC;

    private Untyped() {}

    static void call(MethodVisitor code, String owner, String name) {
        String types = name.equals(LOAD) ? LOAD_TYPES : name.equals(STORE) ? STORE_TYPES : LENGTH_TYPES;
        code.visitMethodInsn(Opcodes.INVOKESTATIC, owner, name, types, false);
    }

    static void emit(ClassWriter out) {
        emit(out, LOAD, LOAD_TYPES, Opcodes.BALOAD, "[Z", "[B");
        emit(out, STORE, STORE_TYPES, Opcodes.BASTORE, "[Z", "[B");
        emit(out, LENGTH, LENGTH_TYPES, Opcodes.ARRAYLENGTH, "[B", "[S", "[Z", "[I", "[Ljava/lang/Object;");
    }

    private static void emit(ClassWriter out, String name, String types, int opcode, String... arrays) {
        MethodVisitor code = out.visitMethod(ACCESS, name, types, null, null);
        code.visitCode();
        for (int i = 0; i < arrays.length; i++) {
            Label next = new Label();
            if (i < arrays.length - 1) {
                code.visitVarInsn(Opcodes.ALOAD, 0);
                code.visitTypeInsn(Opcodes.INSTANCEOF, arrays[i]);
                code.visitJumpInsn(Opcodes.IFEQ, next);
            }
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitTypeInsn(Opcodes.CHECKCAST, arrays[i]);
            for (int parameter = 1; parameter < Type.getArgumentTypes(types).length; parameter++) {
                code.visitVarInsn(Opcodes.ILOAD, parameter);
            }
            code.visitInsn(opcode);
            code.visitInsn(Type.getReturnType(types).getOpcode(Opcodes.IRETURN));
            code.visitLabel(next);
        }
        code.visitMaxs(0, 0);
        code.visitEnd();
    }
}
