// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.Set;
import java.util.TreeSet;

/**
 * One 16-bit cell of stack or locals: the kinds it is known to hold, and the values it may be.
 *
 * @param known  letters of {@link Kinds}, more than one where ways meet that nobody reads behind
 * @param values values of {@link Kinds} it may be
 * @param origin where a reference comes from: a "new" that no constructor was called for yet, {@link #THIS} or {@link
 *     #ELSEWHERE}
 */
record Cell(String known, Set<Integer> values, int origin) {
    static final int ELSEWHERE = -1;
    /** Local 0 of the method as it was entered. */
    static final int THIS = -2;

    private static final int INITIALISED = -0x20000;
    static final Cell NOTHING = new Cell("?", Set.of(), ELSEWHERE);
    static final Cell SHORT = of(Kinds.SHORT);
    static final Cell REFERENCE = of(Kinds.REFERENCE);
    static final Cell INT = of(Kinds.INT);
    static final Cell TAIL = of(Kinds.TAIL);

    static Cell of(char kind) {
        return new Cell(String.valueOf(kind), Set.of(), ELSEWHERE);
    }

    static Cell value(int value, int origin) {
        return new Cell("", Set.of(value), origin);
    }

    /** A new object of a class_ref; of one of another package it does not matter which. */
    static Cell created(int classRef, int offset) {
        return new Cell("A", Set.of(), (classRef & 0x8000) == 0 ? offset << 16 | classRef : ELSEWHERE);
    }

    /** Class_ref of the new object at an origin of 0 and above. */
    static int classOf(int origin) {
        return origin & 0xFFFF;
    }

    /** The object after its constructor ran. */
    static Cell initialised(int origin) {
        return new Cell("A", Set.of(), INITIALISED + classOf(origin));
    }

    /** Class_ref of an object that was made here, or -1. */
    int madeHere() {
        return origin < -0xFFFF ? origin - INITIALISED : -1;
    }

    /** Makes sure that the cell may hold this kind, and that the values in it are of it. */
    void use(char kind, Kinds kinds) {
        for (int i = 0; i < known.length(); i++) {
            if (known.charAt(i) != kind) {
                throw new InferenceException("a value of kind " + known.charAt(i) + " is used as " + kind);
            }
        }
        values.forEach(value -> kinds.set(value, kind));
    }

    /** Passes the cell on as another value. */
    void become(int value, Kinds kinds) {
        if (known.length() > 0) {
            use(known.charAt(0), kinds);
            kinds.set(value, known.charAt(0));
        }
        values.forEach(own -> kinds.join(own, value));
    }

    Cell merge(Cell other) {
        if (equals(other)) {
            return this;
        }
        Set<Character> letters = new TreeSet<>();
        (known + other.known).chars().forEach(letter -> letters.add((char) letter));
        StringBuilder text = new StringBuilder();
        letters.forEach(text::append);
        Set<Integer> all = new TreeSet<>(values);
        all.addAll(other.values);
        return new Cell(text.toString(), all, origin == other.origin ? origin : ELSEWHERE);
    }
}
