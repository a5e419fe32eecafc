// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.FieldNode;
import org.objectweb.asm.tree.IntInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.tree.TypeInsnNode;

/** Finds what is outside the Java Card language in classes, member types and instructions. */
final class SubsetCheck {
    private final boolean ints;
    private final Diagnostics diagnostics;

    SubsetCheck(boolean ints, Diagnostics diagnostics) {
        this.ints = ints;
        this.diagnostics = diagnostics;
    }

    /** Checks what can be told without looking at code. */
    void check(ClassNode node) {
        if ((node.access & Opcodes.ACC_ENUM) != 0) {
            error(node, "", "enum is not supported; use static final byte constants");
            return;
        }
        if ((node.access & Opcodes.ACC_RECORD) != 0) {
            error(node, "", "records are not supported; write a class with fields");
        }
        if ((node.access & Opcodes.ACC_ANNOTATION) != 0) {
            error(node, "", "annotation types cannot be converted; leave the class out");
        }
        boolean isInterface = (node.access & Opcodes.ACC_INTERFACE) != 0;
        boolean isAbstract = (node.access & Opcodes.ACC_ABSTRACT) != 0;
        if (isInterface && !isAbstract || isAbstract && (node.access & Opcodes.ACC_FINAL) != 0) {
            error(node, "", "the class file is damaged: the flags of the class contradict each other");
        }
        for (FieldNode field : node.fields) {
            check(node, field, isInterface);
        }
        for (MethodNode method : node.methods) {
            check(node, method, isInterface);
        }
    }

    private void error(ClassNode node, String member, String message) {
        diagnostics.error(node.name, member, 0, message);
    }

    private void check(ClassNode node, FieldNode field, boolean isInterface) {
        if (field.name.equals("$assertionsDisabled")) {
            error(node, "", "assert is not supported; use an if statement and throw");
            return;
        }
        if (Integer.bitCount(field.access & (Opcodes.ACC_PUBLIC | Opcodes.ACC_PRIVATE | Opcodes.ACC_PROTECTED)) > 1) {
            error(node, field.name, "the class file is damaged: the flags of the field contradict each other");
        }
        String problem = typeProblem(field.desc);
        if (problem != null) {
            error(node, field.name, problem);
        }
        if ((field.access & Opcodes.ACC_VOLATILE) != 0) {
            error(node, field.name, "volatile is not supported: a card runs one thread; remove it");
        }
        if (isInterface && !(field.value instanceof Integer)) {
            error(node, field.name, "a field of an interface must be a compile-time constant; move it to a class");
        }
    }

    private void check(ClassNode node, MethodNode method, boolean isInterface) {
        String key = method.name + method.desc;
        boolean accessor = (method.access & Opcodes.ACC_SYNTHETIC) != 0 && method.name.startsWith("access$");
        if (accessor && !ints && method.desc.contains("I)")) {
            error(
                    node,
                    key,
                    "javac passes an int here, for a compound assignment to a private "
                            + "member of an inner or outer class;"
                            + " make that member package-visible, or write x = (short) (x + y)");
            return;
        }
        for (Type type : Type.getArgumentTypes(method.desc)) {
            String problem = typeProblem(type.getDescriptor());
            if (problem != null) {
                error(node, key, problem);
            }
        }
        Type result = Type.getReturnType(method.desc);
        String problem = result.getSort() == Type.VOID ? null : typeProblem(result.getDescriptor());
        if (problem != null) {
            error(node, key, problem);
        }
        if ((method.access & Opcodes.ACC_NATIVE) != 0) {
            error(node, key, "native methods are not supported; write the method in Java");
        }
        if ((method.access & Opcodes.ACC_SYNCHRONIZED) != 0) {
            error(node, key, "synchronized is not supported: a card runs one thread; remove it");
        }
        if ((method.access & Opcodes.ACC_STRICT) != 0) {
            error(node, key, "strictfp is not supported; remove it");
        }
        if (method.name.equals("finalize") && method.desc.equals("()V")) {
            error(node, key, "finalize is not supported: a card has no finalizer; remove it");
        }
        boolean initializer = method.name.equals("<clinit>");
        if (isInterface && !initializer && (method.access & Opcodes.ACC_ABSTRACT) == 0) {
            error(node, key, "default, static and private methods of interfaces are not supported; move it to a class");
        }
        int visibility =
                Integer.bitCount(method.access & (Opcodes.ACC_PUBLIC | Opcodes.ACC_PRIVATE | Opcodes.ACC_PROTECTED));
        boolean abstractToo = (method.access & Opcodes.ACC_ABSTRACT) != 0
                && ((method.access & (Opcodes.ACC_PRIVATE | Opcodes.ACC_STATIC | Opcodes.ACC_FINAL)) != 0
                        || method.name.startsWith("<"));
        if (visibility > 1
                || abstractToo
                || method.name.equals("<init>") && (method.access & Opcodes.ACC_STATIC) != 0) {
            error(node, key, "the class file is damaged: the flags of the method contradict each other");
        }
        boolean hasCode = method.instructions.size() > 0;
        boolean needsCode = (method.access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_NATIVE)) == 0;
        if (hasCode != needsCode) {
            error(
                    node,
                    key,
                    "the class file is damaged: " + (hasCode ? "an abstract method has code" : "a method has no code"));
        }
    }

    private String typeProblem(String descriptor) {
        return typeProblem(descriptor, ints);
    }

    /** What is wrong with a type, or null. */
    static String typeProblem(String descriptor, boolean ints) {
        if (descriptor.startsWith("[[")) {
            return "arrays of arrays are not supported; use one array and compute the index";
        }
        char letter = descriptor.charAt(descriptor.startsWith("[") ? 1 : 0);
        return switch (letter) {
            case 'J', 'F', 'D' -> Shapes.NO_LONG_FLOAT;
            case 'C' -> "char is not in the Java Card language; use byte or short";
            case 'I' -> ints ? null : "int needs int support; use short, or enable it";
            case 'L' ->
                descriptor.equals("Ljava/lang/String;")
                        ? "String is not in the Java Card language; use a byte array"
                        : null;
            default -> null;
        };
    }

    /** Reports every instruction outside the subset; true when there was one. */
    static boolean checkCode(MethodCode code, Typing.Reporter reporter) {
        boolean found = false;
        for (int i = 0; i < code.size(); i++) {
            String problem = problem(code.at(i));
            if (problem != null) {
                reporter.error(code.line(i), problem);
                found = true;
            }
        }
        return found;
    }

    private static String problem(AbstractInsnNode insn) {
        int op = insn.getOpcode();
        if (insn instanceof LdcInsnNode ldc) {
            return Shapes.badConstant(ldc);
        }
        if (insn instanceof FieldInsnNode field) {
            return field.name.equals("$assertionsDisabled")
                    ? "assert is not supported; use an if statement and throw"
                    : typeProblem(field.desc, true);
        }
        if (insn instanceof MethodInsnNode call) {
            return callProblem(call);
        }
        if (op == Opcodes.NEWARRAY) {
            int type = ((IntInsnNode) insn).operand;
            return switch (type) {
                case Opcodes.T_BOOLEAN, Opcodes.T_BYTE, Opcodes.T_SHORT, Opcodes.T_INT -> null;
                case Opcodes.T_CHAR -> "char is not in the Java Card language; use byte or short";
                default -> Shapes.NO_LONG_FLOAT;
            };
        }
        if (insn instanceof TypeInsnNode type) {
            String name = type.desc;
            boolean nested = op == Opcodes.ANEWARRAY ? name.startsWith("[") : name.startsWith("[[");
            if (nested) {
                return "arrays of arrays are not supported; use one array and compute the index";
            }
            return name.startsWith("[") ? typeProblem(name, true) : null;
        }
        if (op == Opcodes.MULTIANEWARRAY) {
            return "arrays of arrays are not supported; use one array and compute the index";
        }
        boolean plain = op == Opcodes.ILOAD
                || op == Opcodes.ALOAD
                || op == Opcodes.ISTORE
                || op == Opcodes.ASTORE
                || op == Opcodes.IINC
                || op >= Opcodes.POP && op <= Opcodes.SWAP
                || Shapes.of(op) != null;
        return plain ? null : Shapes.unsupported(insn);
    }

    private static String callProblem(MethodInsnNode call) {
        if (call.owner.startsWith("[") && call.name.equals("clone")) {
            return "clone is not supported; create an array and copy with Util.arrayCopy";
        }
        for (Type type : Type.getArgumentTypes(call.desc)) {
            String problem = typeProblem(type.getDescriptor(), true);
            if (problem != null) {
                return problem;
            }
        }
        Type result = Type.getReturnType(call.desc);
        return result.getSort() == Type.VOID ? null : typeProblem(result.getDescriptor(), true);
    }
}
