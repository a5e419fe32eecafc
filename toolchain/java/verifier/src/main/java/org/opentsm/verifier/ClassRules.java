// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.verifier.PackageView.ClassView;
import org.opentsm.verifier.PackageView.MethodView;
import org.opentsm.verifier.PackageView.Resolution;

/**
 * Rules of Class: hierarchy, instance layout and virtual method tables. Interface tables are in {@link InterfaceRules}.
 */
final class ClassRules {
    private static final int MAX_SUPERINTERFACES = 14;
    private static final int MAX_CLASSES = 255;
    private static final int MAX_CELLS = 255;
    private final PackageView view;
    private final Findings findings;
    private final Hierarchy hierarchy;
    private final SignatureMatch signatures;

    ClassRules(PackageView view, Hierarchy hierarchy) {
        this.view = view;
        this.findings = view.findings;
        this.hierarchy = hierarchy;
        this.signatures = new SignatureMatch(view);
    }

    void check() {
        if (view.classes.size() > MAX_CLASSES) {
            findings.error(
                    "Class",
                    0,
                    "class-count",
                    view.classes.size() + " classes, at most " + MAX_CLASSES + " are allowed");
        }
        boolean classSeen = false;
        for (ClassView item : view.classes.values()) {
            if (item.isInterface() && classSeen) {
                error(item, "class-order", "interfaces must stand before classes");
            }
            classSeen |= !item.isInterface();
            checkFlags(item);
            if (item.entry() instanceof InterfaceInfo info) {
                checkInterface(item, info);
            } else if (item.entry() instanceof ClassInfo info) {
                checkClass(item, info);
            }
        }
    }

    private void error(ClassView item, String rule, String text) {
        findings.error("Class", item.label(), item.offset(), rule, text);
    }

    private void checkFlags(ClassView item) {
        int known = ClassComponent.ACC_INTERFACE | ClassComponent.ACC_SHAREABLE | ClassComponent.ACC_REMOTE;
        if ((item.entry().flags() & ~known) != 0) {
            error(
                    item,
                    "class-flags",
                    String.format("flags %X have undefined bits", item.entry().flags()));
        }
        Optional<Boolean> shareable = shareable(item);
        if (shareable.isPresent() && shareable.get() != item.entry().isShareable()) {
            error(
                    item,
                    "class-shareable",
                    "ACC_SHAREABLE must be " + (shareable.get() ? "set" : "clear") + " by its supertypes");
        }
    }

    /** Whether a supertype is shareable; empty when a missing export file keeps that open. */
    private Optional<Boolean> shareable(ClassView item) {
        boolean open = false;
        for (int ref : supertypes(item)) {
            if (ClassRef.isInternal(ref)) {
                ClassView own = view.classes.get(ref);
                if (own != null && own.entry().isShareable()) {
                    return Optional.of(true);
                }
            } else if (ClassRef.isExternal(ref)) {
                Optional<ExportClass> outside = view.external(ref);
                if (outside.map(c -> c.isShareable() || c.name().equals("javacard/framework/Shareable"))
                        .orElse(false)) {
                    return Optional.of(true);
                }
                open |= outside.isEmpty();
            }
        }
        boolean isShareableItself =
                view.cap.header().packageInfo().aid().toString().equals("A0000000620101");
        return open || isShareableItself ? Optional.empty() : Optional.of(false);
    }

    private List<Integer> supertypes(ClassView item) {
        if (item.entry() instanceof InterfaceInfo info) {
            return info.superinterfaces();
        }
        List<Integer> refs = new java.util.ArrayList<>();
        refs.add(item.info().superclass());
        item.info().interfaces().forEach(implemented -> refs.add(implemented.classRef()));
        return refs;
    }

    private void checkInterface(ClassView item, InterfaceInfo info) {
        if (info.superinterfaces().size() > MAX_SUPERINTERFACES) {
            error(
                    item,
                    "interface-count",
                    info.superinterfaces().size() + " superinterfaces, at most " + MAX_SUPERINTERFACES);
        }
        for (int ref : info.superinterfaces()) {
            checkReference(item, ref, true);
        }
        TreeSet<String> listed = new TreeSet<>();
        info.superinterfaces().forEach(ref -> listed.add(view.name(ref)));
        for (String name : listed) {
            for (String inherited : hierarchy.interfaces(name)) {
                if (!inherited.startsWith("?") && !listed.contains(inherited)) {
                    error(item, "interface-flattened", "indirect superinterface " + inherited + " is not listed");
                }
            }
        }
    }

    /** A supertype must exist, be of the right kind, and stand before its users when it is of this package. */
    private void checkReference(ClassView item, int ref, boolean wantInterface) {
        String what = wantInterface ? "superinterface" : "superclass";
        if (ClassRef.isExternal(ref)) {
            int token = ClassRef.packageToken(ref);
            if (token >= view.importCount()) {
                error(item, "class-supertype", what + " is of package " + token + ", which is not imported");
            } else if (view.importFile(token).isPresent()) {
                Optional<ExportClass> outside = view.external(ref);
                if (outside.isEmpty() || outside.get().isInterface() != wantInterface) {
                    error(
                            item,
                            "class-supertype",
                            what + " " + ClassRef.text(ref) + " is not an exported "
                                    + (wantInterface ? "interface" : "class"));
                } else if (!wantInterface && (outside.get().flags() & 0x10) != 0) {
                    error(item, "class-final", "superclass " + outside.get().name() + " is final");
                }
            }
            return;
        }
        ClassView own = view.classes.get(ref);
        if (own == null || own.isInterface() != wantInterface) {
            error(
                    item,
                    "class-supertype",
                    what + " " + ClassRef.text(ref) + " is not " + (wantInterface ? "an interface" : "a class"));
        } else if (ref >= item.offset()) {
            error(item, "class-order", what + " " + ClassRef.text(ref) + " must stand before its users");
        } else if (!wantInterface
                && own.descriptor() != null
                && (own.descriptor().flags() & DescriptorComponent.ACC_FINAL) != 0) {
            error(item, "class-final", "superclass " + ClassRef.text(ref) + " is final");
        }
    }

    private void checkClass(ClassView item, ClassInfo info) {
        if (info.superclass() != ClassRef.NONE) {
            checkReference(item, info.superclass(), false);
        } else if (!view.cap.header().packageInfo().aid().toString().equals("A0000000620001")) {
            error(item, "class-supertype", "only java.lang.Object has no superclass");
        }
        info.interfaces().forEach(implemented -> checkReference(item, implemented.classRef(), true));
        info.tokenMapping().ifPresent(mapping -> {
            if (mapping.inheritableCount() != mapping.tokens().size()) {
                error(
                        item,
                        "class-mapping",
                        "token mapping has " + mapping.tokens().size() + " entries, its count says "
                                + mapping.inheritableCount());
            }
        });
        if (item.descriptor() != null) {
            checkInstance(item, info);
            Map<Integer, MethodView> declared = declaredVirtuals(item);
            checkTable(item, declared, info, false);
            checkTable(item, declared, info, true);
            if ((item.descriptor().flags() & DescriptorComponent.ACC_CLASS_ABSTRACT) == 0) {
                checkConcrete(item, info);
            }
        }
    }

    /** A class that can be created has a body for every virtual method. */
    private void checkConcrete(ClassView item, ClassInfo info) {
        int highest = Math.max(info.publicBase() + info.publicTable().size() - 1, highest(info.superclass(), false));
        for (int token = 0; token <= Math.min(highest, 127); token++) {
            checkBody(item, token);
        }
        highest = Math.max(info.packageBase() + info.packageTable().size() - 1, highest(info.superclass(), true));
        for (int token = 0; token <= Math.min(highest, 127); token++) {
            checkBody(item, token | 0x80);
        }
    }

    private void checkBody(ClassView item, int token) {
        Optional<Resolution> found = view.resolveVirtual(item.offset(), token);
        MethodView method = found.map(r -> view.methods.get(r.offset())).orElse(null);
        boolean missing = method != null
                ? method.descriptor().isAbstract()
                : found.map(Resolution::external)
                        .map(outside -> outside.methods().stream()
                                .anyMatch(m ->
                                        PackageView.isVirtual(m) && m.token() == token && (m.flags() & 0x400) != 0))
                        .orElse(false);
        if (missing) {
            error(item, "class-concrete", "the class is not abstract, but virtual method " + token + " has no body");
        }
    }

    private void checkInstance(ClassView item, ClassInfo info) {
        boolean[] taken = new boolean[256];
        int cells = 0;
        TreeSet<Integer> references = new TreeSet<>();
        for (FieldDescriptor field : item.descriptor().fields()) {
            if (field.isStatic()) {
                continue;
            }
            TypeDescriptor type = signatures.fieldType(field).orElse(null);
            if (type == null) {
                continue;
            }
            int token = field.ref() & 0xFF;
            int width = type.types().get(0).cells();
            for (int cell = token; cell < token + width && cell < taken.length; cell++) {
                if (taken[cell]) {
                    error(item, "field-overlap", "two instance fields share cell " + cell);
                }
                taken[cell] = true;
            }
            cells += width;
            if (type.types().get(0).isReference()) {
                references.add(token);
            }
            if (token + width > info.instanceSize()) {
                error(
                        item,
                        "field-range",
                        "field token " + token + " is outside the declared " + info.instanceSize() + " cells");
            }
        }
        if (cells != info.instanceSize()) {
            error(
                    item,
                    "instance-size",
                    "fields take " + cells + " cells, declared_instance_size is " + info.instanceSize());
        }
        checkReferences(item, info, references);
        int total = totalCells(item);
        if (total > MAX_CELLS) {
            error(item, "instance-limit", total + " cells with superclasses, at most " + MAX_CELLS);
        }
    }

    private void checkReferences(ClassView item, ClassInfo info, TreeSet<Integer> references) {
        int first = references.isEmpty() ? 0xFF : references.first();
        boolean run = references.isEmpty() || references.last() - first + 1 == references.size();
        if (!run) {
            error(item, "field-references", "reference fields must have consecutive tokens, found " + references);
        } else if (info.firstReferenceToken() != first || info.referenceCount() != references.size()) {
            error(
                    item,
                    "field-references",
                    "reference fields are " + references + ", the class says " + info.referenceCount() + " from "
                            + info.firstReferenceToken());
        }
    }

    private int totalCells(ClassView item) {
        int total = 0;
        ClassView next = item;
        for (int depth = 0; next != null && !next.isInterface() && depth < 256; depth++) {
            total += next.info().instanceSize();
            next = view.classes.get(next.info().superclass());
        }
        return total;
    }

    private Map<Integer, MethodView> declaredVirtuals(ClassView item) {
        Map<Integer, MethodView> declared = new HashMap<>();
        for (var descriptor : item.descriptor().methods()) {
            MethodView method = view.methods.get(descriptor.methodOffset());
            if (method != null && method.owner() == item && method.hasVirtualToken()) {
                if (declared.put(descriptor.token(), method) != null) {
                    error(item, "virtual-token", "two methods have virtual token " + descriptor.token());
                }
            }
        }
        return declared;
    }

    private void checkTable(ClassView item, Map<Integer, MethodView> declared, ClassInfo info, boolean packageVisible) {
        String name = packageVisible ? "package_virtual_method_table" : "public_virtual_method_table";
        int bit = packageVisible ? 0x80 : 0;
        List<Integer> table = packageVisible ? info.packageTable() : info.publicTable();
        int base = packageVisible ? info.packageBase() : info.publicBase();
        if (base + table.size() > 128) {
            error(item, "virtual-limit", name + " reaches token " + (base + table.size() - 1) + ", the highest is 127");
            return;
        }
        for (int i = 0; i < table.size(); i++) {
            int token = base + i | bit;
            MethodView own = declared.get(token);
            if (own != null && own.descriptor().methodOffset() != table.get(i)) {
                error(
                        item,
                        "virtual-table",
                        name + " has " + table.get(i) + " for token " + token + ", the method is at "
                                + own.descriptor().methodOffset());
            } else if (own == null) {
                checkInherited(item, info, name, token, table.get(i));
            }
        }
        int highest = highest(info.superclass(), packageVisible);
        int lowest = 128;
        int introduced = 0;
        for (Map.Entry<Integer, MethodView> entry : declared.entrySet()) {
            int token = entry.getKey();
            if ((token & 0x80) != bit) {
                continue;
            }
            int plain = token & 0x7F;
            lowest = Math.min(lowest, plain);
            if (plain < base || plain >= base + table.size()) {
                error(item, "virtual-table", "method with token " + token + " is missing in " + name);
            }
            if (plain > highest) {
                introduced++;
            } else {
                checkOverride(item, info, token, entry.getValue());
            }
        }
        checkNumbering(item, table.size(), base, lowest, highest, introduced, declared, bit);
    }

    private void checkNumbering(
            ClassView item,
            int count,
            int base,
            int lowest,
            int highest,
            int introduced,
            Map<Integer, MethodView> declared,
            int bit) {
        if (highest == Integer.MAX_VALUE) {
            return;
        }
        for (int i = 1; i <= introduced; i++) {
            if (!declared.containsKey(highest + i | bit)) {
                error(
                        item,
                        "virtual-token",
                        "new virtual tokens must continue at " + (highest + 1) + ", token " + (highest + i)
                                + " is missing");
                return;
            }
        }
        boolean wrongBase = lowest < 128 ? base != lowest : count == 0 && bit == 0 && base != highest + 1;
        if (wrongBase) {
            findings.warning(
                    "Class",
                    item.label(),
                    item.offset(),
                    "virtual-base",
                    "table base is " + base + ", "
                            + (lowest < 128
                                    ? "the lowest declared token " + lowest
                                    : "after the superclass it is " + (highest + 1))
                            + " is usual");
        }
    }

    private void checkInherited(ClassView item, ClassInfo info, String name, int token, int offset) {
        Optional<Resolution> above = ClassRef.isInternal(info.superclass())
                ? view.resolveVirtual(info.superclass(), token)
                : Optional.empty();
        if (above.isPresent() && above.get().offset() >= 0) {
            if (above.get().offset() != offset) {
                error(
                        item,
                        "virtual-table",
                        name + " has " + offset + " for inherited token " + token + ", the method is at "
                                + above.get().offset());
            }
        } else if (offset != 0xFFFF) {
            error(
                    item,
                    "virtual-table",
                    name + " has " + offset + " for token " + token + ", which no class of the package declares");
        }
    }

    /**
     * Highest virtual token of a class and its superclasses, -1 for none; MAX_VALUE when no export file of that version
     * tells.
     */
    private int highest(int classRef, boolean packageVisible) {
        int highest = -1;
        int ref = classRef;
        for (int depth = 0; depth < 256 && ClassRef.isInternal(ref); depth++) {
            ClassView own = view.classes.get(ref);
            if (own == null || own.isInterface()) {
                return highest;
            }
            ClassInfo info = own.info();
            int last = packageVisible
                    ? info.packageBase() + info.packageTable().size() - 1
                    : info.publicBase() + info.publicTable().size() - 1;
            boolean empty = packageVisible && info.packageTable().isEmpty();
            highest = empty ? highest : Math.max(highest, last);
            ref = info.superclass();
        }
        if (packageVisible || ref == ClassRef.NONE) {
            return highest;
        }
        Optional<ExportClass> outside = view.external(ref);
        if (outside.isEmpty() || view.isLaterThanImport(ref)) {
            return Integer.MAX_VALUE;
        }
        return Math.max(
                highest,
                outside.get().methods().stream()
                        .filter(PackageView::isVirtual)
                        .mapToInt(ExportMethod::token)
                        .max()
                        .orElse(-1));
    }

    private void checkOverride(ClassView item, ClassInfo info, int token, MethodView method) {
        String where = method.label();
        if (ClassRef.isInternal(info.superclass())) {
            Optional<Resolution> above = view.resolveVirtual(info.superclass(), token);
            MethodView overridden = above.map(r -> view.methods.get(r.offset())).orElse(null);
            if (overridden != null) {
                if ((overridden.descriptor().flags() & DescriptorComponent.ACC_FINAL) != 0) {
                    findings.error("Class", where, -1, "final-override", "overrides a final method");
                }
                if (overridden.type() != null
                        && method.type() != null
                        && !signatures.same(overridden.type(), method.type())) {
                    findings.error(
                            "Class",
                            where,
                            -1,
                            "override-type",
                            "type " + method.type() + " differs from the overridden " + overridden.type());
                }
                return;
            }
            above.map(Resolution::external).ifPresent(outside -> checkExternalOverride(where, outside, token, method));
            return;
        }
        view.external(info.superclass()).ifPresent(outside -> checkExternalOverride(where, outside, token, method));
    }

    private void checkExternalOverride(String where, ExportClass outside, int token, MethodView method) {
        outside.methods().stream()
                .filter(m -> PackageView.isVirtual(m) && m.token() == token)
                .findFirst()
                .ifPresent(m -> {
                    if ((m.flags() & 0x10) != 0) {
                        findings.error(
                                "Class",
                                where,
                                -1,
                                "final-override",
                                "overrides final " + outside.name() + "." + m.name());
                    }
                    if (method.type() != null && !signatures.matches(method.type(), m.descriptor())) {
                        findings.error(
                                "Class",
                                where,
                                -1,
                                "override-type",
                                "type " + method.type() + " differs from " + m.name() + m.descriptor());
                    }
                });
    }
}
