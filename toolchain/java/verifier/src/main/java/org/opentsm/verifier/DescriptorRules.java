// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.opentsm.cap.ByteReader;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.verifier.PackageView.ClassView;

/** Rules of Descriptor: it lists every class once, with tokens, flags and types that fit the other components. */
final class DescriptorRules {
    private static final int NO_TOKEN = DescriptorComponent.NO_TOKEN;
    private final PackageView view;
    private final Findings findings;
    private final DescriptorComponent descriptor;
    private final TreeSet<Integer> typeStarts = new TreeSet<>();
    private boolean intSeen;

    DescriptorRules(PackageView view, DescriptorComponent descriptor) {
        this.view = view;
        this.findings = view.findings;
        this.descriptor = descriptor;
    }

    void check() {
        readTypes();
        Set<Integer> listed = new HashSet<>();
        TreeSet<Integer> tokens = new TreeSet<>();
        for (ClassDescriptor item : descriptor.classes()) {
            ClassView own = view.classes.get(item.classRef());
            String where = ClassRef.text(item.classRef());
            if (own == null) {
                findings.error("Descriptor", where, -1, "descriptor-class", "no class starts there");
                continue;
            }
            if (!listed.add(item.classRef())) {
                findings.error("Descriptor", where, -1, "descriptor-class", "the class is described twice");
            }
            if (item.token() != NO_TOKEN && !tokens.add(item.token())) {
                findings.error(
                        "Descriptor", where, -1, "class-token", "class token " + item.token() + " is used twice");
            }
            checkClass(own, item);
        }
        if (listed.size() != view.classes.size()) {
            findings.error(
                    "Descriptor",
                    -1,
                    "descriptor-class",
                    view.classes.size() + " classes, " + listed.size() + " are described");
        }
        if (!tokens.isEmpty() && tokens.last() != tokens.size() - 1) {
            findings.error("Descriptor", -1, "class-token", "class tokens must be consecutive from 0, found " + tokens);
        }
        checkConstants();
        if (intSeen && (view.cap.header().flags() & HeaderComponent.ACC_INT) == 0) {
            findings.error("Header", "", 6, "acc-int", "fields or methods use int, but ACC_INT is clear");
        }
    }

    private void readTypes() {
        byte[] data = descriptor.typeData();
        ByteReader in = new ByteReader("Descriptor types", data);
        try {
            while (in.remaining() > 0) {
                int start = in.position();
                TypeDescriptor type = TypeDescriptor.read(in);
                typeStarts.add(descriptor.firstTypeOffset() + start);
                for (Type item : type.types()) {
                    checkTypeClass(descriptor.firstTypeOffset() + start, item);
                }
            }
        } catch (CapFormatException e) {
            findings.error("Descriptor", descriptor.firstTypeOffset() + in.position(), "type-format", e.getMessage());
        }
    }

    private void checkTypeClass(int offset, Type type) {
        int ref = type.classRef();
        if (ref < 0 || view.inferred && ref == ClassRef.NONE) {
            return;
        }
        boolean known = ClassRef.isInternal(ref)
                ? view.classes.containsKey(ref)
                : ref != ClassRef.NONE
                        && ClassRef.packageToken(ref) < view.importCount()
                        && (view.importFile(ClassRef.packageToken(ref)).isEmpty()
                                || view.external(ref).isPresent());
        if (!known) {
            findings.error(
                    "Descriptor",
                    offset,
                    "type-class",
                    "type refers to class " + ClassRef.text(ref) + ", which does not exist");
        }
    }

    private boolean checkType(String where, int offset) {
        if (!typeStarts.contains(offset)) {
            findings.error("Descriptor", where, -1, "type-offset", "no type_descriptor starts at " + offset);
            return false;
        }
        return true;
    }

    private void checkConstants() {
        List<ConstantPoolComponent.Entry> entries = view.cap.constantPool().entries();
        if (descriptor.cpTypes().size() != entries.size()) {
            findings.error(
                    "Descriptor",
                    -1,
                    "type-count",
                    entries.size() + " constants, " + descriptor.cpTypes().size() + " have types");
            return;
        }
        for (int i = 0; i < entries.size(); i++) {
            int offset = descriptor.cpTypes().get(i);
            boolean isClass = entries.get(i).tag() == ConstantPoolComponent.CLASSREF;
            if (isClass != (offset == 0xFFFF)) {
                findings.error(
                        "Descriptor",
                        "constant " + i,
                        -1,
                        "type-constant",
                        entries.get(i).kind() + " has type offset " + offset);
            } else if (!isClass && checkType("constant " + i, offset)) {
                checkConstantShape(i, entries.get(i));
            }
        }
    }

    private void checkConstantShape(int index, ConstantPoolComponent.Entry entry) {
        boolean field = entry.tag() == ConstantPoolComponent.INSTANCE_FIELDREF
                || entry.tag() == ConstantPoolComponent.STATIC_FIELDREF;
        TypeDescriptor type = view.constantType(index).orElseThrow();
        boolean wrong = field
                ? type.types().size() != 1 || type.returnType().nibble() == TypeDescriptor.VOID
                : hasVoidParameter(type);
        if (wrong) {
            findings.error("Descriptor", "constant " + index, -1, "type-constant", entry.kind() + " has type " + type);
        }
    }

    private void checkSignature(String where, MethodDescriptor method, TypeDescriptor type) {
        if (hasVoidParameter(type)) {
            findings.error("Descriptor", where, -1, "method-type", "a parameter is void");
        }
        if (method.isInit() && type.returnType().nibble() != TypeDescriptor.VOID) {
            findings.error("Descriptor", where, -1, "method-type", "a constructor returns " + type.returnType());
        }
    }

    private static boolean hasVoidParameter(TypeDescriptor type) {
        return type.parameters().stream().anyMatch(item -> item.nibble() == TypeDescriptor.VOID);
    }

    private void checkClass(ClassView own, ClassDescriptor item) {
        int known = DescriptorComponent.ACC_PUBLIC
                | DescriptorComponent.ACC_FINAL
                | DescriptorComponent.ACC_INTERFACE
                | DescriptorComponent.ACC_CLASS_ABSTRACT;
        if ((item.flags() & ~known) != 0 || item.isInterface() != own.isInterface()) {
            findings.error(
                    "Descriptor",
                    own.label(),
                    -1,
                    "descriptor-flags",
                    String.format("class flags %02X do not fit", item.flags()));
        }
        if (item.isInterface() && !item.fields().stream().allMatch(FieldDescriptor::isStatic)) {
            findings.error(
                    "Descriptor", own.label(), -1, "descriptor-interface", "an interface has no instance fields");
        }
        Set<Integer> staticFields = new HashSet<>();
        for (FieldDescriptor field : item.fields()) {
            checkField(own, field, staticFields);
        }
        Set<Integer> staticMethods = new HashSet<>();
        TreeSet<Integer> interfaceTokens = new TreeSet<>();
        for (MethodDescriptor method : item.methods()) {
            String where = own.label() + " method @" + method.methodOffset();
            boolean typed = checkType(where, method.typeOffset());
            if (typed) {
                view.type(method.typeOffset()).ifPresent(type -> checkSignature(where, method, type));
            }
            if (own.isInterface()) {
                checkInterfaceMethod(where, method, interfaceTokens);
            } else {
                intSeen |= typed
                        && view.type(method.typeOffset())
                                .map(DescriptorRules::hasInt)
                                .orElse(false);
                checkMethod(where, method, staticMethods);
            }
        }
        if (!interfaceTokens.isEmpty() && interfaceTokens.last() != interfaceTokens.size() - 1) {
            findings.error(
                    "Descriptor",
                    own.label(),
                    -1,
                    "interface-token",
                    "interface method tokens must be consecutive from 0, found " + interfaceTokens);
        }
    }

    private static boolean hasInt(TypeDescriptor type) {
        return type.types().stream()
                .anyMatch(item -> item.nibble() == TypeDescriptor.INT || item.nibble() == TypeDescriptor.ARRAY_OF_INT);
    }

    private void checkField(ClassView own, FieldDescriptor field, Set<Integer> staticTokens) {
        String where = own.label() + " field " + String.format("%06X", field.ref());
        boolean shortForm = (field.type() & 0x8000) != 0;
        if (shortForm && (field.type() < 0x8002 || field.type() > 0x8005)) {
            findings.error(
                    "Descriptor",
                    where,
                    -1,
                    "field-type",
                    String.format("type %04X is not a primitive type", field.type()));
        } else if (!shortForm && checkType(where, field.type())) {
            TypeDescriptor type = view.type(field.type()).orElseThrow();
            if (type.types().size() != 1 || !type.returnType().isReference()) {
                findings.error("Descriptor", where, -1, "field-type", "type " + type + " is not one reference type");
            }
            intSeen |= hasInt(type);
        }
        intSeen |= field.type() == (0x8000 | TypeDescriptor.INT);
        if (!field.isStatic()) {
            if (field.ref() >> 8 != own.offset() || field.token() != (field.ref() & 0xFF)) {
                findings.error(
                        "Descriptor",
                        where,
                        -1,
                        "field-ref",
                        "an instance field's reference is its class and token " + field.token());
            }
        } else if (field.ref() >> 16 != 0) {
            findings.error("Descriptor", where, -1, "field-ref", "the first byte of a static field's reference is 0");
        } else if (field.token() != NO_TOKEN && !staticTokens.add(field.token())) {
            findings.error(
                    "Descriptor", where, -1, "static-token", "static field token " + field.token() + " is used twice");
        }
        if (!oneVisibility(field.flags())) {
            findings.error(
                    "Descriptor",
                    where,
                    -1,
                    "descriptor-flags",
                    String.format("field flags %02X name two visibilities", field.flags()));
        }
    }

    private static boolean oneVisibility(int flags) {
        return Integer.bitCount(flags
                        & (DescriptorComponent.ACC_PUBLIC
                                | DescriptorComponent.ACC_PRIVATE
                                | DescriptorComponent.ACC_PROTECTED))
                <= 1;
    }

    private void checkInterfaceMethod(String where, MethodDescriptor method, TreeSet<Integer> tokens) {
        if (method.methodOffset() != 0 || method.bytecodeCount() != 0 || method.handlerCount() != 0) {
            findings.error("Descriptor", where, -1, "descriptor-interface", "an interface method has no method_info");
        }
        if (!method.isAbstract() || method.isStatic()) {
            findings.error(
                    "Descriptor",
                    where,
                    -1,
                    "descriptor-flags",
                    String.format("interface method flags %02X", method.flags()));
        }
        if (!tokens.add(method.token())) {
            findings.error(
                    "Descriptor",
                    where,
                    -1,
                    "interface-token",
                    "interface method token " + method.token() + " is used twice");
        }
    }

    private void checkMethod(String where, MethodDescriptor method, Set<Integer> staticTokens) {
        int flags = method.flags();
        boolean isPrivate = (flags & DescriptorComponent.ACC_PRIVATE) != 0;
        boolean badMix = !oneVisibility(flags)
                || method.isInit()
                        && (flags & (DescriptorComponent.ACC_STATIC | DescriptorComponent.ACC_METHOD_ABSTRACT)) != 0
                || method.isAbstract()
                        && (isPrivate || method.isStatic() || (flags & DescriptorComponent.ACC_FINAL) != 0);
        if (badMix || (flags & 0x20) != 0) {
            findings.error(
                    "Descriptor",
                    where,
                    -1,
                    "descriptor-flags",
                    String.format("method flags %02X do not go together", flags));
        }
        boolean exported = (flags & (DescriptorComponent.ACC_PUBLIC | DescriptorComponent.ACC_PROTECTED)) != 0;
        if (method.isStatic() || method.isInit()) {
            if (method.token() != NO_TOKEN && !staticTokens.add(method.token())) {
                findings.error(
                        "Descriptor",
                        where,
                        -1,
                        "static-token",
                        "static method token " + method.token() + " is used twice");
            }
        } else if (isPrivate) {
            if (method.token() != NO_TOKEN) {
                findings.error(
                        "Descriptor",
                        where,
                        -1,
                        "virtual-token",
                        "a private method has no token, found " + method.token());
            }
        } else if (exported == (method.token() >= 0x80)) {
            findings.error(
                    "Descriptor",
                    where,
                    -1,
                    "virtual-token",
                    "token " + method.token() + " does not fit the method's visibility");
        }
    }
}
