// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;

/**
 * Translates one method's bytecode. A short is a JVM int that is cut to 16 bits after each operation that can exceed
 * them; a local keeps its cell number, an int in the first of its two cells.
 */
final class MethodEmitter {
    private static final Map<String, Integer> PLAIN = plain();
    private static final Map<String, Integer> JUMPS = jumps();
    private final CapView view;
    private final MethodDescriptor method;
    private final MemberName name;
    private final MethodVisitor code;
    private final MethodInfo info;
    private final List<Instruction> instructions;
    private final List<Handler> handlers;
    private final Map<Integer, Label> labels = new HashMap<>();
    private StackShapes shapes;

    MethodEmitter(CapView view, MethodDescriptor method, MemberName name, MethodVisitor code) {
        this.view = view;
        this.method = method;
        this.name = name;
        this.code = code;
        info = view.cap.methods().methodAt(method.methodOffset(), method.bytecodeCount());
        instructions = Instruction.decodeAll(info.code());
        handlers = handlersOf(method, view.cap.methods().handlers());
    }

    /** A method without handlers may have any index. */
    private static List<Handler> handlersOf(MethodDescriptor method, List<Handler> all) {
        int end = method.handlerIndex() + method.handlerCount();
        if (method.handlerCount() > 0 && end > all.size()) {
            throw LinkException.inconsistent(
                    String.format("method @%04X has handlers up to %d of %d", method.methodOffset(), end, all.size()));
        }
        return method.handlerCount() == 0 ? List.of() : all.subList(method.handlerIndex(), end);
    }

    /** One JVM opcode each, for instructions that carry over as they are. */
    private static Map<String, Integer> plain() {
        Map<String, Integer> table = new HashMap<>();
        Object[] pairs = {
            "nop",
            Opcodes.NOP,
            "aconst_null",
            Opcodes.ACONST_NULL,
            "aaload",
            Opcodes.AALOAD,
            "baload",
            Opcodes.BALOAD,
            "saload",
            Opcodes.SALOAD,
            "iaload",
            Opcodes.IALOAD,
            "aastore",
            Opcodes.AASTORE,
            "bastore",
            Opcodes.BASTORE,
            "sastore",
            Opcodes.SASTORE,
            "iastore",
            Opcodes.IASTORE,
            "pop",
            Opcodes.POP,
            "dup",
            Opcodes.DUP,
            "iadd",
            Opcodes.IADD,
            "isub",
            Opcodes.ISUB,
            "imul",
            Opcodes.IMUL,
            "idiv",
            Opcodes.IDIV,
            "srem",
            Opcodes.IREM,
            "irem",
            Opcodes.IREM,
            "ineg",
            Opcodes.INEG,
            "ishl",
            Opcodes.ISHL,
            "sshr",
            Opcodes.ISHR,
            "ishr",
            Opcodes.ISHR,
            "iushr",
            Opcodes.IUSHR,
            "sand",
            Opcodes.IAND,
            "iand",
            Opcodes.IAND,
            "sor",
            Opcodes.IOR,
            "ior",
            Opcodes.IOR,
            "sxor",
            Opcodes.IXOR,
            "ixor",
            Opcodes.IXOR,
            "s2b",
            Opcodes.I2B,
            "i2b",
            Opcodes.I2B,
            "i2s",
            Opcodes.I2S,
            "areturn",
            Opcodes.ARETURN,
            "sreturn",
            Opcodes.IRETURN,
            "ireturn",
            Opcodes.IRETURN,
            "return",
            Opcodes.RETURN,
            "arraylength",
            Opcodes.ARRAYLENGTH,
            "athrow",
            Opcodes.ATHROW
        };
        for (int i = 0; i < pairs.length; i += 2) {
            table.put((String) pairs[i], (Integer) pairs[i + 1]);
        }
        return table;
    }

    private static Map<String, Integer> jumps() {
        Map<String, Integer> table = new HashMap<>();
        Object[] pairs = {
            "ifeq",
            Opcodes.IFEQ,
            "ifne",
            Opcodes.IFNE,
            "iflt",
            Opcodes.IFLT,
            "ifge",
            Opcodes.IFGE,
            "ifgt",
            Opcodes.IFGT,
            "ifle",
            Opcodes.IFLE,
            "ifnull",
            Opcodes.IFNULL,
            "ifnonnull",
            Opcodes.IFNONNULL,
            "if_acmpeq",
            Opcodes.IF_ACMPEQ,
            "if_acmpne",
            Opcodes.IF_ACMPNE,
            "if_scmpeq",
            Opcodes.IF_ICMPEQ,
            "if_scmpne",
            Opcodes.IF_ICMPNE,
            "if_scmplt",
            Opcodes.IF_ICMPLT,
            "if_scmpge",
            Opcodes.IF_ICMPGE,
            "if_scmpgt",
            Opcodes.IF_ICMPGT,
            "if_scmple",
            Opcodes.IF_ICMPLE,
            "goto",
            Opcodes.GOTO
        };
        for (int i = 0; i < pairs.length; i += 2) {
            table.put((String) pairs[i], (Integer) pairs[i + 1]);
            table.put(pairs[i] + "_w", (Integer) pairs[i + 1]);
        }
        table.put("jsr", Opcodes.JSR);
        return table;
    }

    /** JVM operand of newarray. */
    static int arrayType(char type) {
        return switch (type) {
            case 'Z' -> Opcodes.T_BOOLEAN;
            case 'B' -> Opcodes.T_BYTE;
            case 'S' -> Opcodes.T_SHORT;
            default -> Opcodes.T_INT;
        };
    }

    void emit() {
        LiveHandlers.of(instructions, handlers, info.codeOffset()).forEach(this::tryCatch);
        if (view.inferred && method.isStatic() && (method.flags() & DescriptorComponent.ACC_PRIVATE) != 0) {
            checkReceiver();
        }
        moveParameters();
        for (Instruction instruction : instructions) {
            for (int target : instruction.targets()) {
                label(target);
            }
        }
        Map<Integer, Integer> lines = view.sources.linesOf(method.methodOffset());
        lines.keySet().forEach(this::label);
        int end = info.code().length;
        for (Instruction instruction : instructions) {
            place(instruction.offset());
            Integer line = lines.get(instruction.offset());
            if (line != null) {
                code.visitLineNumber(line, label(instruction.offset()));
            }
            if (view.inferred
                    && translateUntyped(instruction, instruction.opcode().mnemonic())) {
                continue;
            }
            translate(instruction, instruction.opcode().mnemonic());
        }
        place(end);
    }

    /** A private method of a CAP without Descriptor is a static one; its receiver must be there all the same. */
    private void checkReceiver() {
        code.visitVarInsn(Opcodes.ALOAD, 0);
        code.visitMethodInsn(Opcodes.INVOKEVIRTUAL, Casts.OBJECT, "getClass", "()Ljava/lang/Class;", false);
        code.visitInsn(Opcodes.POP);
    }

    /** True when that was all; else the values that the instruction takes have the classes it needs. */
    private boolean translateUntyped(Instruction instruction, String mnemonic) {
        switch (mnemonic) {
            case "baload" -> Untyped.call(code, name.owner(), Untyped.LOAD);
            case "bastore" -> Untyped.call(code, name.owner(), Untyped.STORE);
            case "arraylength" -> Untyped.call(code, name.owner(), Untyped.LENGTH);
            default -> {
                Casts casts = new Casts(code, temporaries());
                wanted(instruction, mnemonic, casts);
                casts.emit(shapes().at(instruction.offset()));
                return false;
            }
        }
        return true;
    }

    private void wanted(Instruction instruction, String mnemonic, Casts casts) {
        int index = instruction.constantPoolIndex();
        switch (mnemonic) {
            case "aaload" -> casts.top(null, "[Ljava/lang/Object;");
            case "saload" -> casts.top(null, "[S");
            case "iaload" -> casts.top(null, "[I");
            case "aastore" -> casts.top(null, null, "[Ljava/lang/Object;");
            case "sastore" -> casts.top(null, null, "[S");
            case "iastore" -> casts.top(null, null, "[I");
            case "athrow" -> casts.top("java/lang/Throwable");
            case "areturn" -> casts.top(Casts.internal(Type.getReturnType(name.descriptor())));
            case "invokestatic" -> casts.call(view.member(index), false);
            case "invokevirtual" ->
                casts.call(view.isProtected(index) ? view.member(index).in(name.owner()) : view.member(index), true);
            case "invokespecial" -> special(index, casts);
            case "invokeinterface" ->
                casts.call(view.interfaceMethod(view.constant(index).classRef(), instruction.operand(2)), true);
            default -> {
                if (mnemonic.contains("field_") || mnemonic.contains("static_")) {
                    wantedByField(view.member(index), mnemonic, casts);
                }
            }
        }
    }

    /** A super call is one on "this", of the class that holds the code. */
    private void special(int index, Casts casts) {
        MemberName member = view.member(index);
        boolean isSuper = view.constant(index).tag() == ConstantPoolComponent.SUPER_METHODREF;
        casts.call(isSuper ? member.in(name.owner()) : member, !member.isConstructor() && !view.isStaticTarget(index));
    }

    private void wantedByField(MemberName field, String mnemonic, Casts casts) {
        if (mnemonic.startsWith("put")) {
            casts.top(Casts.internal(Type.getType(field.descriptor())));
        }
        if (!mnemonic.contains("static_") && !mnemonic.endsWith("_this")) {
            casts.top(field.owner());
        }
    }

    private Label label(int offset) {
        return labels.computeIfAbsent(offset, key -> new Label());
    }

    private void place(int offset) {
        Label label = labels.get(offset);
        if (label != null) {
            code.visitLabel(label);
        }
    }

    private void tryCatch(Handler handler) {
        String type = handler.catchTypeIndex() == 0 ? null : view.className(handler.catchTypeIndex());
        code.visitTryCatchBlock(
                label(handler.start() - info.codeOffset()),
                label(handler.end() - info.codeOffset()),
                label(handler.handlerOffset() - info.codeOffset()),
                type);
    }

    /** A JVM parameter takes one slot, an int parameter two cells: those behind an int move up, the last first. */
    private void moveParameters() {
        Type[] parameters = Type.getArgumentTypes(name.descriptor());
        TreeMap<Integer, Integer> cellBySlot = new TreeMap<>(java.util.Comparator.reverseOrder());
        int first = method.isStatic() ? 0 : 1;
        int cell = first;
        for (int i = 0; i < parameters.length; i++) {
            cellBySlot.put(first + i, cell);
            cell += parameters[i].getSort() == Type.INT ? 2 : 1;
        }
        cellBySlot.forEach((slot, target) -> {
            if (!slot.equals(target)) {
                Type type = parameters[slot - first];
                code.visitVarInsn(type.getOpcode(Opcodes.ILOAD), slot);
                code.visitVarInsn(type.getOpcode(Opcodes.ISTORE), target);
            }
        });
    }

    private void translate(Instruction instruction, String mnemonic) {
        Integer plain = PLAIN.get(mnemonic);
        Integer jump = JUMPS.get(mnemonic);
        if (plain != null) {
            code.visitInsn(plain);
        } else if (jump != null) {
            code.visitJumpInsn(jump, label(instruction.targets().get(0)));
        } else if (instruction.opcode().isSwitch()) {
            translateSwitch(instruction);
        } else if (mnemonic.contains("field_") || mnemonic.contains("static_")) {
            field(instruction, mnemonic);
        } else if (!translateConstantOrLocal(instruction, mnemonic) && !translateArithmetic(instruction, mnemonic)) {
            translateObject(instruction, mnemonic);
        }
    }

    private boolean translateConstantOrLocal(Instruction instruction, String mnemonic) {
        if (mnemonic.contains("const_")) {
            String value = mnemonic.substring(mnemonic.indexOf('_') + 1);
            push(value.equals("m1") ? -1 : Integer.parseInt(value));
            return true;
        }
        if (mnemonic.endsWith("push")) {
            push(instruction.operand(0));
            return true;
        }
        boolean load = mnemonic.startsWith("load", 1);
        boolean store = mnemonic.startsWith("store", 1);
        if (!load && !store) {
            return false;
        }
        int underscore = mnemonic.indexOf('_');
        int local = underscore < 0 ? instruction.operand(0) : Integer.parseInt(mnemonic.substring(underscore + 1));
        boolean reference = mnemonic.charAt(0) == 'a';
        int opcode = load ? reference ? Opcodes.ALOAD : Opcodes.ILOAD : reference ? Opcodes.ASTORE : Opcodes.ISTORE;
        code.visitVarInsn(opcode, local);
        return true;
    }

    private void push(int value) {
        if (value >= -1 && value <= 5) {
            code.visitInsn(Opcodes.ICONST_0 + value);
        } else if (value == (byte) value) {
            code.visitIntInsn(Opcodes.BIPUSH, value);
        } else if (value == (short) value) {
            code.visitIntInsn(Opcodes.SIPUSH, value);
        } else {
            code.visitLdcInsn(value);
        }
    }

    private boolean translateArithmetic(Instruction instruction, String mnemonic) {
        switch (mnemonic) {
            case "sadd" -> cut(Opcodes.IADD);
            case "ssub" -> cut(Opcodes.ISUB);
            case "smul" -> cut(Opcodes.IMUL);
            case "sdiv" -> cut(Opcodes.IDIV);
            case "sneg" -> cut(Opcodes.INEG);
            case "sshl" -> cut(Opcodes.ISHL);
            case "sushr" -> cut(Opcodes.IUSHR);
            case "s2i" -> {}
            case "icmp" -> compare();
            case "sinc", "sinc_w" -> {
                code.visitIincInsn(instruction.operand(0), instruction.operand(1));
                code.visitVarInsn(Opcodes.ILOAD, instruction.operand(0));
                code.visitInsn(Opcodes.I2S);
                code.visitVarInsn(Opcodes.ISTORE, instruction.operand(0));
            }
            case "iinc", "iinc_w" -> code.visitIincInsn(instruction.operand(0), instruction.operand(1));
            case "pop2", "dup2", "dup_x", "swap_x" ->
                new StackMoves(code, temporaries()).emit(instruction, shapes().at(instruction.offset()));
            case "ret" -> code.visitVarInsn(Opcodes.RET, instruction.operand(0));
            default -> {
                return false;
            }
        }
        return true;
    }

    private void cut(int opcode) {
        code.visitInsn(opcode);
        code.visitInsn(Opcodes.I2S);
    }

    /** The JVM compares ints only by branches; as longs they leave -1, 0 or 1. */
    private void compare() {
        code.visitVarInsn(Opcodes.ISTORE, temporaries());
        code.visitInsn(Opcodes.I2L);
        code.visitVarInsn(Opcodes.ILOAD, temporaries());
        code.visitInsn(Opcodes.I2L);
        code.visitInsn(Opcodes.LCMP);
    }

    /** First local behind those of the method. */
    private int temporaries() {
        return info.nargs() + info.maxLocals();
    }

    private StackShapes shapes() {
        if (shapes == null) {
            shapes = new StackShapes(
                    view,
                    instructions,
                    handlers.stream()
                            .map(handler -> handler.handlerOffset() - info.codeOffset())
                            .toList(),
                    method.isStatic());
        }
        return shapes;
    }

    private void field(Instruction instruction, String mnemonic) {
        MemberName field = view.member(instruction.constantPoolIndex());
        boolean put = mnemonic.startsWith("put");
        if (mnemonic.contains("static_")) {
            code.visitFieldInsn(
                    put ? Opcodes.PUTSTATIC : Opcodes.GETSTATIC, field.owner(), field.name(), field.descriptor());
            return;
        }
        if (mnemonic.endsWith("_this")) {
            code.visitVarInsn(Opcodes.ALOAD, 0);
            if (view.inferred && method.isStatic()) {
                code.visitTypeInsn(Opcodes.CHECKCAST, field.owner());
            }
            if (put) {
                code.visitInsn(Opcodes.SWAP);
            }
        }
        code.visitFieldInsn(put ? Opcodes.PUTFIELD : Opcodes.GETFIELD, field.owner(), field.name(), field.descriptor());
    }

    private void translateObject(Instruction instruction, String mnemonic) {
        switch (mnemonic) {
            case "invokevirtual" -> call(Opcodes.INVOKEVIRTUAL, view.member(instruction.constantPoolIndex()), false);
            case "invokestatic" -> call(Opcodes.INVOKESTATIC, view.member(instruction.constantPoolIndex()), false);
            case "invokespecial" -> {
                MemberName member = view.member(instruction.constantPoolIndex());
                if (view.isStaticTarget(instruction.constantPoolIndex())) {
                    call(Opcodes.INVOKESTATIC, member, false);
                } else if (member.isConstructor()) {
                    Calls.constructor(code, member);
                } else {
                    call(Opcodes.INVOKESPECIAL, member, false);
                }
            }
            case "invokeinterface" ->
                call(
                        Opcodes.INVOKEINTERFACE,
                        view.interfaceMethod(
                                view.constant(instruction.constantPoolIndex()).classRef(), instruction.operand(2)),
                        true);
            case "new" -> code.visitTypeInsn(Opcodes.NEW, view.className(instruction.constantPoolIndex()));
            case "newarray" -> code.visitIntInsn(Opcodes.NEWARRAY, arrayType(primitive(instruction.operand(0))));
            case "anewarray" -> code.visitTypeInsn(Opcodes.ANEWARRAY, view.className(instruction.constantPoolIndex()));
            case "checkcast" -> code.visitTypeInsn(Opcodes.CHECKCAST, castType(instruction));
            case "instanceof" -> code.visitTypeInsn(Opcodes.INSTANCEOF, castType(instruction));
            default -> throw LinkException.inconsistent("instruction " + mnemonic + " has no translation");
        }
    }

    private void call(int opcode, MemberName member, boolean isInterface) {
        code.visitMethodInsn(opcode, member.owner(), member.name(), member.descriptor(), isInterface);
    }

    private static char primitive(int atype) {
        if (atype < 10 || atype > 13) {
            throw LinkException.inconsistent("array type " + atype);
        }
        return "ZBSI".charAt(atype - 10);
    }

    private String castType(Instruction instruction) {
        int atype = instruction.operand(0);
        return switch (atype) {
            case 0 -> view.className(instruction.constantPoolIndex());
            case 14 -> "[L" + view.className(instruction.constantPoolIndex()) + ";";
            default -> "[" + primitive(atype);
        };
    }

    private void translateSwitch(Instruction instruction) {
        List<Integer> operands = instruction.operands();
        Label standard = label(instruction.offset() + operands.get(0));
        boolean table = instruction.opcode().mnemonic().contains("table");
        int count = table ? operands.size() - 3 : (operands.size() - 2) / 2;
        Label[] targets = new Label[count];
        int[] matches = new int[count];
        for (int i = 0; i < count; i++) {
            matches[i] = table ? operands.get(1) + i : operands.get(2 + 2 * i);
            targets[i] = label(instruction.offset() + operands.get(table ? 3 + i : 3 + 2 * i));
        }
        if (count == 0) {
            code.visitInsn(Opcodes.POP);
            code.visitJumpInsn(Opcodes.GOTO, standard);
        } else if (table) {
            code.visitTableSwitchInsn(matches[0], matches[count - 1], standard, targets);
        } else {
            code.visitLookupSwitchInsn(standard, matches, targets);
        }
    }
}
