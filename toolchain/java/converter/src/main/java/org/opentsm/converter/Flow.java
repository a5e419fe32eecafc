// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.IincInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MultiANewArrayInsnNode;
import org.objectweb.asm.tree.VarInsnNode;

/**
 * Abstract run of one method: which instructions are reachable, which value each operand is and what every local
 * holds. Bounded by a step budget, so that a hostile method ends in an error.
 */
final class Flow {
    private static final int STEP_BUDGET = 5_000_000;
    private static final Value[] NONE = {};

    private final MethodCode code;
    private final Liveness liveness;
    private final List<Value> values = new ArrayList<>();
    private final Frame[] entry;
    private final boolean[] queued;
    private final Deque<Integer> work = new ArrayDeque<>();
    private final Value[] produced;
    private final Value[] storedLocal;
    /** Per handler start the exception it catches. */
    private final Value[] thrown;

    private final Value[][] operands;
    private final Value[] localAt;
    private final Value[] parameters;
    private final int[] depth;
    private int steps;

    private static final class Frame {
        final Value[] locals;
        Value[] stack;

        Frame(Value[] locals, Value[] stack) {
            this.locals = locals;
            this.stack = stack;
        }
    }

    /** @throws ConversionException when the code is not well formed or too complex */
    Flow(MethodCode code) {
        this.code = code;
        int size = code.size();
        liveness = new Liveness(code);
        entry = new Frame[size];
        thrown = new Value[size];
        queued = new boolean[size];
        produced = new Value[size];
        storedLocal = new Value[size];
        operands = new Value[size][];
        localAt = new Value[size];
        depth = new int[size];
        parameters = new Value[code.maxLocals()];
        run();
    }

    /** Operands of a reachable instruction, bottom first; null when it is never reached. */
    Value[] operands(int index) {
        return operands[index];
    }

    boolean reachable(int index) {
        return operands[index] != null;
    }

    /** What the instruction pushes (its first result; the dup family pushes its operands again), or null. */
    Value result(int index) {
        return produced[index];
    }

    /** The local an instruction loads, stores or increments: for a store the new content, else the old one. */
    Value local(int index) {
        return localAt[index];
    }

    /** Parameters by local slot; null where no parameter starts. */
    Value[] parameters() {
        return parameters;
    }

    List<Value> values() {
        return values;
    }

    /** Number of values on the stack before the instruction. */
    int depth(int index) {
        return depth[index];
    }

    private Value create(Value.Kind kind, Value.Source source, int at) {
        Value value = new Value(values.size(), kind, source, at);
        values.add(value);
        return value;
    }

    private ConversionException broken(int index, String what) {
        return new ConversionException(code.line(index), "the class file is damaged: " + what);
    }

    private void run() {
        Frame start = new Frame(new Value[code.maxLocals()], NONE);
        int slot = 0;
        if (!code.isStatic()) {
            slot = parameter(start, slot, Value.Kind.REFERENCE);
        }
        for (Type type : Type.getArgumentTypes(code.node().desc)) {
            slot = parameter(start, slot, isReference(type) ? Value.Kind.REFERENCE : Value.Kind.NUMBER);
        }
        if (code.size() == 0) {
            throw new ConversionException(0, "the class file is damaged: a method has no code");
        }
        entry[0] = start;
        enqueue(0);
        while (!work.isEmpty()) {
            int leader = work.poll();
            queued[leader] = false;
            runBlock(leader, false);
        }
        for (int i = 0; i < entry.length; i++) {
            if (entry[i] != null) {
                runBlock(i, true);
            }
        }
    }

    private int parameter(Frame frame, int slot, Value.Kind kind) {
        if (slot >= frame.locals.length) {
            throw new ConversionException(0, "the class file is damaged: parameters exceed max_locals");
        }
        parameters[slot] = create(kind, Value.Source.LOCAL, -1);
        frame.locals[slot] = parameters[slot];
        return slot + 1;
    }

    static boolean isReference(Type type) {
        return type.getSort() == Type.OBJECT || type.getSort() == Type.ARRAY;
    }

    private void enqueue(int leader) {
        if (!queued[leader]) {
            queued[leader] = true;
            work.add(leader);
        }
    }

    /** Runs from a leader to the end of its block; in the recording pass notes operands instead of spreading. */
    private void runBlock(int leader, boolean record) {
        Machine machine = new Machine(entry[leader]);
        boolean localsChanged = true;
        for (int i = leader; ; i++) {
            spend(1, i);
            if (i >= code.size()) {
                throw broken(code.size() - 1, "control runs off the end of the method");
            }
            if (i > leader && code.isLeader(i)) {
                if (!record) {
                    merge(i, machine.locals, machine.stackArray(), i);
                }
                return;
            }
            if (!record && (localsChanged || code.isRangeStart(i))) {
                for (MethodCode.Handler handler : code.handlersAt(i)) {
                    mergeHandler(handler.target(), machine.locals, i);
                }
            }
            AbstractInsnNode insn = code.at(i);
            localsChanged = machine.execute(i, insn, record);
            if (!record) {
                for (int target : code.targets(i)) {
                    merge(target, machine.locals, machine.stackArray(), i);
                }
            }
            if (code.endsBlock(i)) {
                return;
            }
        }
    }

    /** Keeps the work on a hostile method bounded. */
    private void spend(int cost, int index) {
        steps += cost;
        if (steps > STEP_BUDGET) {
            throw new ConversionException(
                    code.line(index), "the method's control flow is too complex to follow; split it");
        }
    }

    private void mergeHandler(int target, Value[] locals, int from) {
        if (thrown[target] == null) {
            thrown[target] = create(Value.Kind.REFERENCE, Value.Source.STACK_JOIN, target);
            thrown[target].markJoin();
        }
        merge(target, locals, new Value[] {thrown[target]}, from);
    }

    private void merge(int target, Value[] locals, Value[] stack, int from) {
        spend(1 + (locals.length + stack.length) / 8, from);
        Frame frame = entry[target];
        if (frame == null) {
            Value[] kept = new Value[locals.length];
            for (int slot = 0; slot < locals.length; slot++) {
                kept[slot] = liveness.isLive(target, slot) ? locals[slot] : null;
            }
            entry[target] = new Frame(kept, stack.clone());
            enqueue(target);
            return;
        }
        if (frame.stack.length != stack.length) {
            throw broken(from, "branches meet with different stack depths");
        }
        boolean changed = false;
        for (int slot = 0; slot < locals.length; slot++) {
            changed |= mergeLocal(target, slot, frame, locals[slot]);
        }
        for (int slot = 0; slot < stack.length; slot++) {
            changed |= mergeStack(target, slot, frame, stack[slot], from);
        }
        if (changed) {
            enqueue(target);
        }
    }

    private boolean mergeLocal(int target, int slot, Frame frame, Value incoming) {
        Value present = frame.locals[slot];
        if (present == null || present == incoming) {
            return false;
        }
        if (incoming == null || incoming.kind != present.kind) {
            frame.locals[slot] = null;
            return true;
        }
        if (present.isJoinAt(target)) {
            present.meet(incoming);
            return false;
        }
        Value join = create(present.kind, Value.Source.LOCAL, target);
        join.markJoin();
        join.meet(present);
        join.meet(incoming);
        frame.locals[slot] = join;
        return true;
    }

    private boolean mergeStack(int target, int slot, Frame frame, Value incoming, int from) {
        Value present = frame.stack[slot];
        if (present == incoming) {
            return false;
        }
        if (incoming.kind != present.kind) {
            throw broken(from, "a reference meets a number where branches join");
        }
        if (present.isJoinAt(target)) {
            present.meet(incoming);
            return false;
        }
        Value join = create(present.kind, Value.Source.STACK_JOIN, target);
        join.markJoin();
        join.meet(present);
        join.meet(incoming);
        frame.stack[slot] = join;
        return true;
    }

    /** The state while one block runs. */
    private final class Machine {
        final Value[] locals;
        private final List<Value> stack;
        private int index;

        Machine(Frame frame) {
            locals = frame.locals.clone();
            stack = new ArrayList<>(Arrays.asList(frame.stack));
        }

        Value[] stackArray() {
            return stack.toArray(NONE);
        }

        private Value pop() {
            if (stack.isEmpty()) {
                throw broken(index, "the operand stack underflows");
            }
            return stack.remove(stack.size() - 1);
        }

        private Value pop(Value.Kind kind) {
            Value value = pop();
            if (value.kind != kind) {
                throw broken(
                        index,
                        "an operand is a " + (kind == Value.Kind.NUMBER ? "reference" : "number")
                                + " where the other is needed");
            }
            return value;
        }

        private void push(Value value) {
            if (stack.size() >= 255) {
                throw new ConversionException(code.line(index), "the operand stack needs more than 255 cells");
            }
            stack.add(value);
        }

        private void pushNew(Value.Kind kind) {
            if (produced[index] == null) {
                produced[index] = create(kind, Value.Source.INSTRUCTION, index);
            }
            push(produced[index]);
        }

        /** Executes one instruction; true when a local changed. */
        boolean execute(int at, AbstractInsnNode insn, boolean record) {
            index = at;
            depth[at] = stack.size();
            int op = insn.getOpcode();
            if (op >= Opcodes.ILOAD && op <= Opcodes.ALOAD) {
                load(((VarInsnNode) insn).var, op);
                if (record) {
                    operands[at] = NONE;
                }
                return false;
            }
            if (op >= Opcodes.ISTORE && op <= Opcodes.ASTORE) {
                Value value = pop(op == Opcodes.ASTORE ? Value.Kind.REFERENCE : Value.Kind.NUMBER);
                store(((VarInsnNode) insn).var, value, op);
                if (record) {
                    operands[at] = new Value[] {value};
                }
                return true;
            }
            if (op == Opcodes.IINC) {
                increment(((IincInsnNode) insn).var);
                if (record) {
                    operands[at] = NONE;
                }
                return true;
            }
            Value[] taken = isStackShuffle(op) ? shuffle(op) : plain(op, insn);
            if (record) {
                operands[at] = taken;
            }
            return false;
        }

        private void load(int slot, int op) {
            Value.Kind kind = op == Opcodes.ALOAD ? Value.Kind.REFERENCE : Value.Kind.NUMBER;
            Value local = slot < locals.length ? locals[slot] : null;
            if (local == null || local.kind != kind) {
                throw broken(index, "local " + slot + " is read where it has no value of that type");
            }
            localAt[index] = local;
            pushNew(kind);
        }

        private void store(int slot, Value value, int op) {
            if (slot >= locals.length) {
                throw broken(index, "local " + slot + " is beyond max_locals");
            }
            if (storedLocal[index] == null) {
                storedLocal[index] = create(value.kind, Value.Source.LOCAL, index);
            }
            locals[slot] = storedLocal[index];
            localAt[index] = storedLocal[index];
        }

        private void increment(int slot) {
            Value local = slot < locals.length ? locals[slot] : null;
            if (local == null || local.kind != Value.Kind.NUMBER) {
                throw broken(index, "local " + slot + " is incremented where it holds no number");
            }
            if (storedLocal[index] == null) {
                storedLocal[index] = create(Value.Kind.NUMBER, Value.Source.LOCAL, index);
            }
            storedLocal[index].join(local);
            localAt[index] = storedLocal[index];
            locals[slot] = storedLocal[index];
        }

        private boolean isStackShuffle(int op) {
            return op >= Opcodes.POP && op <= Opcodes.SWAP;
        }

        /** Pops what a pop, dup or swap touches and pushes the same values again; returns those popped. */
        private Value[] shuffle(int op) {
            int touched =
                    switch (op) {
                        case Opcodes.POP, Opcodes.DUP -> 1;
                        case Opcodes.POP2, Opcodes.DUP2, Opcodes.DUP_X1, Opcodes.SWAP -> 2;
                        case Opcodes.DUP_X2, Opcodes.DUP2_X1 -> 3;
                        default -> 4;
                    };
            Value[] v = new Value[touched];
            for (int i = touched - 1; i >= 0; i--) {
                v[i] = pop();
            }
            int copied = op == Opcodes.DUP2 || op == Opcodes.DUP2_X1 || op == Opcodes.DUP2_X2 ? 2 : 1;
            if (op == Opcodes.SWAP) {
                push(v[1]);
                push(v[0]);
            } else if (op != Opcodes.POP && op != Opcodes.POP2) {
                for (int i = touched - copied; i < touched; i++) {
                    push(v[i]);
                }
                for (Value value : v) {
                    push(value);
                }
            }
            return v;
        }

        private Value[] plain(int op, AbstractInsnNode insn) {
            String shape = shape(op, insn);
            int arrow = shape.indexOf('>');
            Value[] taken = new Value[arrow];
            for (int i = arrow - 1; i >= 0; i--) {
                taken[i] = pop(shape.charAt(i) == 'A' ? Value.Kind.REFERENCE : Value.Kind.NUMBER);
            }
            if (arrow + 1 < shape.length()) {
                pushNew(shape.charAt(arrow + 1) == 'A' ? Value.Kind.REFERENCE : Value.Kind.NUMBER);
            }
            return taken;
        }

        /** Operands and result as letters: N number, A reference, "NN>N" for iadd. */
        private String shape(int op, AbstractInsnNode insn) {
            return switch (op) {
                case Opcodes.GETSTATIC -> ">" + letter(((FieldInsnNode) insn).desc);
                case Opcodes.PUTSTATIC -> letter(((FieldInsnNode) insn).desc) + ">";
                case Opcodes.GETFIELD -> "A>" + letter(((FieldInsnNode) insn).desc);
                case Opcodes.PUTFIELD -> "A" + letter(((FieldInsnNode) insn).desc) + ">";
                case Opcodes.INVOKEVIRTUAL, Opcodes.INVOKESPECIAL, Opcodes.INVOKEINTERFACE -> "A" + call(insn);
                case Opcodes.INVOKESTATIC -> call(insn);
                case Opcodes.MULTIANEWARRAY -> "N".repeat(((MultiANewArrayInsnNode) insn).dims) + ">A";
                default -> {
                    String shape = Shapes.of(op);
                    if (shape == null) {
                        throw new ConversionException(code.line(index), Shapes.unsupported(insn));
                    }
                    yield shape;
                }
            };
        }

        private String letter(String descriptor) {
            char first = descriptor.charAt(0);
            if (first == 'J' || first == 'F' || first == 'D') {
                throw new ConversionException(code.line(index), Shapes.NO_LONG_FLOAT);
            }
            return first == 'L' || first == '[' ? "A" : "N";
        }

        private String call(AbstractInsnNode insn) {
            String descriptor = ((MethodInsnNode) insn).desc;
            StringBuilder shape = new StringBuilder();
            for (Type type : Type.getArgumentTypes(descriptor)) {
                shape.append(letter(type.getDescriptor()));
            }
            Type result = Type.getReturnType(descriptor);
            return shape.append('>')
                    .append(result.getSort() == Type.VOID ? "" : letter(result.getDescriptor()))
                    .toString();
        }
    }
}
