// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;

/**
 * The interval of the Java value of every number in a method: from the types of fields, parameters, locals and results,
 * from constants, and by interval arithmetic. A value whose interval fits a short is <em>exact</em>, because the card's
 * low 16 bits are then all of it; any other is <em>low</em>: only its low 16 bits are right.
 *
 * <p>A local has the whole range of its type, whatever was stored last, as long as all that is stored fits the type.
 * Types of fields, parameters and results are taken as javac writes them.
 */
final class Ranges {
    /** A value that still grows after so many steps is given a whole type. */
    private static final int PATIENCE = 4;

    private final MethodCode code;
    private final Flow flow;
    private final boolean ints;
    private final IntFunction<Integer> constants;
    private final Interval[] ranges;
    private final int[] steps;
    private final boolean[] queued;
    /** The instruction that makes or stores a value; -1 for parameters and joins. */
    private final int[] maker;

    private final List<List<Value>> users = new ArrayList<>();
    private final Deque<Value> work = new ArrayDeque<>();
    private final Map<Value, Interval> parameters = new HashMap<>();

    Ranges(MethodCode code, Flow flow, boolean ints, IntFunction<Integer> constants) {
        this.code = code;
        this.flow = flow;
        this.ints = ints;
        this.constants = constants;
        int size = flow.values().size();
        ranges = new Interval[size];
        steps = new int[size];
        queued = new boolean[size];
        maker = new int[size];
        connect();
        flow.values().forEach(this::enqueue);
        while (!work.isEmpty()) {
            Value value = work.poll();
            queued[value.id] = false;
            update(value);
        }
    }

    /** True when only the low 16 bits of the value are sure to be those of Java's. */
    boolean isLow(Value value) {
        Interval range = ranges[value.id];
        return range == null || !range.within(Interval.SHORT);
    }

    private void connect() {
        java.util.Arrays.fill(maker, -1);
        flow.values().forEach(value -> users.add(new ArrayList<>()));
        for (int i = 0; i < code.size(); i++) {
            if (!flow.reachable(i)) {
                continue;
            }
            Value made = isStore(i) || code.opcode(i) == Opcodes.IINC ? flow.local(i) : flow.result(i);
            if (made == null) {
                continue;
            }
            maker[made.id] = i;
            for (Value operand : flow.operands(i)) {
                users.get(operand.id).add(made);
            }
            if (code.opcode(i) == Opcodes.ILOAD) {
                users.get(flow.local(i).id).add(made);
            }
        }
        for (Value value : flow.values()) {
            value.inputs().forEach(input -> users.get(input.id).add(value));
        }
        int slot = code.isStatic() ? 0 : 1;
        for (Type type : Type.getArgumentTypes(code.node().desc)) {
            parameters.put(flow.parameters()[slot++], declared(type.getDescriptor()));
        }
    }

    private boolean isStore(int index) {
        return code.opcode(index) == Opcodes.ISTORE;
    }

    /** Without int support an int is an error where it stands, and no second one where it is used. */
    private Interval declared(String descriptor) {
        return Interval.ofType(descriptor).narrowed(ints ? Interval.INT : Interval.SHORT);
    }

    private void enqueue(Value value) {
        if (value.kind == Value.Kind.NUMBER && !queued[value.id]) {
            queued[value.id] = true;
            work.add(value);
        }
    }

    private void update(Value value) {
        Interval next = rangeOf(value);
        Interval present = ranges[value.id];
        next = next == null || present == null ? next : next.union(present);
        if (next == null || next.equals(present)) {
            return;
        }
        if (++steps[value.id] > PATIENCE) {
            next = ofType(next, (char) 0);
        }
        ranges[value.id] = next;
        users.get(value.id).forEach(this::enqueue);
    }

    /** The interval as far as it is known; null while nothing is. */
    private Interval rangeOf(Value value) {
        Interval parameter = parameters.get(value);
        if (parameter != null) {
            return parameter;
        }
        int at = maker[value.id];
        Interval range = null;
        if (at >= 0) {
            range = value.source == Value.Source.LOCAL ? stored(at) : result(at);
        }
        for (Value input : value.inputs()) {
            Interval other = ranges[input.id];
            range = range == null ? other : other == null ? range : range.union(other);
        }
        return range == null || value.source != Value.Source.LOCAL ? range : ofType(range, value.declared());
    }

    private Interval stored(int index) {
        return isStore(index) ? ranges[flow.operands(index)[0].id] : Interval.INT;
    }

    /**
     * The whole type of a local that holds these values: the declared one when they fit, else the smallest that takes
     * them.
     */
    private Interval ofType(Interval range, char declaredType) {
        if (declaredType == 'Z' && range.within(Interval.BOOLEAN)) {
            return Interval.BOOLEAN;
        }
        if (declaredType != 'S' && declaredType != 'I' && range.within(Interval.BYTE)) {
            return Interval.BYTE;
        }
        boolean isShort = declaredType == 'I' ? !ints : range.within(Interval.SHORT);
        return isShort ? Interval.SHORT : Interval.INT;
    }

    private Interval result(int index) {
        AbstractInsnNode insn = code.at(index);
        Integer constant = constants.apply(index);
        if (constant != null) {
            return Interval.of(constant).narrowed(ints ? Interval.INT : Interval.SHORT);
        }
        int op = insn.getOpcode();
        return switch (op) {
            case Opcodes.ILOAD -> ranges[flow.local(index).id];
            case Opcodes.ARRAYLENGTH -> Interval.LENGTH;
            case Opcodes.INSTANCEOF -> Interval.BOOLEAN;
            // The same instruction reads boolean arrays.
            case Opcodes.BALOAD -> Interval.BYTE;
            case Opcodes.SALOAD -> Interval.SHORT;
            case Opcodes.IALOAD -> declared("I");
            case Opcodes.GETFIELD, Opcodes.GETSTATIC -> declared(((FieldInsnNode) insn).desc);
            case Opcodes.INVOKEVIRTUAL, Opcodes.INVOKESPECIAL, Opcodes.INVOKESTATIC, Opcodes.INVOKEINTERFACE ->
                declared(Type.getReturnType(((MethodInsnNode) insn).desc).getDescriptor());
            default -> computed(index, op);
        };
    }

    private Interval computed(int index, int op) {
        Value[] in = flow.operands(index);
        Interval first = in.length > 0 ? ranges[in[0].id] : null;
        Interval second = in.length > 1 ? ranges[in[1].id] : null;
        return switch (op) {
            case Opcodes.INEG -> first == null ? null : first.negated();
            case Opcodes.I2B -> first == null ? null : first.narrowed(Interval.BYTE);
            case Opcodes.I2S -> first == null ? null : first.narrowed(Interval.SHORT);
            default -> first == null || second == null ? null : binary(op, first, second);
        };
    }

    private Interval binary(int op, Interval a, Interval b) {
        return switch (op) {
            case Opcodes.IADD -> a.plus(b);
            case Opcodes.ISUB -> a.minus(b);
            case Opcodes.IMUL -> a.times(b);
            case Opcodes.IDIV -> a.dividedBy(b);
            case Opcodes.IREM -> a.remainder(b);
            case Opcodes.ISHL -> a.shiftedLeft(b);
            case Opcodes.ISHR -> a.shiftedRight(b);
            case Opcodes.IUSHR -> a.shiftedRightUnsigned(b);
            case Opcodes.IAND -> a.and(b);
            case Opcodes.IOR -> a.or(b);
            case Opcodes.IXOR -> a.xor(b);
            default -> declared("I");
        };
    }
}
