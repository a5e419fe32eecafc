// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.IincInsnNode;
import org.objectweb.asm.tree.IntInsnNode;
import org.objectweb.asm.tree.LookupSwitchInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.TableSwitchInsnNode;
import org.objectweb.asm.tree.TypeInsnNode;
import org.objectweb.asm.tree.VarInsnNode;

/** Turns one method's JVM instructions into JCVM instructions. */
final class MethodTranslator {
    private static final int MAX_CELLS = 255;

    private final World world;
    private final LinkedClass type;
    private final Member method;
    private final boolean ints;
    private final Diagnostics diagnostics;
    private final CodeWriter out = new CodeWriter();
    private MethodCode code;
    private Flow flow;
    private Typing typing;
    private LocalCells cells;
    private CapInsn.Label[] labels;
    /** Per JVM index how much had been emitted before it; -1 when it was dropped or folded. */
    private int[] positions;

    MethodTranslator(World world, Member method, boolean ints, Diagnostics diagnostics) {
        this.world = world;
        this.type = method.owner;
        this.method = method;
        this.ints = ints;
        this.diagnostics = diagnostics;
    }

    /** @return null when the method has errors, which are then in the diagnostics */
    TranslatedMethod translate() {
        int before = diagnostics.errorCount();
        try {
            int nargs = argumentCells(method.descriptor) + (method.isStatic() ? 0 : 1);
            if (nargs > MAX_CELLS) {
                throw new ConversionException(0, "the parameters need " + nargs + " cells, more than 255");
            }
            if (method.isAbstract()) {
                return new TranslatedMethod(
                        method, List.of(), List.of(), nargs, 0, false, usesInt(method.descriptor), List.of());
            }
            TranslatedMethod result = translateCode(nargs, before);
            return diagnostics.errorCount() == before ? result : null;
        } catch (ConversionException e) {
            error(e.line(), e.getMessage());
        } catch (IndexOutOfBoundsException | IllegalStateException | NullPointerException | ClassCastException e) {
            // A class file no compiler writes; the checks above should have named its fault.
            error(0, "the class file is damaged: the method cannot be followed (" + e + ")");
        }
        return null;
    }

    private void error(int line, String message) {
        diagnostics.error(type.name, method.key(), line, message);
    }

    static int argumentCells(String descriptor) {
        int sum = 0;
        for (Type argument : Type.getArgumentTypes(descriptor)) {
            sum += argument.getSort() == Type.INT ? 2 : 1;
        }
        return sum;
    }

    private static boolean usesInt(String descriptor) {
        for (Type argument : Type.getArgumentTypes(descriptor)) {
            if (argument.getDescriptor().endsWith("I") && !Flow.isReference(argument)
                    || argument.getDescriptor().equals("[I")) {
                return true;
            }
        }
        String result = Type.getReturnType(descriptor).getDescriptor();
        return result.equals("I") || result.equals("[I");
    }

    private TranslatedMethod translateCode(int nargs, int errorsBefore) {
        code = new MethodCode(SubroutineInliner.inline(method.method));
        if (SubsetCheck.checkCode(code, this::error)) {
            return null;
        }
        flow = new Flow(code);
        typing = new Typing(code, flow, ints, this::constantOf, this::error);
        if (diagnostics.errorCount() > errorsBefore) {
            resolveOnly();
            return null;
        }
        cells = new LocalCells(code, flow, method);
        prepareLabels();
        for (int i = 0; i < code.size(); i++) {
            if (flow.reachable(i)) {
                i = translateAt(i);
            }
        }
        List<TranslatedMethod.Handler> handlers = handlers();
        List<TranslatedMethod.Variable> variables = variables();
        boolean usesInt = out.usesInt() || usesInt(method.descriptor);
        boolean thisIsStable = !method.isStatic() && !cells.storesTo(0);
        return new TranslatedMethod(
                method, out.code(), handlers, nargs, cells.total() - nargs, thisIsStable, usesInt, variables);
    }

    /** Looks at every name once more, so that missing members are reported beside int errors. */
    private void resolveOnly() {
        for (int i = 0; i < code.size(); i++) {
            try {
                if (!flow.reachable(i) || isNullCheck(i)) {
                    continue;
                }
                if (code.at(i) instanceof MethodInsnNode call && !call.owner.startsWith("[")) {
                    LinkedClass owner = world.require(call.owner, code.line(i));
                    if (!owner.isInterface()) {
                        world.requireMethod(call.owner, call.name, call.desc, code.line(i));
                    }
                } else if (code.at(i) instanceof FieldInsnNode access) {
                    world.requireField(access.owner, access.name, access.desc, code.line(i));
                }
            } catch (ConversionException e) {
                error(e.line(), e.getMessage());
            }
        }
    }

    private Integer constantOf(FieldInsnNode insn) {
        LinkedClass owner = world.find(insn.owner);
        Member field = owner == null ? null : world.findField(owner, insn.name + insn.desc);
        return field == null || !field.isStatic() ? null : field.constant;
    }

    private void prepareLabels() {
        labels = new CapInsn.Label[code.size() + 1];
        for (int i = 0; i <= code.size(); i++) {
            if (code.isLeader(i)) {
                labels[i] = new CapInsn.Label();
            }
        }
        positions = new int[code.size()];
        java.util.Arrays.fill(positions, -1);
    }

    /** Translates the instruction, or a run of them; returns the index of the last one taken. */
    private int translateAt(int index) {
        if (labels[index] != null) {
            out.place(labels[index]);
        }
        positions[index] = out.code().size();
        out.line(code.line(index));
        int taken = index;
        try {
            int folded = foldIncrement(index);
            if (folded > index) {
                taken = folded;
            } else if (isNullCheck(index)) {
                emitNullCheck();
                taken = index + 1;
            } else {
                translate(index);
            }
        } catch (ConversionException e) {
            error(e.line() == 0 ? code.line(index) : e.line(), e.getMessage());
        }
        return taken;
    }

    // ---- patterns of several instructions ----

    /** iload x, push k, iadd or isub, i2s, istore x on a short local: one sinc. */
    private int foldIncrement(int index) {
        if (code.opcode(index) != Opcodes.ILOAD || index + 4 >= code.size()) {
            return index;
        }
        for (int i = index + 1; i <= index + 4; i++) {
            if (code.isLeader(i)) {
                return index;
            }
        }
        int slot = ((VarInsnNode) code.at(index)).var;
        Integer step = typing.constant(index + 1);
        int op = code.opcode(index + 2);
        boolean matches = step != null
                && (op == Opcodes.IADD || op == Opcodes.ISUB)
                && code.opcode(index + 3) == Opcodes.I2S
                && code.opcode(index + 4) == Opcodes.ISTORE
                && ((VarInsnNode) code.at(index + 4)).var == slot;
        if (!matches
                || flow.local(index).isInt()
                || flow.local(index + 4).isInt()
                || flow.result(index + 2).isInt()) {
            return index;
        }
        int cell = cells.of(slot, false);
        int delta = op == Opcodes.ISUB ? -step : step;
        if (delta != (short) delta) {
            return index;
        }
        if (delta == (byte) delta) {
            out.emit(Jcvm.SINC, 0, 0).with(cell, delta);
        } else {
            out.emit(Jcvm.SINC_W, 0, 0).with(cell, delta);
        }
        return index + 4;
    }

    /** javac's null check of an outer instance: Objects.requireNonNull(x) or x.getClass(), result dropped. */
    private boolean isNullCheck(int index) {
        if (!(code.at(index) instanceof MethodInsnNode call)
                || index + 1 >= code.size()
                || code.isLeader(index + 1)
                || code.opcode(index + 1) != Opcodes.POP) {
            return false;
        }
        return call.owner.equals("java/util/Objects")
                        && call.name.equals("requireNonNull")
                        && call.desc.equals("(Ljava/lang/Object;)Ljava/lang/Object;")
                || call.getOpcode() == Opcodes.INVOKEVIRTUAL
                        && call.name.equals("getClass")
                        && call.desc.equals("()Ljava/lang/Class;");
    }

    private void emitNullCheck() {
        CapInsn.Label present = new CapInsn.Label();
        out.emit(Jcvm.IFNONNULL, 1, 0).to(present);
        out.emit(Jcvm.ACONST_NULL, 0, 1);
        out.emit(Jcvm.ATHROW, 1, 0);
        out.place(present);
    }

    // ---- single instructions ----

    private void translate(int index) {
        Value[] in = flow.operands(index);
        Value result = flow.result(index);
        boolean wideResult = result != null && result.kind == Value.Kind.NUMBER && result.isInt();
        if (typing.narrowsLast(index)) {
            out.emit(Jcvm.I2S, 2, 1);
        }
        boolean madeInt = emit(index, in, wideResult);
        if (wideResult) {
            out.markInt();
            if (!madeInt) {
                out.emit(Jcvm.S2I, 1, 2);
            }
        }
    }

    /** Emits the instruction; true when its result already is an int. */
    private boolean emit(int index, Value[] in, boolean wide) {
        AbstractInsnNode insn = code.at(index);
        int op = insn.getOpcode();
        Integer constant = typing.constant(index);
        if (constant != null) {
            if (wide) {
                out.pushInt(constant);
            } else {
                out.pushShort(constant);
            }
            return wide;
        }
        if (Typing.isArithmetic(op)) {
            return arithmetic(op, in.length, wide);
        }
        if (op >= Opcodes.POP && op <= Opcodes.SWAP) {
            shuffle(op, in);
            return false;
        }
        if (op >= Opcodes.IRETURN && op <= Opcodes.RETURN) {
            checkReturn(op, index);
        }
        switch (op) {
            case Opcodes.NOP -> {}
            case Opcodes.ACONST_NULL -> out.emit(Jcvm.ACONST_NULL, 0, 1);
            case Opcodes.ILOAD, Opcodes.ALOAD -> {
                return load(index);
            }
            case Opcodes.ISTORE, Opcodes.ASTORE -> store(index);
            case Opcodes.IINC -> increment((IincInsnNode) insn);
            case Opcodes.AALOAD -> out.emit(Jcvm.AALOAD, 2, 1);
            case Opcodes.BALOAD -> out.emit(Jcvm.BALOAD, 2, 1);
            case Opcodes.SALOAD -> out.emit(Jcvm.SALOAD, 2, 1);
            case Opcodes.IALOAD -> {
                out.emit(Jcvm.IALOAD, 2, 2);
                return true;
            }
            case Opcodes.AASTORE -> out.emit(Jcvm.AASTORE, 3, 0);
            case Opcodes.BASTORE -> out.emit(Jcvm.BASTORE, 3, 0);
            case Opcodes.SASTORE -> out.emit(Jcvm.SASTORE, 3, 0);
            case Opcodes.IASTORE -> out.emit(Jcvm.IASTORE, 4, 0);
            case Opcodes.I2B -> out.emit(in[0].isInt() ? Jcvm.I2B : Jcvm.S2B, in[0].cells(), 1);
            case Opcodes.I2S -> {
                if (in[0].isInt()) {
                    out.emit(Jcvm.I2S, 2, 1);
                }
            }
            case Opcodes.ARRAYLENGTH -> out.emit(Jcvm.ARRAYLENGTH, 1, 1);
            case Opcodes.ATHROW -> out.emit(Jcvm.ATHROW, 1, 0);
            case Opcodes.RETURN -> out.emit(Jcvm.RETURN, 0, 0);
            case Opcodes.ARETURN -> out.emit(Jcvm.ARETURN, 1, 0);
            case Opcodes.IRETURN ->
                out.emit(
                        method.descriptor.endsWith("I") ? Jcvm.IRETURN : Jcvm.SRETURN,
                        method.descriptor.endsWith("I") ? 2 : 1,
                        0);
            case Opcodes.TABLESWITCH, Opcodes.LOOKUPSWITCH -> switchOn(index, in[0].isInt());
            case Opcodes.NEW -> newObject((TypeInsnNode) insn, index);
            case Opcodes.NEWARRAY -> out.emit(Jcvm.NEWARRAY, 1, 1).with(arrayType(((IntInsnNode) insn).operand));
            case Opcodes.ANEWARRAY ->
                out.emit(Jcvm.ANEWARRAY, 1, 1)
                        .ref(PoolKey.classref(world.require(((TypeInsnNode) insn).desc, code.line(index))));
            case Opcodes.CHECKCAST, Opcodes.INSTANCEOF -> typeTest(op, ((TypeInsnNode) insn).desc, index);
            case Opcodes.GETSTATIC, Opcodes.PUTSTATIC, Opcodes.GETFIELD, Opcodes.PUTFIELD -> {
                return field((FieldInsnNode) insn, index);
            }
            case Opcodes.INVOKEVIRTUAL, Opcodes.INVOKESPECIAL, Opcodes.INVOKESTATIC, Opcodes.INVOKEINTERFACE -> {
                return new CallTranslator(world, type, out).call((MethodInsnNode) insn, code.line(index));
            }
            default -> branch(op, index, in);
        }
        return false;
    }

    private void checkReturn(int op, int index) {
        if (Type.getReturnType(method.descriptor).getOpcode(Opcodes.IRETURN) != op) {
            throw new ConversionException(
                    code.line(index), "the class file is damaged: a value of another type is returned");
        }
    }

    private boolean arithmetic(int op, int operands, boolean wide) {
        int family =
                switch (op) {
                    case Opcodes.IADD -> Jcvm.SADD;
                    case Opcodes.ISUB -> Jcvm.SSUB;
                    case Opcodes.IMUL -> Jcvm.SMUL;
                    case Opcodes.IDIV -> Jcvm.SDIV;
                    case Opcodes.IREM -> Jcvm.SREM;
                    case Opcodes.INEG -> Jcvm.SNEG;
                    case Opcodes.ISHL -> Jcvm.SSHL;
                    case Opcodes.ISHR -> Jcvm.SSHR;
                    case Opcodes.IUSHR -> Jcvm.SUSHR;
                    case Opcodes.IAND -> Jcvm.SAND;
                    case Opcodes.IOR -> Jcvm.SOR;
                    default -> Jcvm.SXOR;
                };
        int size = wide ? 2 : 1;
        out.emit(wide ? family + 1 : family, operands * size, size);
        return wide;
    }

    private void shuffle(int op, Value[] v) {
        int all = 0;
        for (Value value : v) {
            all += value.cells();
        }
        int top = v[v.length - 1].cells();
        switch (op) {
            case Opcodes.POP -> out.pop(top);
            case Opcodes.POP2 -> pop2(v);
            case Opcodes.DUP, Opcodes.DUP_X1, Opcodes.DUP_X2 -> out.dup(top, all - top);
            case Opcodes.SWAP -> out.swap(top, all - top);
            default -> {
                int copied = top + v[v.length - 2].cells();
                out.dup(copied, all - copied);
            }
        }
    }

    /** Two shorts go at once; with an int among them each goes alone, so that no int is split. */
    private void pop2(Value[] v) {
        if (v[0].cells() == 1 && v[1].cells() == 1) {
            out.pop(2);
        } else {
            out.pop(v[1].cells());
            out.pop(v[0].cells());
        }
    }

    private boolean load(int index) {
        Value local = flow.local(index);
        boolean wide = local.kind == Value.Kind.NUMBER && local.isInt();
        int kind = local.kind == Value.Kind.REFERENCE ? 0 : wide ? 2 : 1;
        out.load(kind, cells.of(((VarInsnNode) code.at(index)).var, wide));
        return wide;
    }

    private void store(int index) {
        Value local = flow.local(index);
        boolean wide = local.kind == Value.Kind.NUMBER && local.isInt();
        int kind = local.kind == Value.Kind.REFERENCE ? 0 : wide ? 2 : 1;
        out.store(kind, cells.of(((VarInsnNode) code.at(index)).var, wide));
    }

    private void increment(IincInsnNode insn) {
        out.markInt();
        int cell = cells.of(insn.var, true);
        out.emit(insn.incr == (byte) insn.incr ? Jcvm.IINC : Jcvm.IINC_W, 0, 0).with(cell, insn.incr);
    }

    private void switchOn(int index, boolean wide) {
        AbstractInsnNode insn = code.at(index);
        int[] targets = code.targets(index);
        boolean table = insn instanceof TableSwitchInsnNode;
        int op = (table ? Jcvm.STABLESWITCH : Jcvm.SLOOKUPSWITCH) + (wide ? 1 : 0);
        CapInsn result = out.emit(op, wide ? 2 : 1, 0).to(labels[targets[0]]);
        result.cases = new ArrayList<>();
        for (int i = 1; i < targets.length; i++) {
            result.cases.add(labels[targets[i]]);
        }
        result.keys = insn instanceof TableSwitchInsnNode t
                ? new int[] {t.min, t.max}
                : ((LookupSwitchInsnNode) insn)
                        .keys.stream().mapToInt(Integer::intValue).toArray();
        for (int i = 1; i < result.keys.length; i++) {
            if (!table && result.keys[i] <= result.keys[i - 1]) {
                throw new ConversionException(
                        code.line(index), "the class file is damaged: the cases of a switch do not ascend");
            }
        }
    }

    private void newObject(TypeInsnNode insn, int index) {
        LinkedClass created = world.require(insn.desc, code.line(index));
        if (created.isInterface() || created.isAbstract()) {
            throw new ConversionException(code.line(index), created + " is abstract and cannot be created");
        }
        out.emit(Jcvm.NEW, 0, 1).ref(PoolKey.classref(created));
    }

    private int arrayType(int jvmType) {
        return switch (jvmType) {
            case Opcodes.T_BOOLEAN -> 10;
            case Opcodes.T_BYTE -> 11;
            case Opcodes.T_SHORT -> 12;
            default -> {
                out.markInt();
                yield 13;
            }
        };
    }

    private void typeTest(int op, String name, int index) {
        int jcvm = op == Opcodes.CHECKCAST ? Jcvm.CHECKCAST : Jcvm.INSTANCEOF;
        if (!name.startsWith("[")) {
            LinkedClass target = world.require(name, code.line(index));
            out.emit(jcvm, 1, 1).with(0).ref(PoolKey.classref(target));
        } else if (name.startsWith("[L")) {
            LinkedClass element = world.require(name.substring(2, name.length() - 1), code.line(index));
            out.emit(jcvm, 1, 1).with(14).ref(PoolKey.classref(element));
        } else {
            int atype =
                    switch (name.charAt(1)) {
                        case 'Z' -> 10;
                        case 'B' -> 11;
                        case 'S' -> 12;
                        default -> 13;
                    };
            if (atype == 13) {
                out.markInt();
            }
            out.emit(jcvm, 1, 1).with(atype);
        }
    }

    private boolean field(FieldInsnNode insn, int index) {
        Member field = world.requireField(insn.owner, insn.name, insn.desc, code.line(index));
        boolean isStatic = insn.getOpcode() == Opcodes.GETSTATIC || insn.getOpcode() == Opcodes.PUTSTATIC;
        boolean get = insn.getOpcode() == Opcodes.GETSTATIC || insn.getOpcode() == Opcodes.GETFIELD;
        if (field.isStatic() != isStatic) {
            throw new ConversionException(
                    code.line(index),
                    "the class file is damaged: field " + field + (isStatic ? " is not static" : " is static"));
        }
        if (isStatic && field.constant != null) {
            throw new ConversionException(code.line(index), "the constant " + field + " cannot be assigned");
        }
        if (field.owner.isImported() && isStatic && field.token == Member.NO_TOKEN) {
            throw new ConversionException(code.line(index), "field " + field + " has no token in its export file");
        }
        CallTranslator.requireAccess(type, field, code.line(index));
        char first = insn.desc.charAt(0);
        int kind = first == 'L' || first == '[' ? 0 : first == 'I' ? 3 : first == 'S' ? 2 : 1;
        int size = kind == 3 ? 2 : 1;
        if (kind == 3) {
            out.markInt();
        }
        int family = isStatic ? get ? Jcvm.GETSTATIC_A : Jcvm.PUTSTATIC_A : get ? Jcvm.GETFIELD_A : Jcvm.PUTFIELD_A;
        int object = isStatic ? 0 : 1;
        out.emit(family + kind, object + (get ? 0 : size), get ? size : 0)
                .ref(isStatic ? PoolKey.staticField(field) : PoolKey.instanceField(field));
        return kind == 3;
    }

    private void branch(int op, int index, Value[] in) {
        CapInsn.Label target = labels[code.targets(index)[0]];
        if (op >= Opcodes.IFEQ && op <= Opcodes.IFLE) {
            if (in[0].isInt()) {
                out.emit(Jcvm.ICONST_0, 0, 2);
                out.emit(Jcvm.ICMP, 4, 1);
            }
            out.emit(Jcvm.IFEQ + op - Opcodes.IFEQ, 1, 0).to(target);
        } else if (op >= Opcodes.IF_ICMPEQ && op <= Opcodes.IF_ICMPLE) {
            if (in[0].isInt()) {
                out.emit(Jcvm.ICMP, 4, 1);
                out.emit(Jcvm.IFEQ + op - Opcodes.IF_ICMPEQ, 1, 0).to(target);
            } else {
                out.emit(Jcvm.IF_SCMPEQ + op - Opcodes.IF_ICMPEQ, 2, 0).to(target);
            }
        } else if (op == Opcodes.IF_ACMPEQ || op == Opcodes.IF_ACMPNE) {
            out.emit(Jcvm.IF_ACMPEQ + op - Opcodes.IF_ACMPEQ, 2, 0).to(target);
        } else if (op == Opcodes.IFNULL || op == Opcodes.IFNONNULL) {
            out.emit(op == Opcodes.IFNULL ? Jcvm.IFNULL : Jcvm.IFNONNULL, 1, 0).to(target);
        } else {
            out.emit(Jcvm.GOTO, 0, 0).to(target);
        }
    }

    // ---- tables ----

    /** The label of a JVM index; when nothing was emitted there, the next place that was. */
    private CapInsn.Label labelFrom(int index) {
        for (int i = index; i < code.size(); i++) {
            if (flow.reachable(i) && labels[i] != null) {
                return labels[i];
            }
        }
        return new CapInsn.Label();
    }

    private List<TranslatedMethod.Handler> handlers() {
        List<TranslatedMethod.Handler> result = new ArrayList<>();
        for (MethodCode.Handler handler : code.handlers()) {
            boolean used = false;
            for (int i = handler.start(); i < handler.end(); i++) {
                used |= flow.reachable(i);
            }
            if (!used) {
                continue;
            }
            try {
                PoolKey caught = handler.type() == null
                        ? null
                        : PoolKey.classref(world.require(handler.type(), code.line(handler.target())));
                CapInsn.Label start = labelFrom(handler.start());
                CapInsn.Label end = labelFrom(handler.end());
                if (start.insn != end.insn) {
                    result.add(new TranslatedMethod.Handler(start, end, labels[handler.target()], caught));
                }
            } catch (ConversionException e) {
                error(e.line(), e.getMessage());
            }
        }
        return result;
    }

    private List<TranslatedMethod.Variable> variables() {
        List<TranslatedMethod.Variable> result = new ArrayList<>();
        for (MethodCode.Variable v : code.variables()) {
            int cell = cells.find(v.slot(), v.descriptor().equals("I"));
            CapInsn start = insnFrom(v.start());
            if (cell >= 0 && start != null) {
                result.add(new TranslatedMethod.Variable(cell, v.name(), v.descriptor(), start, insnFrom(v.end())));
            }
        }
        return result;
    }

    /** The first instruction emitted for a JVM index or one behind it; null at the end of the method. */
    private CapInsn insnFrom(int index) {
        for (int i = index; i < code.size(); i++) {
            if (positions[i] >= 0 && positions[i] < out.code().size()) {
                return out.code().get(positions[i]);
            }
        }
        return null;
    }
}
