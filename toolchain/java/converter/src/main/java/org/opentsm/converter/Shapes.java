// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.InvokeDynamicInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;

/** Operand shapes of the supported JVM instructions, and the text for each that is not. */
final class Shapes {
    static final String NO_LONG_FLOAT =
            "long, float and double are not in the Java Card language; use short or, with" + " ints enabled, int";

    private Shapes() {}

    /** "operands>result" in letters N and A; null when the instruction is outside the subset. */
    static String of(int op) {
        if (op >= Opcodes.ICONST_M1 && op <= Opcodes.ICONST_5 || op == Opcodes.BIPUSH || op == Opcodes.SIPUSH) {
            return ">N";
        }
        if (op >= Opcodes.IFEQ && op <= Opcodes.IFLE) {
            return "N>";
        }
        if (op >= Opcodes.IF_ICMPEQ && op <= Opcodes.IF_ICMPLE) {
            return "NN>";
        }
        return switch (op) {
            case Opcodes.NOP, Opcodes.GOTO, Opcodes.RETURN -> ">";
            case Opcodes.ACONST_NULL, Opcodes.NEW -> ">A";
            case Opcodes.LDC -> ">N";
            case Opcodes.IALOAD, Opcodes.BALOAD, Opcodes.SALOAD -> "AN>N";
            case Opcodes.AALOAD -> "AN>A";
            case Opcodes.IASTORE, Opcodes.BASTORE, Opcodes.SASTORE -> "ANN>";
            case Opcodes.AASTORE -> "ANA>";
            case Opcodes.IADD,
                    Opcodes.ISUB,
                    Opcodes.IMUL,
                    Opcodes.IDIV,
                    Opcodes.IREM,
                    Opcodes.ISHL,
                    Opcodes.ISHR,
                    Opcodes.IUSHR,
                    Opcodes.IAND,
                    Opcodes.IOR,
                    Opcodes.IXOR -> "NN>N";
            case Opcodes.INEG, Opcodes.I2B, Opcodes.I2S -> "N>N";
            case Opcodes.TABLESWITCH, Opcodes.LOOKUPSWITCH, Opcodes.IRETURN -> "N>";
            case Opcodes.ARETURN, Opcodes.ATHROW, Opcodes.IFNULL, Opcodes.IFNONNULL -> "A>";
            case Opcodes.IF_ACMPEQ, Opcodes.IF_ACMPNE -> "AA>";
            case Opcodes.NEWARRAY, Opcodes.ANEWARRAY -> "N>A";
            case Opcodes.ARRAYLENGTH, Opcodes.INSTANCEOF -> "A>N";
            case Opcodes.CHECKCAST -> "A>A";
            default -> null;
        };
    }

    /** What to write instead of an instruction outside the subset. */
    static String unsupported(AbstractInsnNode insn) {
        return switch (insn.getOpcode()) {
            case Opcodes.MONITORENTER, Opcodes.MONITOREXIT ->
                "synchronized is not supported: a card runs one thread; remove it";
            case Opcodes.I2C, Opcodes.CALOAD, Opcodes.CASTORE ->
                "char is not in the Java Card language; use byte or short";
            case Opcodes.INVOKEDYNAMIC -> dynamic((InvokeDynamicInsnNode) insn);
            case Opcodes.JSR, Opcodes.RET ->
                "jsr and ret of old compilers are nested too deeply; compile with --release 8";
            default -> NO_LONG_FLOAT;
        };
    }

    private static String dynamic(InvokeDynamicInsnNode insn) {
        String owner = insn.bsm == null ? "" : insn.bsm.getOwner();
        return owner.endsWith("StringConcatFactory")
                ? "String concatenation is not supported; build the text in a byte array"
                : "lambda expressions and method references are not supported; write a named class";
    }

    /** The text for a loaded constant that is no int; null when it is one. */
    static String badConstant(LdcInsnNode insn) {
        if (insn.cst instanceof Integer) {
            return null;
        }
        if (insn.cst instanceof String) {
            return "String is not in the Java Card language; use a byte array";
        }
        if (insn.cst instanceof Type) {
            return "class literals are not supported: a card has no reflection; remove it";
        }
        return NO_LONG_FLOAT;
    }
}
