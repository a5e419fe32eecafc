// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.ImplementedInterface;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.verifier.PackageView.ClassView;

/** Subtype questions over our classes and the imported ones, by the names of {@link PackageView#name}. */
final class Hierarchy {
    /**
     * A reference of which nothing is known; compatible with everything, so that missing export files cause no noise.
     */
    static final String UNKNOWN = "?";

    private static final int MAX_DEPTH = 300;
    private final PackageView view;
    private final Map<String, List<String>> chains = new HashMap<>();

    Hierarchy(PackageView view) {
        this.view = view;
    }

    /** The class, then its superclasses; ends in Object, or in an unknown name when an export file is missing. */
    List<String> chain(String name) {
        return chains.computeIfAbsent(name, this::computeChain);
    }

    private List<String> computeChain(String start) {
        List<String> chain = new ArrayList<>();
        String name = start;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            chain.add(name);
            Optional<ClassView> own = view.byName(name);
            if (own.isEmpty()) {
                Optional<ExportClass> outside = view.externalByName(name);
                List<String> supers = outside.filter(c -> !c.isInterface())
                        .map(ExportClass::superclasses)
                        .orElse(List.of());
                for (int i = supers.size() - 1; i >= 0; i--) {
                    chain.add(supers.get(i));
                }
                if (outside.isEmpty() && !name.equals(PackageView.OBJECT) && !name.startsWith("?")) {
                    chain.add(UNKNOWN);
                }
                return chain;
            }
            int superclass = view.superclass(own.get());
            if (superclass == ClassRef.NONE) {
                return chain;
            }
            name = view.name(superclass);
        }
        return chain;
    }

    /** True when this is known to be an interface. */
    boolean isInterface(String name) {
        return view.byName(name).map(ClassView::isInterface).orElseGet(() -> view.externalByName(name)
                .map(ExportClass::isInterface)
                .orElse(false));
    }

    boolean isUnknown(String name) {
        boolean known = name.equals(PackageView.OBJECT)
                || view.externalByName(name).isPresent()
                || view.byName(name).isPresent();
        return !known;
    }

    /** Whether a class extends, implements or is the other; true when an export file is missing to tell. */
    boolean isSubtype(String name, String target) {
        if (name.equals(target) || target.equals(PackageView.OBJECT) || target.startsWith("?")) {
            return true;
        }
        List<String> chain = chain(name);
        if (chain.contains(target) || chain.stream().anyMatch(item -> item.startsWith("?"))) {
            return true;
        }
        // A type only named in another package's signatures; Throwable is known by its name alone.
        boolean unknownTarget = isUnknown(target) && !target.equals(PackageView.THROWABLE);
        return unknownTarget || isInterface(target) && interfaces(name).contains(target);
    }

    /** Every interface of a class and its superclasses, or superinterface of an interface. */
    Set<String> interfaces(String name) {
        Set<String> found = new LinkedHashSet<>();
        for (String item : chain(name)) {
            collect(item, found, new HashSet<>());
        }
        return found;
    }

    private void collect(String name, Set<String> found, Set<String> seen) {
        if (!seen.add(name) || seen.size() > MAX_DEPTH) {
            return;
        }
        Optional<ClassView> own = view.byName(name);
        if (own.isPresent()) {
            List<Integer> refs = new ArrayList<>();
            if (own.get().entry() instanceof InterfaceInfo info) {
                refs.addAll(info.superinterfaces());
            } else if (own.get().entry() instanceof ClassInfo info) {
                info.interfaces().stream().map(ImplementedInterface::classRef).forEach(refs::add);
            }
            for (int ref : refs) {
                if (found.add(view.name(ref))) {
                    collect(view.name(ref), found, seen);
                }
            }
            return;
        }
        view.externalByName(name).ifPresent(c -> {
            found.addAll(c.interfaces());
            if (c.isInterface()) {
                c.superclasses().stream()
                        .filter(item -> !item.equals(PackageView.OBJECT))
                        .forEach(found::add);
            }
        });
    }

    /** The closest common superclass; Object when an interface takes part, UNKNOWN when an export file is missing. */
    String common(String first, String second) {
        if (first.equals(second)) {
            return first;
        }
        List<String> other = chain(second);
        boolean unknown = other.stream().anyMatch(item -> item.startsWith("?"));
        for (String item : chain(first)) {
            if (other.contains(item)) {
                return item;
            }
            unknown |= item.startsWith("?");
        }
        return unknown ? UNKNOWN : PackageView.OBJECT;
    }
}
