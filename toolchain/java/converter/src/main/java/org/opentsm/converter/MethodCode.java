// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.JumpInsnNode;
import org.objectweb.asm.tree.LabelNode;
import org.objectweb.asm.tree.LineNumberNode;
import org.objectweb.asm.tree.LocalVariableNode;
import org.objectweb.asm.tree.LookupSwitchInsnNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.tree.TableSwitchInsnNode;
import org.objectweb.asm.tree.TryCatchBlockNode;

/** A method's instructions by index, without labels, line marks and frames; labels are resolved to indexes. */
final class MethodCode {
    /** More handlers than the Method component can count. */
    private static final int MAX_HANDLERS = 255;

    private static final int MAX_LOCALS = 255;
    /** No real method has more; the rest of a longer table is ignored. */
    private static final int MAX_VARIABLES = 4096;

    private static final int[] NO_TARGETS = {};

    /** An exception table row: [start, end) and target are instruction indexes, type is null for "any". */
    record Handler(int start, int end, int target, String type) {}

    /** A LocalVariableTable row over [start, end). */
    record Variable(String name, String descriptor, int slot, int start, int end) {}

    private final MethodNode node;
    private final List<AbstractInsnNode> insns = new ArrayList<>();
    private final List<Integer> lines = new ArrayList<>();
    private final Map<LabelNode, Integer> labels = new HashMap<>();
    private final boolean[] leaders;
    private final boolean[] rangeStarts;
    private final int[][] targets;
    private final List<Handler> handlers = new ArrayList<>();
    private final List<Variable> variables = new ArrayList<>();

    MethodCode(MethodNode node) {
        this.node = node;
        int line = 0;
        for (AbstractInsnNode insn = node.instructions.getFirst(); insn != null; insn = insn.getNext()) {
            if (insn instanceof LabelNode label) {
                labels.put(label, insns.size());
            } else if (insn instanceof LineNumberNode mark) {
                line = mark.line;
            } else if (insn.getOpcode() >= 0) {
                insns.add(insn);
                lines.add(line);
            }
        }
        leaders = new boolean[insns.size() + 1];
        rangeStarts = new boolean[insns.size() + 1];
        targets = new int[insns.size()][];
        if (node.maxLocals > MAX_LOCALS) {
            throw new ConversionException(
                    line(0), "the method needs " + node.maxLocals + " locals; a card method has at most 255 cells");
        }
        for (int i = 0; i < insns.size(); i++) {
            targets[i] = findTargets(insns.get(i));
            for (int target : targets[i]) {
                mark(target);
            }
            if (targets[i].length > 0) {
                leaders[i + 1] = true;
            }
        }
        readHandlers();
        readVariables();
    }

    private void mark(int target) {
        if (target >= insns.size()) {
            throw new ConversionException(0, "the class file is damaged: a branch leaves its method");
        }
        leaders[target] = true;
    }

    private int[] findTargets(AbstractInsnNode insn) {
        if (insn instanceof JumpInsnNode jump) {
            return new int[] {index(jump.label)};
        }
        if (insn instanceof TableSwitchInsnNode table) {
            return switchTargets(table.dflt, table.labels);
        }
        if (insn instanceof LookupSwitchInsnNode lookup) {
            return switchTargets(lookup.dflt, lookup.labels);
        }
        return NO_TARGETS;
    }

    /** Default first, then the cases in order. */
    private int[] switchTargets(LabelNode fallback, List<LabelNode> cases) {
        int[] result = new int[cases.size() + 1];
        result[0] = index(fallback);
        for (int i = 0; i < cases.size(); i++) {
            result[i + 1] = index(cases.get(i));
        }
        return result;
    }

    private int index(LabelNode label) {
        Integer index = labels.get(label);
        if (index == null) {
            throw new ConversionException(0, "the class file is damaged: a label has no place");
        }
        return index;
    }

    private void readHandlers() {
        if (node.tryCatchBlocks == null) {
            return;
        }
        if (node.tryCatchBlocks.size() > MAX_HANDLERS) {
            throw new ConversionException(
                    line(0),
                    "the method has " + node.tryCatchBlocks.size() + " exception handlers; a package has at most 255");
        }
        for (TryCatchBlockNode block : node.tryCatchBlocks) {
            Handler handler = new Handler(index(block.start), index(block.end), index(block.handler), block.type);
            if (handler.start < handler.end) {
                handlers.add(handler);
                mark(handler.target);
                leaders[handler.start] = true;
                leaders[handler.end] = true;
                rangeStarts[handler.start] = true;
            }
        }
    }

    private void readVariables() {
        if (node.localVariables == null) {
            return;
        }
        for (LocalVariableNode v :
                node.localVariables.subList(0, Math.min(node.localVariables.size(), MAX_VARIABLES))) {
            if (v.name == null || v.desc == null) {
                throw new ConversionException(
                        line(0), "the class file is damaged: a local variable has no name or type");
            }
            variables.add(new Variable(v.name, v.desc, v.index, index(v.start), index(v.end)));
        }
    }

    MethodNode node() {
        return node;
    }

    boolean isStatic() {
        return (node.access & Opcodes.ACC_STATIC) != 0;
    }

    int maxLocals() {
        return node.maxLocals;
    }

    int size() {
        return insns.size();
    }

    AbstractInsnNode at(int index) {
        return insns.get(index);
    }

    int opcode(int index) {
        return insns.get(index).getOpcode();
    }

    /** Source line of an instruction, 0 when unknown. */
    int line(int index) {
        return index >= 0 && index < lines.size() ? lines.get(index) : 0;
    }

    boolean isLeader(int index) {
        return leaders[index];
    }

    boolean isRangeStart(int index) {
        return rangeStarts[index];
    }

    int[] targets(int index) {
        return targets[index];
    }

    List<Handler> handlers() {
        return handlers;
    }

    List<Handler> handlersAt(int index) {
        if (handlers.isEmpty()) {
            return handlers;
        }
        return handlers.stream().filter(h -> h.start <= index && index < h.end).toList();
    }

    List<Variable> variables() {
        return variables;
    }

    /** The declared variable in a slot at an instruction, or null. */
    Variable variable(int slot, int index) {
        for (Variable v : variables) {
            if (v.slot == slot && v.start <= index && index < v.end) {
                return v;
            }
        }
        return null;
    }

    boolean endsBlock(int index) {
        int op = opcode(index);
        return op == Opcodes.GOTO
                || op == Opcodes.ATHROW
                || op == Opcodes.TABLESWITCH
                || op == Opcodes.LOOKUPSWITCH
                || op >= Opcodes.IRETURN && op <= Opcodes.RETURN;
    }
}
