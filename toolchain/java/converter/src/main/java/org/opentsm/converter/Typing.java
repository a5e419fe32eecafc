// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.IincInsnNode;
import org.objectweb.asm.tree.InsnNode;
import org.objectweb.asm.tree.IntInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.objectweb.asm.tree.LookupSwitchInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.TableSwitchInsnNode;
import org.objectweb.asm.tree.TypeInsnNode;
import org.objectweb.asm.tree.VarInsnNode;

/**
 * Decides for every number of a method whether it is short class or int, and enforces the off-card int rule: Java
 * computes in 32 bits, the card in 16, so a value that {@link Ranges} finds to be low must not be used where its upper
 * bits matter.
 */
final class Typing {
    static final String INTERMEDIATE =
            "unsupported int type of intermediate value, must cast intermediate value to" + " type short or byte.";
    static final String INDEX = "unsupported int type array index, must cast array index to type short or byte.";
    static final String SIZE = "unsupported int type array size, must cast array size to type short or byte.";

    /** What a use asks of a number. */
    enum Need {
        /** Its low 16 bits. */
        LOW,
        /** Its whole value, in either width. */
        FULL,
        /** Its whole value as an int. */
        INT,
        /** Its whole value as a short. */
        SHORT,
        /** A short that is an array index. */
        INDEX,
        /** A short that is an array length. */
        SIZE,
        /** Nothing. */
        NONE
    }

    private final MethodCode code;
    private final Flow flow;
    private final boolean ints;
    private final Constants constants;
    private final Ranges ranges;
    private final Reporter reporter;

    /** Takes an error at a source line. */
    interface Reporter {
        void error(int line, String message);
    }

    /** Values of static final fields that code still reads with getstatic. */
    interface Constants {
        /** The constant, or null when the field is not one. */
        Integer of(FieldInsnNode insn);
    }

    Typing(MethodCode code, Flow flow, boolean ints, Constants constants, Reporter reporter) {
        this.code = code;
        this.flow = flow;
        this.ints = ints;
        this.constants = constants;
        this.reporter = reporter;
        declareLocals();
        ranges = new Ranges(code, flow, ints, this::constant);
        if (ints) {
            widen();
        }
        check();
    }

    /** The number an instruction pushes when it is a constant, else null. */
    Integer constant(int index) {
        AbstractInsnNode insn = code.at(index);
        int op = insn.getOpcode();
        if (insn instanceof InsnNode && op >= Opcodes.ICONST_M1 && op <= Opcodes.ICONST_5) {
            return op - Opcodes.ICONST_0;
        }
        if (op == Opcodes.BIPUSH || op == Opcodes.SIPUSH) {
            return ((IntInsnNode) insn).operand;
        }
        if (insn instanceof LdcInsnNode ldc && ldc.cst instanceof Integer value) {
            return value;
        }
        return op == Opcodes.GETSTATIC ? constants.of((FieldInsnNode) insn) : null;
    }

    private Integer constant(Value value) {
        return value.source == Value.Source.INSTRUCTION ? constant(value.at) : null;
    }

    static boolean isShort(int value) {
        return value == (short) value;
    }

    /** True when the instruction's result is an int by itself, whatever uses it. */
    boolean producesInt(int index) {
        AbstractInsnNode insn = code.at(index);
        Integer constant = constant(index);
        if (constant != null) {
            return !isShort(constant);
        }
        return switch (insn.getOpcode()) {
            case Opcodes.IALOAD -> true;
            case Opcodes.GETFIELD, Opcodes.GETSTATIC -> ((FieldInsnNode) insn).desc.equals("I");
            case Opcodes.INVOKEVIRTUAL, Opcodes.INVOKESPECIAL, Opcodes.INVOKESTATIC, Opcodes.INVOKEINTERFACE ->
                ((MethodInsnNode) insn).desc.endsWith(")I");
            default -> false;
        };
    }

    private Value number(int index) {
        Value value = flow.reachable(index) ? flow.result(index) : null;
        return value != null && value.kind == Value.Kind.NUMBER ? value : null;
    }

    private void declareLocals() {
        Value[] parameters = flow.parameters();
        int slot = code.isStatic() ? 0 : 1;
        for (Type type : Type.getArgumentTypes(code.node().desc)) {
            if (!Flow.isReference(type)) {
                parameters[slot].declare(type.getDescriptor().charAt(0));
            }
            slot++;
        }
        for (int i = 0; i < code.size(); i++) {
            Value local = flow.reachable(i) ? flow.local(i) : null;
            if (local == null || local.kind != Value.Kind.NUMBER) {
                continue;
            }
            AbstractInsnNode insn = code.at(i);
            int used = insn instanceof VarInsnNode v ? v.var : ((IincInsnNode) insn).var;
            boolean store = insn.getOpcode() >= Opcodes.ISTORE && insn.getOpcode() <= Opcodes.ASTORE;
            MethodCode.Variable variable = code.variable(used, store ? i + 1 : i);
            if (variable != null && variable.descriptor().length() == 1) {
                local.declare(variable.descriptor().charAt(0));
                if (variable.descriptor().equals("C")) {
                    reporter.error(
                            code.line(i),
                            "local variable " + variable.name() + " is char, which is not in the Java Card"
                                    + " language; declare it byte or short");
                }
                if (!ints && variable.descriptor().equals("I")) {
                    reporter.error(
                            code.line(i),
                            "local variable " + variable.name() + " is int; declare it short, or enable int support");
                }
            } else if (!ints && insn.getOpcode() == Opcodes.IINC) {
                reporter.error(
                        code.line(i),
                        "an int counter is incremented here (for-each loops use one);"
                                + " write an index loop with a short");
            }
        }
    }

    // ---- int mode: find the webs that must be int ----

    private boolean changed;

    private void makeInt(Value value) {
        changed |= value.makeInt();
    }

    private void widen() {
        do {
            changed = false;
            for (int i = 0; i < code.size(); i++) {
                if (flow.reachable(i)) {
                    widen(i);
                }
            }
        } while (changed);
    }

    private void widen(int index) {
        Value[] in = flow.operands(index);
        Value out = number(index);
        int op = code.opcode(index);
        if (out != null && producesInt(index)) {
            makeInt(out);
        }
        if (op == Opcodes.ILOAD) {
            if (flow.local(index).isInt()) {
                makeInt(out);
            }
        } else if (op == Opcodes.ISTORE) {
            widenStore(in[0], flow.local(index));
        } else if (op == Opcodes.IINC) {
            makeInt(flow.local(index));
        } else if (isArithmetic(op)) {
            boolean any = out.isInt();
            for (Value value : in) {
                any |= value.isInt();
            }
            if (any) {
                makeInt(out);
                for (Value value : in) {
                    makeInt(value);
                }
            }
        } else if (op >= Opcodes.IF_ICMPEQ && op <= Opcodes.IF_ICMPLE && (in[0].isInt() || in[1].isInt())) {
            makeInt(in[0]);
            makeInt(in[1]);
        } else if (hasWideCase(index)) {
            makeInt(in[0]);
        }
        for (int i = 0; i < in.length; i++) {
            Need need = in[i].kind == Value.Kind.NUMBER ? need(index, i) : Need.NONE;
            if (need == Need.INT || need == Need.FULL && ranges.isLow(in[i])) {
                makeInt(in[i]);
            }
        }
    }

    private void widenStore(Value value, Value local) {
        if (local.isInt()) {
            makeInt(value);
        } else if (value.isInt() && !local.declaredShort()) {
            makeInt(local);
        }
    }

    static boolean isArithmetic(int op) {
        return switch (op) {
            case Opcodes.IADD,
                    Opcodes.ISUB,
                    Opcodes.IMUL,
                    Opcodes.IDIV,
                    Opcodes.IREM,
                    Opcodes.INEG,
                    Opcodes.ISHL,
                    Opcodes.ISHR,
                    Opcodes.IUSHR,
                    Opcodes.IAND,
                    Opcodes.IOR,
                    Opcodes.IXOR -> true;
            default -> false;
        };
    }

    /** True for a switch with a case that no short can equal. */
    private boolean hasWideCase(int index) {
        AbstractInsnNode insn = code.at(index);
        if (insn instanceof TableSwitchInsnNode table) {
            return !isShort(table.min) || !isShort(table.max);
        }
        return insn instanceof LookupSwitchInsnNode lookup
                && lookup.keys.stream().anyMatch(key -> !isShort(key));
    }

    // ---- what each use needs ----

    /** What an instruction needs of its operand at this place (0 = deepest). */
    Need need(int index, int operand) {
        AbstractInsnNode insn = code.at(index);
        int op = insn.getOpcode();
        if (op >= Opcodes.POP && op <= Opcodes.SWAP) {
            return Need.NONE;
        }
        return switch (op) {
            case Opcodes.IADD,
                    Opcodes.ISUB,
                    Opcodes.IMUL,
                    Opcodes.INEG,
                    Opcodes.ISHL,
                    Opcodes.IAND,
                    Opcodes.IOR,
                    Opcodes.IXOR,
                    Opcodes.I2B,
                    Opcodes.I2S -> Need.LOW;
            // A count counts by its low five bits alone.
            case Opcodes.ISHR, Opcodes.IUSHR -> operand == 1 ? Need.LOW : Need.FULL;
            case Opcodes.IALOAD, Opcodes.BALOAD, Opcodes.SALOAD, Opcodes.AALOAD, Opcodes.AASTORE -> Need.INDEX;
            case Opcodes.BASTORE, Opcodes.SASTORE -> operand == 1 ? Need.INDEX : Need.LOW;
            case Opcodes.IASTORE -> operand == 1 ? Need.INDEX : Need.INT;
            case Opcodes.NEWARRAY, Opcodes.ANEWARRAY, Opcodes.MULTIANEWARRAY -> Need.SIZE;
            case Opcodes.ISTORE ->
                flow.local(index).isInt() ? Need.INT : flow.local(index).declaredShort() ? Need.SHORT : Need.FULL;
            case Opcodes.IRETURN -> ofType(Type.getReturnType(code.node().desc).getDescriptor());
            case Opcodes.PUTFIELD, Opcodes.PUTSTATIC -> ofType(((FieldInsnNode) insn).desc);
            case Opcodes.INVOKEVIRTUAL, Opcodes.INVOKESPECIAL, Opcodes.INVOKEINTERFACE ->
                ofType(Type.getArgumentTypes(((MethodInsnNode) insn).desc)[operand - 1].getDescriptor());
            case Opcodes.INVOKESTATIC ->
                ofType(Type.getArgumentTypes(((MethodInsnNode) insn).desc)[operand].getDescriptor());
            default -> Need.FULL;
        };
    }

    private static Need ofType(String descriptor) {
        return descriptor.equals("I") ? Need.INT : Need.SHORT;
    }

    // ---- the rule ----

    private void check() {
        for (int i = 0; i < code.size(); i++) {
            if (!flow.reachable(i)) {
                continue;
            }
            Value[] in = flow.operands(i);
            for (int operand = 0; operand < in.length; operand++) {
                if (in[operand].kind == Value.Kind.NUMBER) {
                    checkUse(i, operand, in[operand]);
                }
            }
            if (!ints) {
                checkShortOnly(i);
            }
        }
    }

    private void checkUse(int index, int operand, Value value) {
        Need need = need(index, operand);
        boolean last = operand == flow.operands(index).length - 1;
        boolean wrong =
                switch (need) {
                    case NONE -> false;
                    case LOW -> !last && value.isInt() && isArrayStore(index);
                    case FULL -> !ints && ranges.isLow(value);
                    case INT -> !ints;
                    case SHORT -> ranges.isLow(value) || value.isInt() && !last;
                    case INDEX, SIZE -> ranges.isLow(value) || value.isInt();
                };
        if (wrong) {
            String text = need == Need.INDEX ? INDEX : need == Need.SIZE ? SIZE : INTERMEDIATE;
            reporter.error(code.line(index), text);
        }
    }

    private boolean isArrayStore(int index) {
        int op = code.opcode(index);
        return op == Opcodes.BASTORE || op == Opcodes.SASTORE;
    }

    private void checkShortOnly(int index) {
        Integer constant = constant(index);
        if (constant != null && !isShort(constant)) {
            reporter.error(
                    code.line(index),
                    "the constant " + constant + " does not fit a short; cast it to short or"
                            + " byte, or enable int support");
        } else if (number(index) != null && producesInt(index)) {
            reporter.error(code.line(index), "an int is read here; use short, or enable int support");
        } else if (hasWideCase(index)) {
            reporter.error(code.line(index), "a case of this switch does not fit a short; use short constants");
        } else if (code.opcode(index) == Opcodes.IASTORE || isIntArray(code.at(index))) {
            reporter.error(code.line(index), "int arrays need int support; use short[]");
        }
    }

    private static boolean isIntArray(AbstractInsnNode insn) {
        return insn.getOpcode() == Opcodes.NEWARRAY && ((IntInsnNode) insn).operand == Opcodes.T_INT
                || insn instanceof TypeInsnNode type && type.desc.equals("[I");
    }

    /** True when the last operand is an int that this use takes as a short; the translator narrows it first. */
    boolean narrowsLast(int index) {
        Value[] in = flow.operands(index);
        if (in.length == 0 || in[in.length - 1].kind != Value.Kind.NUMBER || !in[in.length - 1].isInt()) {
            return false;
        }
        Need need = need(index, in.length - 1);
        return need == Need.SHORT || need == Need.LOW && isArrayStore(index);
    }
}
