// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.List;
import java.util.Optional;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.verifier.PackageView.ClassView;
import org.opentsm.verifier.PackageView.MethodView;
import org.opentsm.verifier.PackageView.Resolution;

/** Rules of ConstantPool: every entry links to something that exists and has the type Descriptor gives it. */
final class ConstantPoolRules {
    private final PackageView view;
    private final Findings findings;
    private final SignatureMatch signatures;

    ConstantPoolRules(PackageView view) {
        this.view = view;
        this.findings = view.findings;
        this.signatures = new SignatureMatch(view);
    }

    void check() {
        List<Entry> entries = view.cap.constantPool().entries();
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.isStatic()) {
                checkStatic(i, entry);
            } else {
                checkWithClass(i, entry);
            }
        }
    }

    private void error(int index, Entry entry, String rule, String text) {
        findings.error("ConstantPool", "entry " + index + " " + entry.kind(), 2 + 4 * index, rule, text);
    }

    private void checkStatic(int index, Entry entry) {
        if (entry.isExternal()) {
            checkExternal(index, entry);
        } else if (entry.info() >> 16 != 0) {
            error(index, entry, "cp-padding", "the first info byte of an internal reference must be 0");
        } else if (view.cap.descriptor().isPresent()) {
            checkInternalStatic(index, entry);
        }
    }

    /** Of a constant that only code uses which nothing leads to, no Descriptor can be made. */
    private boolean isLeftOut(Entry entry) {
        return view.inferred
                && (entry.tag() == ConstantPoolComponent.STATIC_FIELDREF
                        ? view.staticField(entry.offset()).isEmpty()
                        : !view.methods.containsKey(entry.offset()));
    }

    private void checkInternalStatic(int index, Entry entry) {
        if (isLeftOut(entry)) {
            return;
        }
        if (entry.tag() == ConstantPoolComponent.STATIC_FIELDREF) {
            Optional<FieldDescriptor> field = view.staticField(entry.offset()).map(PackageView.StaticField::field);
            if (field.isEmpty()) {
                error(index, entry, "cp-static-field", "no static field has image offset " + entry.offset());
            } else {
                signatures.fieldType(field.get()).ifPresent(type -> compareType(index, entry, type));
            }
            return;
        }
        MethodView method = view.methods.get(entry.offset());
        int flags = method == null ? 0 : method.descriptor().flags();
        if (method == null) {
            error(index, entry, "cp-static-method", "no method starts at " + entry.offset());
        } else if ((flags
                        & (DescriptorComponent.ACC_STATIC
                                | DescriptorComponent.ACC_INIT
                                | DescriptorComponent.ACC_PRIVATE))
                == 0) {
            error(index, entry, "cp-static-method", "the method is neither static nor private nor a constructor");
        } else if (method.type() != null) {
            compareType(index, entry, method.type());
        }
    }

    private void checkWithClass(int index, Entry entry) {
        if (entry.tag() == ConstantPoolComponent.CLASSREF && entry.token() != 0) {
            error(index, entry, "cp-padding", "the last info byte must be 0");
        }
        if (entry.classRef() == ClassRef.NONE) {
            error(index, entry, "cp-class", "class_ref FFFF refers to no class");
        } else if (entry.isExternal()) {
            checkExternal(index, entry);
        } else {
            ClassView owner = view.classes.get(entry.classRef());
            if (owner == null) {
                error(index, entry, "cp-class", String.format("no class starts at %04X", entry.classRef()));
            } else {
                checkInternal(index, entry, owner);
            }
        }
    }

    private void checkInternal(int index, Entry entry, ClassView owner) {
        if (entry.tag() == ConstantPoolComponent.CLASSREF) {
            return;
        }
        if (owner.isInterface()) {
            error(index, entry, "cp-class", "the member of an interface cannot be referred to this way");
            return;
        }
        if (entry.tag() == ConstantPoolComponent.INSTANCE_FIELDREF) {
            checkInternalField(index, entry, owner);
            return;
        }
        int from = entry.tag() == ConstantPoolComponent.SUPER_METHODREF ? view.superclass(owner) : entry.classRef();
        Optional<Resolution> found = ClassRef.isInternal(from)
                ? view.resolveVirtual(from, entry.token())
                : resolveExternal(from, entry.token());
        if (found.isEmpty()) {
            error(
                    index,
                    entry,
                    "cp-virtual-method",
                    owner.label() + " has no virtual method with token " + entry.token());
            return;
        }
        MethodView method = view.methods.get(found.get().offset());
        if (entry.tag() == ConstantPoolComponent.SUPER_METHODREF
                && method != null
                && method.descriptor().isAbstract()) {
            error(index, entry, "cp-super-abstract", "the superclass method is abstract");
        }
        if (method != null && method.type() != null) {
            compareType(index, entry, method.type());
        } else if (found.get().external() != null) {
            virtual(found.get().external(), entry.token())
                    .ifPresent(m -> compareSignature(index, entry, m.descriptor()));
        }
    }

    private Optional<Resolution> resolveExternal(int classRef, int token) {
        if (!ClassRef.isExternal(classRef)) {
            return Optional.empty();
        }
        Optional<ExportClass> outside = view.external(classRef);
        if (outside.isEmpty()) {
            return Optional.of(new Resolution(-1, null, null));
        }
        return virtual(outside.get(), token).map(m -> new Resolution(-1, null, outside.get()));
    }

    private void checkInternalField(int index, Entry entry, ClassView owner) {
        if (owner.descriptor() == null) {
            return;
        }
        Optional<FieldDescriptor> field = view.instanceField(entry.classRef(), entry.token());
        if (field.isEmpty()) {
            error(index, entry, "cp-field", owner.label() + " declares no instance field with token " + entry.token());
        } else {
            signatures.fieldType(field.get()).ifPresent(type -> compareType(index, entry, type));
        }
    }

    private void checkExternal(int index, Entry entry) {
        int ref = entry.classRef();
        if (ClassRef.packageToken(ref) >= view.importCount()) {
            error(index, entry, "cp-package", "package token " + ClassRef.packageToken(ref) + " is not imported");
            return;
        }
        if (entry.tag() == ConstantPoolComponent.SUPER_METHODREF) {
            error(index, entry, "cp-super-external", "a SuperMethodref names the class that contains the call");
            return;
        }
        if (entry.tag() == ConstantPoolComponent.VIRTUAL_METHODREF && entry.token() >= 0x80) {
            error(
                    index,
                    entry,
                    "cp-virtual-method",
                    "token " + entry.token() + " is package-visible in another package");
            return;
        }
        if (view.importFile(ClassRef.packageToken(ref)).isEmpty()) {
            return;
        }
        Optional<ExportClass> outside = view.external(ref);
        if (outside.isEmpty()) {
            error(
                    index,
                    entry,
                    "cp-class",
                    "package " + ClassRef.packageToken(ref) + " exports no class with token "
                            + ClassRef.classToken(ref));
        } else {
            checkExternalMember(index, entry, outside.get());
        }
    }

    private void checkExternalMember(int index, Entry entry, ExportClass owner) {
        int token = entry.token();
        switch (entry.tag()) {
            case ConstantPoolComponent.INSTANCE_FIELDREF, ConstantPoolComponent.STATIC_FIELDREF -> {
                boolean isStatic = entry.tag() == ConstantPoolComponent.STATIC_FIELDREF;
                Optional<ExportField> field = owner.fields().stream()
                        .filter(f -> f.isStatic() == isStatic && f.token() == token)
                        .findFirst();
                field.ifPresentOrElse(
                        f -> compareSignature(index, entry, f.descriptor()),
                        () -> error(
                                index, entry, "cp-field", owner.name() + " exports no such field with token " + token));
            }
            case ConstantPoolComponent.VIRTUAL_METHODREF -> {
                if (owner.isInterface()) {
                    error(index, entry, "cp-class", owner.name() + " is an interface");
                }
                virtual(owner, token)
                        .ifPresentOrElse(
                                m -> compareSignature(index, entry, m.descriptor()),
                                () -> error(
                                        index,
                                        entry,
                                        "cp-virtual-method",
                                        owner.name() + " exports no virtual method with token " + token));
            }
            case ConstantPoolComponent.STATIC_METHODREF ->
                owner.methods().stream()
                        .filter(m -> !PackageView.isVirtual(m) && m.token() == token)
                        .findFirst()
                        .ifPresentOrElse(
                                m -> compareSignature(index, entry, m.descriptor()),
                                () -> error(
                                        index,
                                        entry,
                                        "cp-static-method",
                                        owner.name() + " exports no static method or constructor with token " + token));
            default -> {}
        }
    }

    private static Optional<ExportMethod> virtual(ExportClass owner, int token) {
        return owner.methods().stream()
                .filter(m -> PackageView.isVirtual(m) && m.token() == token)
                .findFirst();
    }

    private void compareType(int index, Entry entry, TypeDescriptor actual) {
        view.constantType(index)
                .filter(noted -> !signatures.same(noted, actual))
                .ifPresent(noted ->
                        error(index, entry, "cp-type", "Descriptor types it " + noted + ", the member is " + actual));
    }

    private void compareSignature(int index, Entry entry, String descriptor) {
        view.constantType(index)
                .filter(noted -> !signatures.matches(noted, descriptor))
                .ifPresent(noted -> error(
                        index, entry, "cp-type", "Descriptor types it " + noted + ", the export file " + descriptor));
    }
}
