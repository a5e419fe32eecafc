// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.ExportComponent.ExportedClass;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.cap.TypeTable;
import org.opentsm.cap.exp.ExportFile.ExportField;

/** Writes down as a Descriptor what was found out. */
final class DescriptorMaker {
    private static final int PUBLIC = DescriptorComponent.ACC_PUBLIC;
    private static final Type UNKNOWN = Type.reference(ClassRef.NONE);
    private final Members members;
    private final Constructors constructors;
    private final TypeTable types;
    private final TypeNames names;
    private final List<ExportedClass> exported;
    private final int firstClass;

    DescriptorMaker(Members members, Constructors constructors) {
        this.members = members;
        this.constructors = constructors;
        types = new TypeTable(members.cap.constantPool().entries().size());
        names = new TypeNames(members.imports());
        exported = members.cap.export().map(export -> export.classes()).orElse(List.of());
        firstClass = members.classes.entrySet().stream()
                .filter(item -> !item.getValue().isInterface())
                .map(Map.Entry::getKey)
                .findFirst()
                .or(() -> members.classes.keySet().stream().findFirst())
                .orElseThrow(() -> new InferenceException("there is no class that methods and fields could be of"));
    }

    DescriptorComponent make() {
        Map<Integer, List<MethodDescriptor>> methods = new HashMap<>();
        for (FoundMethod method : members.methods.values()) {
            MethodDescriptor made = method(method);
            methods.computeIfAbsent(owner(method.offset()), key -> new ArrayList<>())
                    .add(made);
        }
        Map<Integer, List<FieldDescriptor>> statics = staticFields();
        List<ClassDescriptor> classes = new ArrayList<>();
        members.classes.forEach((offset, entry) -> {
            List<FieldDescriptor> fields = new ArrayList<>(statics.getOrDefault(offset, List.of()));
            if (entry instanceof ClassInfo info) {
                fields.addAll(instanceFields(offset, info));
            }
            List<MethodDescriptor> own =
                    entry.isInterface() ? interfaceMethods(offset) : methods.getOrDefault(offset, List.of());
            classes.add(new ClassDescriptor(
                    token(offset), flags(offset, entry), offset, superinterfaces(entry), fields, own));
        });
        List<Integer> constants = members.cap.constantPool().entries().stream()
                .map(this::constantType)
                .toList();
        return new DescriptorComponent(classes, constants, types.toByteArray());
    }

    private int token(int classOffset) {
        for (int token = 0; token < exported.size(); token++) {
            if (exported.get(token).classOffset() == classOffset) {
                return token;
            }
        }
        return DescriptorComponent.NO_TOKEN;
    }

    private static List<Integer> superinterfaces(ClassComponent.Entry entry) {
        return entry instanceof InterfaceInfo
                ? List.of()
                : ((ClassInfo) entry)
                        .interfaces().stream()
                                .map(ClassComponent.ImplementedInterface::classRef)
                                .toList();
    }

    private int flags(int offset, ClassComponent.Entry entry) {
        if (entry.isInterface()) {
            return PUBLIC | DescriptorComponent.ACC_INTERFACE | DescriptorComponent.ACC_CLASS_ABSTRACT;
        }
        return PUBLIC | (new Abstracts(members).isAbstract(offset) ? DescriptorComponent.ACC_CLASS_ABSTRACT : 0);
    }

    // ---- methods ----

    private int owner(int method) {
        int[] place = members.virtuals.get(method);
        if (place != null) {
            return place[0];
        }
        if (constructors.isConstructor(method)) {
            return constructors.owner(method);
        }
        int[] export = export(method);
        return export == null ? constructors.classOf(method, firstClass) : export[0];
    }

    /** Class and static token of an exported method, or null. */
    private int[] export(int method) {
        for (ExportedClass item : exported) {
            int token = item.methodOffsets().indexOf(method);
            if (token >= 0) {
                return new int[] {item.classOffset(), token};
            }
        }
        return null;
    }

    private MethodDescriptor method(FoundMethod method) {
        int offset = method.offset();
        int[] place = members.virtuals.get(offset);
        int[] export = export(offset);
        int token = place != null ? place[1] : export != null ? export[1] : DescriptorComponent.NO_TOKEN;
        int flags;
        if (place != null) {
            flags = (place[1] & 0x80) == 0 ? PUBLIC : 0;
        } else if (constructors.isConstructor(offset)) {
            flags = PUBLIC | DescriptorComponent.ACC_INIT;
        } else {
            flags = DescriptorComponent.ACC_STATIC
                    | (constructors.isPrivate(offset) ? DescriptorComponent.ACC_PRIVATE : PUBLIC);
        }
        flags |= method.info().isAbstract() ? DescriptorComponent.ACC_METHOD_ABSTRACT : 0;
        return new MethodDescriptor(
                token,
                flags,
                offset,
                types.offsetOf(type(offset)),
                method.info().code().length,
                method.handlers().size(),
                method.handlerIndex());
    }

    private TypeDescriptor type(int method) {
        return type(members.signature(method), constructors.isConstructor(method) ? 1 : 0);
    }

    private TypeDescriptor type(Signature signature, int receiver) {
        if (signature.exact() != null) {
            return names.method(signature.exact());
        }
        List<Type> found = new ArrayList<>();
        for (int value : signature
                .parameters()
                .subList(
                        Math.min(receiver, signature.parameters().size()),
                        signature.parameters().size())) {
            switch (members.kinds.of(value)) {
                case Kinds.REFERENCE -> found.add(UNKNOWN);
                case Kinds.INT -> found.add(Type.of(TypeDescriptor.INT));
                case Kinds.TAIL -> {}
                default -> found.add(Type.of(TypeDescriptor.SHORT));
            }
        }
        found.add(
                switch (members.kinds.of(signature.result())) {
                    case Kinds.REFERENCE -> UNKNOWN;
                    case Kinds.SHORT -> Type.of(TypeDescriptor.SHORT);
                    case Kinds.INT -> Type.of(TypeDescriptor.INT);
                    default -> Type.of(TypeDescriptor.VOID);
                });
        return new TypeDescriptor(found);
    }

    private List<MethodDescriptor> interfaceMethods(int offset) {
        TreeMap<Integer, Signature> known = members.interfaces.get(offset);
        List<MethodDescriptor> made = new ArrayList<>();
        int count = known.isEmpty() ? 0 : known.lastKey() + 1;
        for (int token = 0; token < count; token++) {
            Signature signature = known.get(token);
            TypeDescriptor type =
                    signature == null ? new TypeDescriptor(List.of(Type.of(TypeDescriptor.VOID))) : type(signature, 0);
            made.add(new MethodDescriptor(
                    token, PUBLIC | DescriptorComponent.ACC_METHOD_ABSTRACT, 0, types.offsetOf(type), 0, 0, 0));
        }
        return made;
    }

    // ---- fields ----

    private List<FieldDescriptor> instanceFields(int offset, ClassInfo info) {
        List<FieldDescriptor> fields = new ArrayList<>();
        for (int token = 0; token < info.instanceSize(); token++) {
            char used = instanceField(offset, token);
            int type = used == 'a'
                    ? reference()
                    : 0x8000
                            | (used == 'b'
                                    ? TypeDescriptor.BYTE
                                    : used == 'i' ? TypeDescriptor.INT : TypeDescriptor.SHORT);
            fields.add(new FieldDescriptor(token, PUBLIC, offset << 8 | token, type));
            token += used == 'i' ? 1 : 0;
        }
        return fields;
    }

    /** Type letter of an instance field; where no code in use touches it, its class tells whether it is a reference. */
    private char instanceField(int classRef, int token) {
        char used = constructors.instanceField(classRef, token);
        boolean reference = members.classes.get(classRef) instanceof ClassInfo info
                && token >= info.firstReferenceToken()
                && token < info.firstReferenceToken() + info.referenceCount();
        return used == 0 && reference ? 'a' : used;
    }

    private int reference() {
        return types.offsetOf(new TypeDescriptor(List.of(UNKNOWN)));
    }

    private Map<Integer, List<FieldDescriptor>> staticFields() {
        StaticFieldComponent image = members.cap.staticFields();
        Map<Integer, List<FieldDescriptor>> fields = new HashMap<>();
        int references = 2 * image.referenceCount();
        int at = 0;
        while (at < image.imageSize()) {
            char used = constructors.staticFields().getOrDefault(at, at < references ? 'a' : 'b');
            int type = used == 'a'
                    ? reference()
                    : 0x8000
                            | (used == 'b'
                                    ? TypeDescriptor.BYTE
                                    : used == 'i' ? TypeDescriptor.INT : TypeDescriptor.SHORT);
            int[] export = exportedField(at);
            fields.computeIfAbsent(export == null ? firstClass : export[0], key -> new ArrayList<>())
                    .add(new FieldDescriptor(
                            export == null ? DescriptorComponent.NO_TOKEN : export[1],
                            PUBLIC | DescriptorComponent.ACC_STATIC,
                            at,
                            type));
            at += used == 'a' || used == 's' ? 2 : used == 'i' ? 4 : 1;
        }
        return fields;
    }

    private int[] exportedField(int imageOffset) {
        for (ExportedClass item : exported) {
            int token = item.fieldOffsets().indexOf(imageOffset);
            if (token >= 0) {
                return new int[] {item.classOffset(), token};
            }
        }
        return null;
    }

    // ---- constants ----

    private int constantType(Entry entry) {
        return switch (entry.tag()) {
            case ConstantPoolComponent.CLASSREF -> 0xFFFF;
            case ConstantPoolComponent.INSTANCE_FIELDREF, ConstantPoolComponent.STATIC_FIELDREF ->
                types.offsetOf(fieldType(entry));
            default -> types.offsetOf(methodType(entry));
        };
    }

    private TypeDescriptor fieldType(Entry entry) {
        boolean isStatic = entry.tag() == ConstantPoolComponent.STATIC_FIELDREF;
        if (entry.isExternal()) {
            return members.external(entry.classRef()).fields().stream()
                    .filter(field -> field.isStatic() == isStatic && field.token() == entry.token())
                    .findFirst()
                    .map(ExportField::descriptor)
                    .map(names::field)
                    .orElseThrow(
                            () -> new InferenceException("another package has no field of token " + entry.token()));
        }
        char used = isStatic
                ? constructors
                        .staticFields()
                        .getOrDefault(
                                entry.offset(),
                                entry.offset() < 2 * members.cap.staticFields().referenceCount() ? 'a' : 'b')
                : instanceField(entry.classRef(), entry.token());
        Type type =
                switch (used) {
                    case 'a' -> UNKNOWN;
                    case 'b' -> Type.of(TypeDescriptor.BYTE);
                    case 'i' -> Type.of(TypeDescriptor.INT);
                    default -> Type.of(TypeDescriptor.SHORT);
                };
        return new TypeDescriptor(List.of(type));
    }

    private TypeDescriptor methodType(Entry entry) {
        if (entry.tag() != ConstantPoolComponent.STATIC_METHODREF) {
            return type(members.virtual(entry), 0);
        }
        if (entry.isExternal()) {
            return names.method(members.externalStatic(entry).descriptor());
        }
        return members.methods.containsKey(entry.offset())
                ? type(entry.offset())
                : new TypeDescriptor(List.of(Type.of(TypeDescriptor.VOID)));
    }
}
