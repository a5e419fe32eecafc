// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;

/** What code shows of methods that are not virtual: which are constructors, of which class, and how fields are used. */
final class Constructors {
    /** How far a chain of constructors is followed. */
    private static final int MOST_CALLS = 32;

    private final Members members;
    /** What following chains may take for all constructors together: a hostile file could make it take for ever. */
    private int steps = 100_000;
    /** Known constructors and the class each is of; -1 while that is not known. */
    private final Map<Integer, Integer> owners = new TreeMap<>();
    /** Method, and those it calls by invokespecial on its own first local. */
    private final Map<Integer, Set<Integer>> onThis = new TreeMap<>();

    private final Map<Integer, Integer> superclasses = new HashMap<>();
    private final Set<Integer> specials = new TreeSet<>();
    /** A private method and those that call it, which are of the same class. */
    private final Map<Integer, Set<Integer>> specialCallers = new HashMap<>();
    /** Class that a method must be of, for what it calls. */
    private final Map<Integer, Integer> needed = new HashMap<>();
    /** Types by image offset of static fields, and by class_ref and token of instance fields. */
    private final Map<Integer, Character> staticFields = new TreeMap<>();

    private final Map<Integer, Character> instanceFields = new TreeMap<>();

    Constructors(Members members) {
        this.members = members;
    }

    void fieldUsed(Entry entry, char type) {
        if (entry.isExternal()) {
            return;
        }
        boolean isStatic = entry.tag() == ConstantPoolComponent.STATIC_FIELDREF;
        Character before =
                (isStatic ? staticFields : instanceFields).put(isStatic ? entry.offset() : entry.info(), type);
        if (before != null && before != type) {
            throw new InferenceException("a field is used with two types: " + before + " and " + type);
        }
    }

    void superCall(int method, int classRef) {
        needed.put(method, classRef);
    }

    /** @param receiver class of the object when it was made in the method, else -1 */
    void protectedUse(int method, int outside, int receiver) {
        if (receiver >= 0) {
            needed.put(method, receiver);
        } else {
            members.classes.keySet().stream()
                    .filter(offset -> superclass(offset) == outside)
                    .findFirst()
                    .ifPresent(offset -> needed.putIfAbsent(method, offset));
        }
    }

    void superConstructor(int method, int classRef) {
        owners.putIfAbsent(method, -1);
        superclasses.put(method, classRef);
    }

    void special(int caller, int target, int origin) {
        specials.add(target);
        specialCallers.computeIfAbsent(target, key -> new TreeSet<>()).add(caller);
        if (origin >= 0) {
            Integer before = owners.put(target, Cell.classOf(origin));
            if (before != null && before >= 0 && before != Cell.classOf(origin)) {
                throw new InferenceException(String.format("method @%04X makes objects of two classes", target));
            }
        } else if (origin == Cell.THIS) {
            onThis.computeIfAbsent(caller, key -> new TreeSet<>()).add(target);
        }
    }

    /** Settles what was noted; to be called when all code was followed. */
    void resolve() {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (Map.Entry<Integer, Set<Integer>> entry : onThis.entrySet()) {
                boolean constructs = entry.getValue().stream().anyMatch(owners::containsKey);
                changed |= constructs && owners.putIfAbsent(entry.getKey(), -1) == null;
            }
        }
        onThis.keySet().retainAll(owners.keySet());
        exported();
        List<Integer> open = owners.keySet().stream().toList();
        for (int round = 0; round <= open.size() && owners.containsValue(-1); round++) {
            open.stream().filter(method -> owners.get(method) == -1).forEach(this::place);
        }
        if (owners.containsValue(-1)) {
            throw new InferenceException("a constructor is called by nothing that tells its class");
        }
    }

    private void exported() {
        members.cap.export().ifPresent(export -> export.classes()
                .forEach(item -> item.methodOffsets().forEach(offset -> {
                    if (owners.containsKey(offset)) {
                        owners.put(offset, item.classOffset());
                    }
                })));
    }

    /**
     * A constructor that only others call: it is of the caller's class or of its superclass, and fits the constructor
     * it calls.
     */
    private void place(int method) {
        Set<Integer> possible = null;
        for (Map.Entry<Integer, Set<Integer>> caller : onThis.entrySet()) {
            int owner = owners.get(caller.getKey());
            if (!caller.getValue().contains(method) || owner < 0) {
                continue;
            }
            Set<Integer> here = new HashSet<>(Set.of(owner, superclass(owner)));
            if (possible == null) {
                possible = here;
            } else {
                possible.retainAll(here);
            }
        }
        if (possible == null) {
            return;
        }
        possible.removeIf(owner -> !ClassRef.isInternal(owner) || !fits(method, owner) || hasBareTwin(method, owner));
        // The most derived class may use everything that the others may.
        possible.stream().max(Integer::compare).ifPresent(owner -> owners.put(method, owner));
    }

    /** True when the method has no parameters, as another constructor of that class has none: a class has one such. */
    private boolean hasBareTwin(int method, int owner) {
        return isBare(method)
                && owners.entrySet().stream()
                        .anyMatch(other ->
                                other.getKey() != method && other.getValue() == owner && isBare(other.getKey()));
    }

    private boolean isBare(int constructor) {
        FoundMethod found = members.methods.get(constructor);
        return found != null && found.info().nargs() == 1;
    }

    private int superclass(int classRef) {
        return members.classes.get(classRef) instanceof ClassInfo info ? info.superclass() : ClassRef.NONE;
    }

    /** True when the constructors that it calls on its own object may be of that class or of its superclass. */
    private boolean fits(int method, int owner) {
        return fits(method, owner, MOST_CALLS);
    }

    private boolean fits(int method, int owner, int left) {
        Integer outside = superclasses.get(method);
        if (outside != null) {
            return superclass(owner) == outside;
        }
        if (left == 0 || steps-- <= 0) {
            return true;
        }
        return onThis.getOrDefault(method, Set.of()).stream()
                .filter(owners::containsKey)
                .allMatch(target -> mayBe(target, owner, left) || mayBe(target, superclass(owner), left));
    }

    private boolean mayBe(int constructor, int owner, int left) {
        int known = owners.get(constructor);
        return known >= 0 ? known == owner : fits(constructor, owner, left - 1);
    }

    boolean isConstructor(int method) {
        return owners.containsKey(method);
    }

    int owner(int constructor) {
        return owners.get(constructor);
    }

    /** True for a private method with a receiver. */
    boolean isPrivate(int method) {
        return specials.contains(method) && !owners.containsKey(method);
    }

    /**
     * Class of a method that is neither virtual nor a constructor: its caller's when it is private, else one that may
     * call what it calls.
     */
    int classOf(int method, int otherwise) {
        for (int caller : isPrivate(method) ? specialCallers.get(method) : Set.<Integer>of()) {
            if (members.virtuals.containsKey(caller)) {
                return members.virtuals.get(caller)[0];
            }
            if (isConstructor(caller)) {
                return owner(caller);
            }
        }
        return needed.getOrDefault(method, otherwise);
    }

    Map<Integer, Character> staticFields() {
        return staticFields;
    }

    /** Type letter of an instance field, or 0. */
    char instanceField(int classRef, int token) {
        return instanceFields.getOrDefault(classRef << 8 | token, (char) 0);
    }
}
