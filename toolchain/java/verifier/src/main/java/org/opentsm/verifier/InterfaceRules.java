// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.ImplementedInterface;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.verifier.PackageView.ClassView;
import org.opentsm.verifier.PackageView.MethodView;
import org.opentsm.verifier.PackageView.Resolution;

/** Rules of a class's implemented interfaces: complete, and each index leads to a method of the interface's type. */
final class InterfaceRules {
    private final PackageView view;
    private final Findings findings;
    private final Hierarchy hierarchy;
    private final SignatureMatch signatures;

    InterfaceRules(PackageView view, Hierarchy hierarchy) {
        this.view = view;
        this.findings = view.findings;
        this.hierarchy = hierarchy;
        this.signatures = new SignatureMatch(view);
    }

    void check() {
        for (ClassView item : view.classes.values()) {
            if (item.entry() instanceof ClassInfo info) {
                TreeSet<String> listed = new TreeSet<>();
                for (ImplementedInterface implemented : info.interfaces()) {
                    String name = view.name(implemented.classRef());
                    if (!listed.add(name)) {
                        error(item, "interface-twice", "interface " + name + " is listed twice");
                    }
                    checkIndex(item, implemented);
                }
                checkComplete(item, info, listed);
            }
        }
    }

    private void error(ClassView item, String rule, String text) {
        findings.error("Class", item.label(), item.offset(), rule, text);
    }

    /** Superinterfaces of a listed interface must be listed too, here or by a superclass. */
    private void checkComplete(ClassView item, ClassInfo info, TreeSet<String> listed) {
        List<String> above = info.superclass() == ClassRef.NONE
                ? List.of()
                : List.copyOf(hierarchy.interfaces(view.name(info.superclass())));
        for (String name : listed) {
            for (String inherited : hierarchy.interfaces(name)) {
                if (!inherited.startsWith("?") && !listed.contains(inherited) && !above.contains(inherited)) {
                    error(
                            item,
                            "interface-flattened",
                            "superinterface " + inherited + " of " + name + " is not listed");
                }
            }
        }
    }

    private void checkIndex(ClassView item, ImplementedInterface implemented) {
        int ref = implemented.classRef();
        if (ClassRef.isExternal(ref)) {
            view.external(ref).filter(ExportClass::isInterface).ifPresent(outside -> {
                // A later minor version may have added methods at the end.
                boolean later = view.isLaterThanImport(ref)
                        && implemented.index().size() < outside.methods().size();
                if (outside.methods().size() != implemented.index().size() && !later) {
                    error(
                            item,
                            "interface-index",
                            outside.name() + " has " + outside.methods().size() + " methods, the index "
                                    + implemented.index().size());
                    return;
                }
                outside.methods().forEach(method -> {
                    if (method.token() < implemented.index().size()) {
                        int token = implemented.index().get(method.token());
                        checkImplementation(
                                item, token, outside.name() + "." + method.name(), null, method.descriptor());
                    }
                });
            });
            return;
        }
        ClassView own = view.classes.get(ref);
        if (own == null || own.descriptor() == null || !own.isInterface()) {
            return;
        }
        List<MethodDescriptor> methods = new ArrayList<>(view.interfaceMethods(own));
        if (methods.size() != implemented.index().size()) {
            error(
                    item,
                    "interface-index",
                    own.label() + " has " + methods.size() + " methods, the index "
                            + implemented.index().size());
            return;
        }
        for (MethodDescriptor method : methods) {
            if (method.token() < implemented.index().size()) {
                int token = implemented.index().get(method.token());
                checkImplementation(item, token, own.label() + " method " + method.token(), method, null);
            }
        }
    }

    private void checkImplementation(
            ClassView item, int token, String what, MethodDescriptor method, String descriptor) {
        Optional<Resolution> found = view.resolveVirtual(item.offset(), token);
        if (token >= 0x80 || found.isEmpty()) {
            error(item, "interface-index", what + " maps to virtual token " + token + ", which the class has not");
            return;
        }
        MethodView target = view.methods.get(found.get().offset());
        if (target != null && (target.descriptor().flags() & DescriptorComponent.ACC_PUBLIC) == 0) {
            error(item, "interface-index", what + " maps to a method that is not public");
        }
        if (target != null && target.type() != null) {
            boolean same = method == null
                    ? signatures.matches(target.type(), descriptor)
                    : view.type(method.typeOffset())
                            .map(type -> signatures.same(type, target.type()))
                            .orElse(true);
            if (!same) {
                error(
                        item,
                        "interface-type",
                        what + " maps to virtual token " + token + " of another type, " + target.type());
            }
        } else if (found.get().external() != null) {
            found.get().external().methods().stream()
                    .filter(m -> PackageView.isVirtual(m) && m.token() == token)
                    .findFirst()
                    .ifPresent(m -> {
                        boolean same = method == null
                                ? m.descriptor().equals(descriptor)
                                : view.type(method.typeOffset())
                                        .map(type -> signatures.matches(type, m.descriptor()))
                                        .orElse(true);
                        if (!same) {
                            error(item, "interface-type", what + " maps to " + m.name() + m.descriptor());
                        }
                    });
        }
    }
}
