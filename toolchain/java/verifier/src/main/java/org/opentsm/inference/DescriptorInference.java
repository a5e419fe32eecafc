// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFileProvider;

/** Gives a CAP without Descriptor one made from what its other components tell. */
public final class DescriptorInference {
    private static final int MAX_GUESSES = 200;
    private static final char[] RESULTS = {Kinds.VOID, Kinds.SHORT, Kinds.REFERENCE, Kinds.INT};

    private DescriptorInference() {}

    /**
     * The CAP with a Descriptor that names every method something leads to, with kinds in place of classes: a reference
     * is of class FFFF, a boolean or byte parameter is a short, a private method with a receiver is a private static
     * one whose first parameter the receiver is.
     *
     * @param exports the packages it imports, which tell the kinds of their members
     * @throws InferenceException when the components contradict each other
     */
    public static CapFile infer(CapFile cap, ExportFileProvider exports) {
        try {
            Map<Integer, FoundMethod> methods = new MethodFinder(cap).find();
            Members members = new Members(cap, exports, methods);
            Constructors constructors = new Constructors(members);
            follow(members, new ArrayList<>(methods.values()), constructors, new int[1]);
            constructors.resolve();
            return cap.withInferredDescriptor(new DescriptorMaker(members, constructors).make());
        } catch (CapFormatException e) {
            throw new InferenceException(e.getMessage());
        }
    }

    /**
     * Some methods wait for the result of others. A result that nothing tells is the first one that every caller can
     * live with, whatever the next unknown one turns out to be.
     */
    private static void follow(Members members, List<FoundMethod> methods, Constructors constructors, int[] guesses) {
        List<FoundMethod> pending = methods;
        while (!pending.isEmpty()) {
            List<FoundMethod> waiting = new ArrayList<>();
            Signature open = null;
            for (FoundMethod method : pending) {
                Signature wanted = followOne(members, method, constructors);
                if (wanted != null) {
                    waiting.add(method);
                    open = wanted;
                }
            }
            if (waiting.size() == pending.size()) {
                guess(members, waiting, constructors, open, guesses);
                return;
            }
            pending = waiting;
        }
    }

    private static Signature followOne(Members members, FoundMethod method, Constructors constructors) {
        if (method.info().isAbstract()) {
            return null;
        }
        try {
            new CodeFollower(members, method, constructors).follow();
            return null;
        } catch (CodeFollower.NotYet notYet) {
            return notYet.signature;
        }
    }

    private static void guess(
            Members members, List<FoundMethod> waiting, Constructors constructors, Signature open, int[] guesses) {
        Kinds before = members.kinds.copy();
        InferenceException last = null;
        for (char result : RESULTS) {
            if (guesses[0]++ > MAX_GUESSES) {
                throw new InferenceException("too many methods have a result that nothing tells");
            }
            try {
                members.kinds.set(open.result(), result);
                follow(members, waiting, constructors, guesses);
                return;
            } catch (InferenceException e) {
                last = e;
                members.kinds.restore(before);
            }
        }
        throw last;
    }
}
