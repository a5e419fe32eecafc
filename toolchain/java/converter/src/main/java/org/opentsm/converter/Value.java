// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * One value of a method: the result of an instruction, a parameter, the content of a local between stores, or the
 * meeting of several of them where branches join. Values that meet share one web, and a web has one width: one cell
 * (short class) or two (int).
 */
final class Value {
    /** What a cell holds. NUMBER covers boolean, byte, short and int until the width is decided. */
    enum Kind {
        NUMBER,
        REFERENCE
    }

    /** Where a value comes from. */
    enum Source {
        INSTRUCTION,
        STACK_JOIN,
        LOCAL
    }

    final int id;
    final Kind kind;
    final Source source;
    /** Index of the producing or storing instruction; of the block's start for a join; -1 for a parameter. */
    final int at;

    private Value parent = this;
    private boolean wide;
    private char declared;
    private boolean join;

    /** What meets here, for a join. */
    private final Set<Value> inputs = new LinkedHashSet<>();

    Value(int id, Kind kind, Source source, int at) {
        this.id = id;
        this.kind = kind;
        this.source = source;
        this.at = at;
    }

    private Value root() {
        Value root = this;
        while (root.parent != root) {
            root = root.parent;
        }
        Value step = this;
        while (step.parent != root) {
            Value next = step.parent;
            step.parent = root;
            step = next;
        }
        return root;
    }

    /** Notes at a join that the other value may be the one that arrives, and puts both into one web. */
    void meet(Value incoming) {
        inputs.add(incoming);
        join(incoming);
    }

    Set<Value> inputs() {
        return inputs;
    }

    /** Puts both values into one web. */
    void join(Value other) {
        Value a = root();
        Value b = other.root();
        if (a == b) {
            return;
        }
        if (a.id > b.id) {
            Value swap = a;
            a = b;
            b = swap;
        }
        b.parent = a;
        a.wide |= b.wide;
        if (b.declared != 0) {
            a.declare(b.declared);
        }
    }

    void markJoin() {
        join = true;
    }

    /** True when this value stands for all that meet at the start of that block. */
    boolean isJoinAt(int index) {
        return join && at == index;
    }

    /** True when the web is int: two cells. */
    boolean isInt() {
        return root().wide;
    }

    /** Makes the web int. Returns true when it was not. */
    boolean makeInt() {
        Value root = root();
        boolean changed = !root.wide;
        root.wide = true;
        return changed;
    }

    /** Notes the type the LocalVariableTable gives: I, S, B or Z. An int declaration wins over the others. */
    void declare(char type) {
        Value root = root();
        if (root.declared != 'I') {
            root.declared = type;
        }
        if (type == 'I') {
            root.wide = true;
        }
    }

    /** The declared type of a local's web, 0 when the class file does not say. */
    char declared() {
        return root().declared;
    }

    boolean declaredShort() {
        char type = declared();
        return type == 'S' || type == 'B' || type == 'Z';
    }

    int cells() {
        return kind == Kind.NUMBER && isInt() ? 2 : 1;
    }
}
