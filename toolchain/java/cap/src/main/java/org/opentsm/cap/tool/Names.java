// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFileProvider;

/**
 * Words for what a CAP knows by number only: imported classes and members by their export files, our own classes and
 * methods by their places ("C000C", "m00D4"), or by Debug when there is one.
 */
final class Names {
    private final CapFile cap;
    private final List<Optional<ExportFile>> imports = new ArrayList<>();
    private final DebugNames debug;
    private final Map<Integer, String> classNames = new TreeMap<>();
    private final Map<Integer, String> methodNames = new TreeMap<>();

    Names(CapFile cap, ExportFileProvider exports) {
        this.cap = cap;
        for (PackageInfo item : cap.imports().packages()) {
            imports.add(exports.find(item.aid().bytes(), item.major(), item.minor()));
        }
        debug = DebugNames.of(cap);
        cap.descriptor().ifPresent(descriptor -> descriptor.classes().forEach(this::nameClass));
    }

    private void nameClass(ClassDescriptor item) {
        String name = debug.className(item.classRef()).orElse(String.format("C%04X", item.classRef()));
        classNames.put(item.classRef(), name);
        if (!item.isInterface()) {
            for (MethodDescriptor method : item.methods()) {
                String own = debug.methodName(method.methodOffset())
                        .orElse(method.isInit() ? "<init>" : String.format("m%04X", method.methodOffset()));
                methodNames.put(method.methodOffset(), name + "." + own);
            }
        }
    }

    String importName(int token) {
        if (token >= imports.size()) {
            return "package " + token;
        }
        return imports.get(token)
                .map(ExportFile::packageName)
                .orElse(cap.imports().packages().get(token).aid().toString());
    }

    private Optional<ExportClass> external(int ref) {
        int token = ClassRef.packageToken(ref);
        return token < imports.size()
                ? imports.get(token).flatMap(file -> file.classByToken(ClassRef.classToken(ref)))
                : Optional.empty();
    }

    String className(int ref) {
        if (ref == ClassRef.NONE) {
            return "none";
        }
        if (ClassRef.isExternal(ref)) {
            return external(ref)
                    .map(ExportClass::name)
                    .orElse(importName(ClassRef.packageToken(ref)) + "#" + ClassRef.classToken(ref));
        }
        return classNames.getOrDefault(ref, String.format("C%04X", ref));
    }

    String methodName(int offset) {
        return methodNames.getOrDefault(offset, String.format("m%04X", offset));
    }

    String constant(int index) {
        List<Entry> entries = cap.constantPool().entries();
        return index < entries.size() ? constant(entries.get(index)) : "no such constant";
    }

    String constant(Entry entry) {
        boolean internalStatic = entry.isStatic() && !entry.isExternal();
        if (internalStatic) {
            return entry.tag() == ConstantPoolComponent.STATIC_METHODREF
                    ? methodName(entry.offset())
                    : staticField(entry.offset());
        }
        String owner = className(entry.classRef());
        if (entry.tag() == ConstantPoolComponent.CLASSREF) {
            return owner;
        }
        return owner + "." + member(entry);
    }

    /** "static @0004", with its name when Debug tells it. */
    String staticField(int imageOffset) {
        return String.format("static @%04X", imageOffset)
                + debug.staticName(imageOffset).map(name -> " " + name).orElse("");
    }

    /** An instance field's cell, with its name when Debug tells it. */
    String cell(int classRef, int token) {
        return "cell " + token
                + debug.fieldName(classRef, token).map(name -> " " + name).orElse("");
    }

    private String member(Entry entry) {
        if (entry.tag() == ConstantPoolComponent.INSTANCE_FIELDREF && !entry.isExternal()) {
            return debug.fieldName(entry.classRef(), entry.token()).orElse("f" + entry.token());
        }
        Optional<ExportClass> owner = entry.isExternal() ? external(entry.classRef()) : Optional.empty();
        boolean field = entry.tag() == ConstantPoolComponent.INSTANCE_FIELDREF
                || entry.tag() == ConstantPoolComponent.STATIC_FIELDREF;
        boolean virtual = entry.tag() == ConstantPoolComponent.VIRTUAL_METHODREF;
        Optional<String> name = field
                ? owner.flatMap(c -> c.fields().stream()
                        .filter(f -> f.token() == entry.token() && f.isStatic() == entry.isStatic())
                        .findFirst()
                        .map(f -> f.name()))
                : owner.flatMap(c -> c.methods().stream()
                        .filter(m -> m.token() == entry.token() && virtual == !(m.isStatic() || m.isConstructor()))
                        .findFirst()
                        .map(m -> m.name() + m.descriptor()));
        return name.orElse(
                (field ? "f" : entry.tag() == ConstantPoolComponent.SUPER_METHODREF ? "super " : "v") + entry.token());
    }

    /** The type at a Descriptor offset with class names, "?" when it is broken. */
    String type(int offset) {
        try {
            return cap.descriptor().map(d -> text(d.typeAt(offset))).orElse("?");
        } catch (CapFormatException e) {
            return "?";
        }
    }

    private String text(org.opentsm.cap.TypeDescriptor type) {
        List<String> words = type.types().stream()
                .map(item -> item.classRef() < 0
                        ? item.toString()
                        : className(item.classRef())
                                + (item.nibble() == org.opentsm.cap.TypeDescriptor.ARRAY_OF_REFERENCE ? "[]" : ""))
                .toList();
        return "(" + String.join(", ", words.subList(0, words.size() - 1)) + ") " + words.get(words.size() - 1);
    }
}
