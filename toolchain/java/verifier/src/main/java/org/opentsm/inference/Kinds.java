// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.List;

/**
 * Values of a program whose kinds are being found out: joined where the code makes two of them one.
 * A kind is V (no value, of results), S, A (reference), I or T (the two cells of an int); 0 is not known yet.
 */
final class Kinds {
    static final char VOID = 'V';
    static final char SHORT = 'S';
    static final char REFERENCE = 'A';
    static final char INT = 'I';
    static final char TAIL = 'T';
    static final char UNKNOWN = 0;
    private static final int MAX_VALUES = 1 << 20;
    private final List<Integer> parents = new ArrayList<>();
    private final List<Character> kinds = new ArrayList<>();

    int add(char kind) {
        if (parents.size() == MAX_VALUES) {
            throw new InferenceException("there are too many values");
        }
        parents.add(parents.size());
        kinds.add(kind);
        return parents.size() - 1;
    }

    private int root(int value) {
        int at = value;
        while (parents.get(at) != at) {
            parents.set(at, parents.get(parents.get(at)));
            at = parents.get(at);
        }
        return at;
    }

    char of(int value) {
        return kinds.get(root(value));
    }

    void set(int value, char kind) {
        int root = root(value);
        char before = kinds.get(root);
        if (before != UNKNOWN && before != kind) {
            throw new InferenceException("a value is used as " + before + " and as " + kind);
        }
        kinds.set(root, kind);
    }

    void join(int first, int second) {
        int one = root(first);
        int two = root(second);
        if (one == two) {
            return;
        }
        char known = kinds.get(one) != UNKNOWN ? kinds.get(one) : kinds.get(two);
        set(one, known == UNKNOWN ? kinds.get(one) : known);
        if (known != UNKNOWN) {
            set(two, known);
        }
        parents.set(one, two);
    }

    /** What is known now, to come back to. */
    Kinds copy() {
        Kinds copy = new Kinds();
        copy.parents.addAll(parents);
        copy.kinds.addAll(kinds);
        return copy;
    }

    /** Back to what was known then; values that were added since are unknown. */
    void restore(Kinds copy) {
        for (int i = 0; i < parents.size(); i++) {
            boolean old = i < copy.parents.size();
            parents.set(i, old ? copy.parents.get(i) : Integer.valueOf(i));
            kinds.set(i, old ? copy.kinds.get(i) : Character.valueOf(UNKNOWN));
        }
    }
}
