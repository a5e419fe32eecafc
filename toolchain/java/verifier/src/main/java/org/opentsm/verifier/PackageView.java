// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.MethodComponent.MethodInfo;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFileProvider;

/**
 * A CAP's classes and methods with their Descriptor entries side by side, and the export files of its imports.
 * Lookups never throw: what cannot be resolved is empty, the rules report it where it matters.
 */
final class PackageView {
    static final String OBJECT = "java/lang/Object";
    static final String THROWABLE = "java/lang/Throwable";

    /** A class or interface of the CAP. descriptor is null when Descriptor has none for it. */
    record ClassView(int offset, ClassComponent.Entry entry, ClassDescriptor descriptor) {
        boolean isInterface() {
            return entry.isInterface();
        }

        ClassInfo info() {
            return (ClassInfo) entry;
        }

        String label() {
            return String.format("%s @%04X", isInterface() ? "interface" : "class", offset);
        }
    }

    /** A method of the CAP that has a method_info. type is null when its type offset is broken. */
    record MethodView(ClassView owner, MethodDescriptor descriptor, MethodInfo info, TypeDescriptor type) {
        String label() {
            String kind = descriptor.isInit() ? "constructor" : descriptor.isStatic() ? "static method" : "method";
            return String.format("%s %s @%04X", owner.label(), kind, descriptor.methodOffset());
        }

        boolean hasVirtualToken() {
            return !descriptor.isStatic()
                    && !descriptor.isInit()
                    && (descriptor.flags() & DescriptorComponent.ACC_PRIVATE) == 0;
        }
    }

    /** A static field and its class. */
    record StaticField(ClassView owner, FieldDescriptor field) {}

    final CapFile cap;
    /**
     * True when Descriptor was made from the other components: it has kinds of values, but no classes and no private
     * members.
     */
    final boolean inferred;

    final Findings findings;
    final Map<Integer, ClassView> classes = new LinkedHashMap<>();
    final Map<Integer, MethodView> methods = new TreeMap<>();
    private final List<Optional<ExportFile>> imports = new ArrayList<>();
    private final Map<String, ExportClass> externalByName = new HashMap<>();
    private final Map<Integer, String> names = new HashMap<>();
    private final Map<String, ClassView> ownByName = new HashMap<>();
    private final Map<Integer, StaticField> staticFields = new HashMap<>();
    private final Map<Integer, Optional<TypeDescriptor>> types = new HashMap<>();

    PackageView(CapFile cap, ExportFileProvider exports, Findings findings) {
        this.cap = cap;
        this.inferred = cap.isDescriptorInferred();
        this.findings = findings;
        for (PackageInfo item : cap.imports().packages()) {
            Optional<ExportFile> found = exports.find(item.aid().bytes(), item.major(), item.minor());
            imports.add(found);
            found.ifPresent(file -> file.classes().forEach(c -> externalByName.putIfAbsent(c.name(), c)));
        }
        Map<Integer, ClassDescriptor> byRef = new HashMap<>();
        cap.descriptor().ifPresent(d -> d.classes().forEach(c -> byRef.putIfAbsent(c.classRef(), c)));
        List<Integer> offsets = cap.classes().offsets();
        for (int i = 0; i < offsets.size(); i++) {
            int offset = offsets.get(i);
            classes.put(offset, new ClassView(offset, cap.classes().entries().get(i), byRef.get(offset)));
        }
        classes.forEach((offset, own) -> ownByName.putIfAbsent(name(offset), own));
        cap.descriptor().ifPresent(this::collectMethods);
        for (ClassView owner : classes.values()) {
            if (owner.descriptor != null) {
                owner.descriptor.fields().stream()
                        .filter(FieldDescriptor::isStatic)
                        .forEach(field -> staticFields.putIfAbsent(field.imageOffset(), new StaticField(owner, field)));
            }
        }
    }

    private void collectMethods(DescriptorComponent descriptor) {
        for (ClassView owner : classes.values()) {
            if (owner.descriptor == null || owner.isInterface()) {
                continue;
            }
            for (MethodDescriptor method : owner.descriptor.methods()) {
                try {
                    MethodInfo info = cap.methods().methodAt(method.methodOffset(), method.bytecodeCount());
                    methods.putIfAbsent(
                            method.methodOffset(),
                            new MethodView(
                                    owner,
                                    method,
                                    info,
                                    type(method.typeOffset()).orElse(null)));
                } catch (CapFormatException e) {
                    findings.error("Descriptor", owner.label(), method.methodOffset(), "method-range", e.getMessage());
                }
            }
        }
    }

    int importCount() {
        return imports.size();
    }

    Optional<ExportFile> importFile(int packageToken) {
        return packageToken < imports.size() ? imports.get(packageToken) : Optional.empty();
    }

    /** True when the export file at hand is of a later minor version than the CAP was made with. */
    boolean isLaterThanImport(int classRef) {
        int token = ClassRef.packageToken(classRef);
        return importFile(token)
                .map(file -> file.minor() > cap.imports().packages().get(token).minor())
                .orElse(false);
    }

    /** The class of an external class_ref, empty when its package or token is unknown. */
    Optional<ExportClass> external(int classRef) {
        return ClassRef.isExternal(classRef)
                ? importFile(ClassRef.packageToken(classRef))
                        .flatMap(file -> file.classByToken(ClassRef.classToken(classRef)))
                : Optional.empty();
    }

    Optional<ExportClass> externalByName(String name) {
        return Optional.ofNullable(externalByName.get(name));
    }

    Optional<TypeDescriptor> type(int offset) {
        return types.computeIfAbsent(offset, this::readType);
    }

    private Optional<TypeDescriptor> readType(int offset) {
        try {
            return cap.descriptor().map(d -> d.typeAt(offset));
        } catch (CapFormatException e) {
            return Optional.empty();
        }
    }

    /** The type Descriptor gives a constant pool entry. */
    Optional<TypeDescriptor> constantType(int index) {
        return cap.descriptor()
                .filter(d -> index < d.cpTypes().size() && d.cpTypes().get(index) != 0xFFFF)
                .flatMap(d -> type(d.cpTypes().get(index)));
    }

    Optional<Entry> constant(int index) {
        List<Entry> entries = cap.constantPool().entries();
        return index >= 0 && index < entries.size() ? Optional.of(entries.get(index)) : Optional.empty();
    }

    /**
     * A name for a class that is equal for equal classes: the path of a resolved import, "#offset" for our own,
     * "?package.class" for what no export file tells.
     */
    String name(int classRef) {
        return names.computeIfAbsent(classRef, this::makeName);
    }

    private String makeName(int classRef) {
        if (ClassRef.isExternal(classRef)) {
            return external(classRef).map(ExportClass::name).orElse("?" + ClassRef.text(classRef));
        }
        if (inferred && classRef == ClassRef.NONE) {
            return Hierarchy.UNKNOWN;
        }
        ClassView view = classes.get(classRef);
        if (view != null && view.entry instanceof ClassInfo info && info.superclass() == ClassRef.NONE) {
            return OBJECT;
        }
        return String.format("#%04X", classRef);
    }

    Optional<ClassView> byName(String name) {
        return Optional.ofNullable(ownByName.get(name));
    }

    /** Flattened methods of an interface of ours, empty when Descriptor has none for it. */
    Collection<MethodDescriptor> interfaceMethods(ClassView view) {
        return view.descriptor == null ? List.of() : view.descriptor.methods();
    }

    /** The static field at an image offset. */
    Optional<StaticField> staticField(int imageOffset) {
        return Optional.ofNullable(staticFields.get(imageOffset));
    }

    /** The field with this instance token declared by a class of ours. */
    Optional<FieldDescriptor> instanceField(int classRef, int token) {
        ClassView view = classes.get(classRef);
        return view == null || view.descriptor == null
                ? Optional.empty()
                : view.descriptor.fields().stream()
                        .filter(f -> !f.isStatic() && (f.ref() & 0xFF) == token)
                        .findFirst();
    }

    /**
     * Where a virtual token leads from a class of ours, walking up.
     *
     * @param offset   Method info offset, -1 when the method belongs to an imported class
     * @param external the imported class the walk ended in, null inside the package
     */
    record Resolution(int offset, ClassView declarer, ExportClass external) {}

    /**
     * Resolves a virtual token; 80+ is package-visible.
     *
     * @return empty when no class of the chain has it; a Resolution with offset -1 and no class when the chain leaves
     *         through an import without export file
     */
    Optional<Resolution> resolveVirtual(int classRef, int token) {
        int ref = classRef;
        boolean packageVisible = (token & 0x80) != 0;
        for (int depth = 0; depth <= 256 && ClassRef.isInternal(ref); depth++) {
            ClassView view = classes.get(ref);
            if (view == null || !(view.entry instanceof ClassInfo info)) {
                return Optional.empty();
            }
            List<Integer> table = packageVisible ? info.packageTable() : info.publicTable();
            int index = (token & 0x7F) - (packageVisible ? info.packageBase() : info.publicBase());
            if (index >= 0 && index < table.size() && table.get(index) != 0xFFFF) {
                return Optional.of(new Resolution(table.get(index), view, null));
            }
            ref = info.superclass();
        }
        if (packageVisible || !ClassRef.isExternal(ref)) {
            return Optional.empty();
        }
        Optional<ExportClass> outside = external(ref);
        if (outside.isEmpty()) {
            return Optional.of(new Resolution(-1, null, null));
        }
        boolean known = outside.get().methods().stream().anyMatch(m -> isVirtual(m) && m.token() == token);
        return known ? Optional.of(new Resolution(-1, null, outside.get())) : Optional.empty();
    }

    static boolean isVirtual(ExportFile.ExportMethod method) {
        return !method.isStatic() && !method.isConstructor();
    }

    /** The superclass of a class of ours, as class_ref; NONE for Object and for interfaces. */
    int superclass(ClassView view) {
        return view.entry instanceof ClassInfo info ? info.superclass() : ClassRef.NONE;
    }
}
