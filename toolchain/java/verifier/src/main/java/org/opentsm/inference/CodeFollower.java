// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;

/**
 * Follows all ways through one method with cells in place of values, and tells {@link Members} what that shows of
 * kinds.
 */
final class CodeFollower {
    private static final int MAX_WORK = 4_000_000;

    /** Locals and stack at one place. */
    private record State(List<Cell> locals, List<Cell> stack) {
        State copy() {
            return new State(new ArrayList<>(locals), new ArrayList<>(stack));
        }
    }

    /** A called method's result is not known yet. */
    static final class NotYet extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final transient Signature signature;

        NotYet(Signature signature) {
            super("", null, false, false);
            this.signature = signature;
        }
    }

    private final FoundMethod method;
    private final CodeEffects effects;
    private final Map<Integer, Instruction> at = new HashMap<>();
    private final Map<Integer, State> states = new HashMap<>();
    private final LinkedHashSet<Integer> pending = new LinkedHashSet<>();
    private int work;

    CodeFollower(Members members, FoundMethod method, Constructors constructors) {
        this.method = method;
        this.effects = new CodeEffects(members, method, constructors);
        method.code().forEach(instruction -> at.put(instruction.offset(), instruction));
        List<Cell> locals = new ArrayList<>();
        int offset = method.offset();
        Signature signature = members.signature(offset);
        if (members.virtuals.containsKey(offset)) {
            locals.add(Cell.REFERENCE);
        }
        for (int value : signature.parameters()) {
            locals.add(Cell.value(value, locals.isEmpty() ? Cell.THIS : Cell.ELSEWHERE));
        }
        while (locals.size() < method.info().nargs() + method.info().maxLocals()) {
            locals.add(Cell.NOTHING);
        }
        reach(0, new State(locals, new ArrayList<>()));
    }

    /** @throws NotYet when a call's result is not known yet */
    void follow() {
        while (!pending.isEmpty()) {
            int offset = pending.iterator().next();
            pending.remove(offset);
            if (++work * (long) states.get(offset).locals.size() > MAX_WORK) {
                throw new InferenceException(method.label() + " is too complex");
            }
            step(offset);
        }
    }

    private void step(int offset) {
        Instruction instruction = at.get(offset);
        if (instruction == null) {
            throw new InferenceException(method.label() + " goes to " + offset + ", where no instruction is");
        }
        State state = states.get(offset).copy();
        enterHandlers(offset, state);
        String mnemonic = instruction.opcode().mnemonic();
        int next = offset + instruction.length();
        if (mnemonic.equals("jsr")) {
            State inside = state.copy();
            inside.stack.add(Cell.REFERENCE);
            reach(instruction.targets().get(0), inside);
            reach(next, state);
            return;
        }
        effects.apply(instruction, mnemonic, state.locals, state.stack);
        enterHandlers(offset, state);
        instruction.targets().forEach(target -> reach(target, state));
        if (instruction.fallsThrough()) {
            reach(next, state);
        }
    }

    private void enterHandlers(int offset, State state) {
        int info = method.info().codeOffset() + offset;
        for (Handler handler : method.handlers()) {
            if (info >= handler.start() && info < handler.end()) {
                reach(
                        handler.handlerOffset() - method.info().codeOffset(),
                        new State(state.locals, new ArrayList<>(List.of(Cell.REFERENCE))));
            }
        }
    }

    private void reach(int offset, State state) {
        State known = states.get(offset);
        if (known == null) {
            states.put(offset, state.copy());
            pending.add(offset);
            return;
        }
        if (known.stack.size() != state.stack.size()) {
            throw new InferenceException(
                    method.label() + ": ways meet at " + offset + " with stacks of different heights");
        }
        boolean changed = merge(known.locals, state.locals) | merge(known.stack, state.stack);
        if (changed) {
            pending.add(offset);
        }
    }

    private static boolean merge(List<Cell> known, List<Cell> more) {
        boolean changed = false;
        for (int i = 0; i < known.size(); i++) {
            Cell merged = known.get(i).merge(more.get(i));
            changed |= !merged.equals(known.get(i));
            known.set(i, merged);
        }
        return changed;
    }
}
