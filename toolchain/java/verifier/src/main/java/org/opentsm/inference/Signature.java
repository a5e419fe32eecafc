// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.List;

/**
 * Parameters in cells and the result of methods that must have the same types, as one overrides or implements the
 * other.
 */
final class Signature {
    private Signature joined;
    private final List<Integer> parameters;
    private final int result;
    private String exact;

    private Signature(List<Integer> parameters, int result, String exact) {
        this.parameters = parameters;
        this.result = result;
        this.exact = exact;
    }

    static Signature unknown(int cells, Kinds kinds) {
        List<Integer> parameters = new ArrayList<>();
        for (int i = 0; i < cells; i++) {
            parameters.add(kinds.add(Kinds.UNKNOWN));
        }
        return new Signature(parameters, kinds.add(Kinds.UNKNOWN), null);
    }

    /** @param descriptor a method of the API, as class files write it */
    static Signature exact(String descriptor, Kinds kinds) {
        List<Integer> parameters = new ArrayList<>();
        for (char kind : cells(descriptor).toCharArray()) {
            parameters.add(kinds.add(kind));
        }
        String result = descriptor.substring(descriptor.indexOf(')') + 1);
        return new Signature(
                parameters,
                kinds.add(result.equals("V") ? Kinds.VOID : cells(result).charAt(0)),
                descriptor);
    }

    /** Kinds of the types before a closing bracket, cell by cell. */
    static String cells(String descriptor) {
        StringBuilder cells = new StringBuilder();
        for (int at = descriptor.startsWith("(") ? 1 : 0;
                at < descriptor.length() && descriptor.charAt(at) != ')';
                at++) {
            boolean array = descriptor.charAt(at) == '[';
            at += array ? 1 : 0;
            char type = descriptor.charAt(at);
            at = type == 'L' ? descriptor.indexOf(';', at) : at;
            cells.append(array || type == 'L' ? "A" : type == 'I' ? "IT" : "S");
        }
        return cells.toString();
    }

    private Signature root() {
        Signature at = this;
        while (at.joined != null) {
            at = at.joined;
        }
        return at;
    }

    void join(Signature other, Kinds kinds) {
        Signature one = root();
        Signature two = other.root();
        if (one == two) {
            return;
        }
        if (one.parameters.size() != two.parameters.size()) {
            throw new InferenceException(
                    "a method of " + one.parameters.size() + " cells stands for one of " + two.parameters.size());
        }
        for (int i = 0; i < one.parameters.size(); i++) {
            kinds.join(one.parameters.get(i), two.parameters.get(i));
        }
        kinds.join(one.result, two.result);
        two.exact = two.exact == null ? one.exact : two.exact;
        one.joined = two;
    }

    List<Integer> parameters() {
        return root().parameters;
    }

    int result() {
        return root().result;
    }

    /** The API's descriptor when a method of the API is among them, else null. */
    String exact() {
        return root().exact;
    }
}
