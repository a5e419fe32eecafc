// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.Arrays;

/** Locals and operand stack at one place, in cells. A broken rule is a {@link Failure}. */
final class Frame {
    /** A rule broken at an instruction; ends the dataflow of its method. */
    static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final String rule;

        Failure(String rule, String text) {
            super(text, null, false, false);
            this.rule = rule;
        }
    }

    private final Types types;
    final int[] locals;
    final int[] stack;
    int depth;

    Frame(Types types, int localCells, int stackCells) {
        this.types = types;
        this.locals = new int[localCells];
        this.stack = new int[stackCells];
    }

    private Frame(Frame other) {
        types = other.types;
        locals = other.locals.clone();
        stack = other.stack.clone();
        depth = other.depth;
    }

    Frame copy() {
        return new Frame(this);
    }

    void pushCell(int type) {
        if (depth == stack.length) {
            throw new Failure("stack-overflow", "the stack exceeds max_stack " + stack.length);
        }
        stack[depth++] = type;
    }

    /** Pushes a value; TOP (void) pushes nothing. */
    void push(int type) {
        if (type != Types.TOP) {
            pushCell(type);
            if (type == Types.INT) {
                pushCell(Types.INT_TAIL);
            }
        }
    }

    int popCell() {
        if (depth == 0) {
            throw new Failure("stack-underflow", "the stack is empty");
        }
        return stack[--depth];
    }

    void pop(int type) {
        int found = popCell();
        if (type == Types.INT) {
            int first = found == Types.INT_TAIL ? popCell() : found;
            if (found != Types.INT_TAIL || first != Types.INT) {
                throw new Failure("stack-type", "expected int, found " + types.text(found));
            }
        } else if (!types.assignable(found, type)) {
            throw new Failure("stack-type", "expected " + types.text(type) + ", found " + types.text(found));
        }
    }

    /** An initialised reference or null. */
    int popReference() {
        int found = popCell();
        if (!types.isReference(found)) {
            throw new Failure("stack-type", "expected a reference, found " + types.text(found));
        }
        return found;
    }

    int load(int index) {
        if (index >= locals.length - 1) {
            throw new Failure("local-range", "local " + index + " does not exist, there are " + (locals.length - 1));
        }
        return locals[index];
    }

    void store(int index, int type) {
        load(index);
        if (locals[index] == Types.INT_TAIL && index > 0) {
            locals[index - 1] = Types.TOP;
        }
        int last = type == Types.INT ? index + 1 : index;
        load(last);
        if (last + 1 < locals.length && locals[last + 1] == Types.INT_TAIL) {
            locals[last + 1] = Types.TOP;
        }
        locals[index] = type;
        if (last != index) {
            locals[last] = Types.INT_TAIL;
        }
    }

    void loadInt(int index) {
        if (load(index) != Types.INT || load(index + 1) != Types.INT_TAIL) {
            throw new Failure("local-type", "local " + index + " holds " + types.text(locals[index]) + ", not int");
        }
    }

    /** Replaces every copy of a type, as a constructor call does for the new object. */
    void replace(int old, int with) {
        Arrays.setAll(locals, i -> locals[i] == old ? with : locals[i]);
        for (int i = 0; i < depth; i++) {
            stack[i] = stack[i] == old ? with : stack[i];
        }
    }

    boolean contains(int type) {
        return Arrays.stream(locals).anyMatch(cell -> cell == type)
                || Arrays.stream(stack, 0, depth).anyMatch(cell -> cell == type);
    }

    /** Whether the top cells can be cut here without splitting an int. */
    void checkCut(int cellsAbove) {
        if (cellsAbove > depth) {
            throw new Failure("stack-underflow", "the stack has " + depth + " cells, " + cellsAbove + " are needed");
        }
        int at = depth - cellsAbove;
        if (at < depth && stack[at] == Types.INT_TAIL) {
            throw new Failure("stack-split", "an int on the stack would be split");
        }
    }

    /** Merges another frame in; true when this one changed. */
    boolean mergeFrom(Frame other) {
        if (depth != other.depth) {
            throw new Failure("stack-merge", "paths meet with stack depths " + depth + " and " + other.depth);
        }
        boolean changed = false;
        for (int i = 0; i < locals.length; i++) {
            int merged = types.merge(locals[i], other.locals[i]);
            changed |= merged != locals[i];
            locals[i] = merged;
        }
        for (int i = 0; i < depth; i++) {
            int merged = types.merge(stack[i], other.stack[i]);
            changed |= merged != stack[i];
            stack[i] = merged;
        }
        return changed;
    }

    int cost() {
        return 1 + locals.length + depth;
    }
}
