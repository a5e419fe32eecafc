// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.linker.LinkException.Code;

/**
 * A verified CAP's classes and members by their JVM names; references into imported packages get theirs from export
 * files.
 */
final class CapView {
    private static final int MAX_DEPTH = 256;
    private static final int PACKAGE_VISIBLE = 0x80;

    /** A class or interface of the CAP with its Descriptor entry. */
    record ClassView(int offset, ClassComponent.Entry entry, ClassDescriptor descriptor) {
        boolean isInterface() {
            return entry.isInterface();
        }

        ClassInfo info() {
            return (ClassInfo) entry;
        }
    }

    /** A method with code or abstract, and the name it gets. */
    record Owned(ClassDescriptor owner, MethodDescriptor method, MemberName name) {}

    final CapFile cap;
    /** True when the file had no Descriptor: references have no classes then. */
    final boolean inferred;

    final SourceLines sources;

    private final String prefix;
    private final DescriptorComponent descriptor;
    private final List<ExportFile> imports;
    private final Map<Integer, ClassView> classes = new LinkedHashMap<>();
    private final Map<Integer, Owned> methods = new HashMap<>();
    private final Map<Integer, MemberName> staticFields = new HashMap<>();
    private final Map<Integer, PlatformInterface> outside = new HashMap<>();
    private final Map<Integer, String> names = new HashMap<>();
    private final Set<String> constructors = new HashSet<>();

    CapView(CapFile cap, List<ExportFile> imports, List<PlatformInterface> platformInterfaces) {
        this.cap = cap;
        this.inferred = cap.isDescriptorInferred();
        this.imports = imports;
        sources = new SourceLines(cap);
        prefix = "p" + cap.header().packageInfo().aid();
        descriptor = cap.descriptor().orElseThrow(() -> LinkException.inconsistent("there is no Descriptor component"));
        Map<Integer, ClassDescriptor> byRef = new HashMap<>();
        descriptor.classes().forEach(item -> byRef.put(item.classRef(), item));
        List<Integer> offsets = cap.classes().offsets();
        for (int i = 0; i < offsets.size(); i++) {
            ClassComponent.Entry entry = cap.classes().entries().get(i);
            ClassDescriptor found = byRef.get(offsets.get(i));
            if (found == null) {
                throw LinkException.inconsistent(String.format("Descriptor has no class @%04X", offsets.get(i)));
            }
            checkSupported(entry, offsets.get(i));
            classes.put(offsets.get(i), new ClassView(offsets.get(i), entry, found));
        }
        classes.values().stream().filter(ClassView::isInterface).forEach(item -> findOutside(item, platformInterfaces));
        platformInterfaces.stream()
                .filter(wanted ->
                        wanted.packageAid().equals(cap.header().packageInfo().aid()) && !outside.containsValue(wanted))
                .findFirst()
                .ifPresent(wanted -> {
                    throw LinkException.unresolved("no interface of package " + wanted.packageAid()
                            + " has the methods of the platform's "
                            + wanted.internalName().replace('/', '.') + ", so the two are of different versions");
                });
        classes.values().forEach(this::collect);
    }

    private static void checkSupported(ClassComponent.Entry entry, int offset) {
        if (entry.isRemote()) {
            throw new LinkException(
                    Code.UNSUPPORTED, String.format("remote types are not supported, class @%04X is one", offset));
        }
        if (entry instanceof ClassInfo info && info.superclass() == ClassRef.NONE) {
            throw new LinkException(Code.UNSUPPORTED, "a package that defines Object belongs to the platform");
        }
    }

    private void findOutside(ClassView item, List<PlatformInterface> platformInterfaces) {
        List<String> types = new ArrayList<>();
        for (int token = 0; token < item.descriptor.methods().size(); token++) {
            types.add(interfaceDescriptor(item, token));
        }
        platformInterfaces.stream()
                .filter(candidate ->
                        candidate.packageAid().equals(cap.header().packageInfo().aid())
                                && fits(
                                        candidate.methods().stream()
                                                .map(PlatformInterface.Method::descriptor)
                                                .toList(),
                                        types))
                .findFirst()
                .ifPresent(candidate -> outside.put(item.offset, candidate));
    }

    /** Without Descriptor, methods behind the last one that is called are not known, nor are classes. */
    private boolean fits(List<String> candidate, List<String> types) {
        if (!inferred) {
            return candidate.equals(types);
        }
        return !types.isEmpty()
                && types.size() <= candidate.size()
                && candidate.subList(0, types.size()).stream()
                        .map(CapView::kinds)
                        .toList()
                        .equals(types.stream().map(CapView::kinds).toList());
    }

    private static String kinds(String descriptor) {
        return descriptor.replaceAll("\\[*L[^;]*;|\\[.", "A").replaceAll("[ZB]", "S");
    }

    private void collect(ClassView item) {
        for (FieldDescriptor field : item.descriptor.fields()) {
            if (field.isStatic()) {
                MemberName name = new MemberName(
                        name(item.offset), String.format("s%04X", field.imageOffset()), fieldType(field));
                if (staticFields.put(field.imageOffset(), name) != null) {
                    throw LinkException.inconsistent("two static fields at image offset " + field.imageOffset());
                }
            }
        }
        if (item.isInterface()) {
            return;
        }
        for (MethodDescriptor method : item.descriptor.methods()) {
            if (methods.put(method.methodOffset(), new Owned(item.descriptor, method, declaredName(item, method)))
                    != null) {
                throw LinkException.inconsistent(
                        String.format("two methods at Method offset %04X", method.methodOffset()));
            }
        }
    }

    private MemberName declaredName(ClassView item, MethodDescriptor method) {
        String type = type(method.typeOffset());
        String owner = name(item.offset);
        if (method.isInit()) {
            return new MemberName(owner, MemberName.CONSTRUCTOR, constructorType(owner, type));
        }
        if (!isVirtual(method)) {
            return new MemberName(owner, String.format("m%04X", method.methodOffset()), type);
        }
        Optional<MemberName> inherited = virtual(item.info().superclass(), method.token());
        if (inherited.isPresent() && !inferred && !inherited.get().descriptor().equals(type)) {
            throw LinkException.inconsistent(String.format(
                    "method @%04X overrides %s with other types", method.methodOffset(), inherited.get()));
        }
        return inherited.map(name -> name.in(owner)).orElse(new MemberName(owner, virtualName(method.token()), type));
    }

    private String constructorType(String owner, String type) {
        String free = type;
        for (int attempt = 1; inferred && !constructors.add(owner + free); attempt++) {
            free = Casts.variant(type, attempt);
        }
        return free;
    }

    private String virtualName(int token) {
        // A package-visible method is no method of a subclass in another package: the AID keeps their names apart.
        return (token & PACKAGE_VISIBLE) == 0
                ? "v" + token
                : "k" + cap.header().packageInfo().aid() + "_" + (token & 0x7F);
    }

    static boolean isVirtual(MethodDescriptor method) {
        return !method.isStatic() && !method.isInit() && (method.flags() & DescriptorComponent.ACC_PRIVATE) == 0;
    }

    // ---- classes ----

    Iterable<ClassView> classes() {
        return classes.values();
    }

    ClassView classAt(int offset) {
        ClassView found = classes.get(offset);
        if (found == null) {
            throw LinkException.inconsistent(String.format("no class @%04X", offset));
        }
        return found;
    }

    /** True for an interface that the platform has. */
    boolean isOutside(int offset) {
        return outside.containsKey(offset);
    }

    /** JVM name of a class_ref. */
    String name(int classRef) {
        if (inferred && classRef == ClassRef.NONE) {
            return Casts.OBJECT;
        }
        if (ClassRef.isExternal(classRef)) {
            return external(classRef).name();
        }
        PlatformInterface platform = outside.get(classRef);
        return platform != null
                ? platform.internalName()
                : names.computeIfAbsent(classRef, ref -> String.format("%s/C%04X", prefix, classAt(ref).offset));
    }

    /** A package that was linked without Descriptor exports references of unknown class. */
    private static String known(String descriptor) {
        return descriptor.replace(ExportNames.UNKNOWN, "L" + Casts.OBJECT + ";");
    }

    ExportFile importOf(int classRef) {
        int token = ClassRef.packageToken(classRef);
        if (token >= imports.size()) {
            throw LinkException.unresolved("package token " + token + " is not imported");
        }
        return imports.get(token);
    }

    ExportClass external(int classRef) {
        ExportFile file = importOf(classRef);
        return file.classByToken(ClassRef.classToken(classRef))
                .orElseThrow(() -> LinkException.unresolved(
                        "package " + file.packageName() + " has no class of token " + ClassRef.classToken(classRef)));
    }

    // ---- types ----

    /**
     * JVM descriptor of the type at an offset of Descriptor: of a method, or of a field when there is one type alone.
     */
    private String type(int offset) {
        TypeDescriptor type = descriptor.typeAt(offset);
        StringBuilder text = new StringBuilder("(");
        type.parameters().forEach(parameter -> text.append(text(parameter)));
        return text.append(')').append(text(type.returnType())).toString();
    }

    private String fieldType(FieldDescriptor field) {
        return (field.type() & 0x8000) != 0
                ? text(TypeDescriptor.Type.of(field.type() & 0xF))
                : text(descriptor.typeAt(field.type()).returnType());
    }

    private String text(TypeDescriptor.Type type) {
        return switch (type.nibble()) {
            case TypeDescriptor.VOID -> "V";
            case TypeDescriptor.BOOLEAN -> "Z";
            case TypeDescriptor.BYTE -> "B";
            case TypeDescriptor.SHORT -> "S";
            case TypeDescriptor.INT -> "I";
            case TypeDescriptor.ARRAY_OF_BOOLEAN -> "[Z";
            case TypeDescriptor.ARRAY_OF_BYTE -> "[B";
            case TypeDescriptor.ARRAY_OF_SHORT -> "[S";
            case TypeDescriptor.ARRAY_OF_INT -> "[I";
            case TypeDescriptor.REFERENCE -> "L" + name(type.classRef()) + ";";
            case TypeDescriptor.ARRAY_OF_REFERENCE -> "[L" + name(type.classRef()) + ";";
            default -> throw LinkException.inconsistent("type nibble " + type.nibble());
        };
    }

    // ---- members ----

    /** True for a protected virtual method of another package: the JVM wants a receiver of the calling class. */
    boolean isProtected(int index) {
        Entry entry = constant(index);
        return entry.tag() == ConstantPoolComponent.VIRTUAL_METHODREF
                && entry.isExternal()
                && external(entry.classRef()).methods().stream()
                        .anyMatch(method -> isVirtual(method)
                                && method.token() == entry.token()
                                && (method.flags() & DescriptorComponent.ACC_PROTECTED) != 0);
    }

    /** True for an invokespecial of a private method that became a static one, with its receiver as first parameter. */
    boolean isStaticTarget(int index) {
        Entry entry = constant(index);
        return entry.tag() == ConstantPoolComponent.STATIC_METHODREF
                && !entry.isExternal()
                && method(entry.offset()).method().isStatic();
    }

    /** The method whose header stands at this Method offset. */
    Owned method(int offset) {
        Owned found = methods.get(offset);
        if (found == null) {
            throw LinkException.inconsistent(String.format("no method at Method offset %04X", offset));
        }
        return found;
    }

    /** The method a virtual token leads to from a class of ours, without those of imported superclasses. */
    Optional<MethodDescriptor> declared(int classRef, int token) {
        int ref = classRef;
        for (int depth = 0; depth < MAX_DEPTH && ClassRef.isInternal(ref); depth++) {
            ClassView view = classAt(ref);
            for (MethodDescriptor method : view.descriptor.methods()) {
                if (isVirtual(method) && method.token() == token) {
                    return Optional.of(method);
                }
            }
            ref = view.info().superclass();
        }
        return Optional.empty();
    }

    /** Name of a virtual method by token; empty when neither the class nor a superclass has it. */
    Optional<MemberName> virtual(int classRef, int token) {
        Optional<MemberName> inherited = inheritedFromImport(classRef, token);
        if (inherited.isPresent() || ClassRef.isExternal(classRef)) {
            return inherited;
        }
        return declared(classRef, token)
                .map(method -> new MemberName(name(classRef), virtualName(token), type(method.typeOffset())));
    }

    private Optional<MemberName> inheritedFromImport(int classRef, int token) {
        if ((token & PACKAGE_VISIBLE) != 0) {
            return Optional.empty();
        }
        int ref = classRef;
        for (int depth = 0; depth < MAX_DEPTH && ClassRef.isInternal(ref); depth++) {
            ref = classAt(ref).info().superclass();
        }
        if (!ClassRef.isExternal(ref)) {
            throw LinkException.inconsistent("the superclasses of " + name(classRef) + " form a cycle");
        }
        return external(ref).methods().stream()
                .filter(method -> isVirtual(method) && method.token() == token)
                .findFirst()
                .map(method -> new MemberName(name(classRef), method.name(), known(method.descriptor())));
    }

    private static boolean isVirtual(ExportMethod method) {
        return !method.isStatic() && !method.isConstructor();
    }

    /** Name of an interface method by its token in that interface. */
    MemberName interfaceMethod(int classRef, int token) {
        if (ClassRef.isExternal(classRef)) {
            ExportClass found = external(classRef);
            return found.methods().stream()
                    .filter(method -> method.token() == token)
                    .findFirst()
                    .map(method -> new MemberName(found.name(), method.name(), known(method.descriptor())))
                    .orElseThrow(() -> LinkException.unresolved(found.name() + " has no method of token " + token));
        }
        PlatformInterface platform = outside.get(classRef);
        if (platform != null && token < platform.methods().size()) {
            PlatformInterface.Method method = platform.methods().get(token);
            return new MemberName(platform.internalName(), method.name(), method.descriptor());
        }
        // An interface method may have another token in a sub-interface, so each interface has names of its own.
        String owner = name(classRef);
        return new MemberName(
                owner,
                "i" + owner.substring(1).replace('/', '_') + "_" + token,
                interfaceDescriptor(classAt(classRef), token));
    }

    private String interfaceDescriptor(ClassView item, int token) {
        return item.descriptor.methods().stream()
                .filter(method -> method.token() == token)
                .findFirst()
                .map(method -> type(method.typeOffset()))
                .orElseThrow(() -> LinkException.inconsistent(
                        String.format("interface @%04X has no method of token %d", item.offset, token)));
    }

    MemberName instanceField(int classRef, int token) {
        if (ClassRef.isExternal(classRef)) {
            ExportClass found = external(classRef);
            return found.fields().stream()
                    .filter(field -> !field.isStatic() && field.token() == token)
                    .findFirst()
                    .map(field -> new MemberName(found.name(), field.name(), known(field.descriptor())))
                    .orElseThrow(() -> LinkException.unresolved(found.name() + " has no field of token " + token));
        }
        return classAt(classRef).descriptor.fields().stream()
                .filter(field -> !field.isStatic() && (field.ref() & 0xFF) == token)
                .findFirst()
                .map(field -> instanceField(classRef, field))
                .orElseThrow(() -> LinkException.inconsistent(
                        String.format("class @%04X has no field of token %d", classRef, token)));
    }

    MemberName instanceField(int classRef, FieldDescriptor field) {
        return new MemberName(name(classRef), "f" + (field.ref() & 0xFF), fieldType(field));
    }

    MemberName staticField(int imageOffset) {
        MemberName found = staticFields.get(imageOffset);
        if (found == null) {
            throw LinkException.inconsistent("no static field at image offset " + imageOffset);
        }
        return found;
    }

    // ---- constant pool ----

    Entry constant(int index) {
        List<Entry> entries = cap.constantPool().entries();
        if (index < 0 || index >= entries.size()) {
            throw LinkException.inconsistent("no constant " + index);
        }
        return entries.get(index);
    }

    String className(int index) {
        return name(constant(index).classRef());
    }

    /** The member that a constant of any kind but Classref names; of a super method, with the superclass as owner. */
    MemberName member(int index) {
        Entry entry = constant(index);
        return switch (entry.tag()) {
            case ConstantPoolComponent.INSTANCE_FIELDREF -> instanceField(entry.classRef(), entry.token());
            case ConstantPoolComponent.STATIC_FIELDREF ->
                entry.isExternal() ? externalStatic(entry, false) : staticField(entry.offset());
            case ConstantPoolComponent.STATIC_METHODREF ->
                entry.isExternal()
                        ? externalStatic(entry, true)
                        : method(entry.offset()).name();
            case ConstantPoolComponent.VIRTUAL_METHODREF -> virtualOrFail(entry.classRef(), entry.token());
            case ConstantPoolComponent.SUPER_METHODREF ->
                virtualOrFail(classAt(entry.classRef()).info().superclass(), entry.token());
            default -> throw LinkException.inconsistent("constant " + index + " names no member");
        };
    }

    private MemberName virtualOrFail(int classRef, int token) {
        return virtual(classRef, token)
                .orElseThrow(
                        () -> LinkException.unresolved(name(classRef) + " has no virtual method of token " + token));
    }

    private MemberName externalStatic(Entry entry, boolean method) {
        ExportClass found = external(entry.classRef());
        Optional<MemberName> name = method
                ? found.methods().stream()
                        .filter(item -> !isVirtual(item) && item.token() == entry.token())
                        .findFirst()
                        .map(item -> new MemberName(found.name(), item.name(), known(item.descriptor())))
                : found.fields().stream()
                        .filter(item -> item.isStatic() && item.token() == entry.token())
                        .findFirst()
                        .map(item -> new MemberName(found.name(), item.name(), known(item.descriptor())));
        return name.orElseThrow(
                () -> LinkException.unresolved(found.name() + " has no static member of token " + entry.token()));
    }

    /**
     * Makes sure that the platform has what is imported from the API.
     *
     * @param isLinked whether an external class_ref leads to a linked package
     */
    void checkPlatform(Platform platform, IntPredicate isLinked) {
        List<Entry> entries = cap.constantPool().entries();
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (!entry.isExternal() || isLinked.test(entry.classRef())) {
                continue;
            }
            String owner = external(entry.classRef()).name();
            if (!platform.has(owner)) {
                throw LinkException.unresolved(owner.replace('/', '.') + " is not on this platform");
            }
            if (entry.tag() == ConstantPoolComponent.CLASSREF) {
                continue;
            }
            MemberName member = member(i);
            if (!platform.has(member) && !Calls.isReplaced(member)) {
                throw LinkException.unresolved(member + " is not on this platform");
            }
        }
    }
}
