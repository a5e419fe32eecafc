// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.StaticFieldComponent;

/**
 * What a CAP's classes, methods and static fields are, free of their order, offsets and constant pool numbers. Each has
 * a mark made of its own content; then marks are made anew with the marks of all it refers to, until no round tells
 * more of them apart. Two CAPs with the same marks hold the same code.
 */
final class CodeShape {
    private static final int DEPTH = 256;
    private static final int FIRST_BYTES = 8;

    final CapFile cap;
    private final MethodText text;
    private final Map<Integer, MethodDescriptor> methods = new TreeMap<>();
    private final Map<Integer, ClassDescriptor> owners = new HashMap<>();
    private final Map<Integer, FieldDescriptor> fields = new TreeMap<>();
    private final Map<Integer, Integer> classOfField = new HashMap<>();
    private Map<Integer, String> classMarks = new TreeMap<>();
    private Map<Integer, String> methodMarks = new TreeMap<>();
    private Map<Integer, String> fieldMarks = new TreeMap<>();

    CodeShape(CapFile cap) {
        this.cap = cap;
        cap.descriptor().ifPresent(descriptor -> descriptor.classes().forEach(this::collect));
        text = new MethodText(this);
        cap.classes().offsets().forEach(offset -> classMarks.put(offset, ""));
        methods.keySet().forEach(offset -> methodMarks.put(offset, ""));
        fields.keySet().forEach(offset -> fieldMarks.put(offset, ""));
        refine();
    }

    private void collect(ClassDescriptor item) {
        item.fields().stream().filter(FieldDescriptor::isStatic).forEach(field -> {
            fields.put(field.imageOffset(), field);
            classOfField.put(field.imageOffset(), item.classRef());
        });
        if (!item.isInterface()) {
            item.methods().forEach(method -> {
                methods.put(method.methodOffset(), method);
                owners.put(method.methodOffset(), item);
            });
        }
    }

    /** Brings two shapes to marks of the same round, the first at which neither can be told apart further. */
    static void settle(CodeShape one, CodeShape two) {
        int before = 0;
        for (int now = one.distinct() + two.distinct(); now > before; now = one.distinct() + two.distinct()) {
            before = now;
            one.refine();
            two.refine();
        }
    }

    private int distinct() {
        return new HashSet<>(classMarks.values()).size()
                + new HashSet<>(methodMarks.values()).size()
                + new HashSet<>(fieldMarks.values()).size();
    }

    Map<Integer, MethodDescriptor> methods() {
        return methods;
    }

    ClassDescriptor owner(int methodOffset) {
        return owners.get(methodOffset);
    }

    List<String> classMarks() {
        return sorted(classMarks);
    }

    List<String> fieldMarks() {
        return sorted(fieldMarks);
    }

    private static List<String> sorted(Map<Integer, String> marks) {
        List<String> list = new ArrayList<>(marks.values());
        Collections.sort(list);
        return list;
    }

    String methodMark(int offset) {
        return methodMarks.getOrDefault(offset, "no method");
    }

    String fieldMark(int imageOffset) {
        return fieldMarks.getOrDefault(imageOffset, "no field");
    }

    /** An imported class by its package's AID and its token; one of our own by its mark. */
    String classMark(int ref) {
        if (ref == ClassRef.NONE) {
            return "none";
        }
        if (ClassRef.isInternal(ref)) {
            return classMarks.getOrDefault(ref, "no class");
        }
        int token = ClassRef.packageToken(ref);
        return (token < cap.imports().packages().size()
                        ? cap.imports().packages().get(token).aid()
                        : "package " + token)
                + "." + ClassRef.classToken(ref);
    }

    /**
     * The method that a virtual token leads to from a class, by its mark; by its token in a superclass of another
     * package.
     */
    String virtualMark(int classRef, int token) {
        int ref = classRef;
        for (int depth = 0; depth < DEPTH && ClassRef.isInternal(ref); depth++) {
            ClassComponent.Entry entry = cap.classes().at(ref).orElse(null);
            if (!(entry instanceof ClassInfo info)) {
                break;
            }
            boolean visible = (token & 0x80) == 0;
            List<Integer> table = visible ? info.publicTable() : info.packageTable();
            int index = (token & 0x7F) - (visible ? info.publicBase() : info.packageBase());
            if (index >= 0 && index < table.size() && table.get(index) != ClassRef.NONE) {
                return methodMark(table.get(index));
            }
            ref = info.superclass();
        }
        return "token " + token;
    }

    private void refine() {
        Map<Integer, List<String>> uses = new HashMap<>();
        Map<Integer, String> nextMethods = new TreeMap<>();
        for (MethodDescriptor method : methods.values()) {
            List<String> lines = text.lines(method, this::methodMark);
            String mark = mark(classMark(owners.get(method.methodOffset()).classRef())
                    + String.join("\n", lines)
                    + methodMark(method.methodOffset()));
            nextMethods.put(method.methodOffset(), mark);
            text.staticFields(method).forEach((line, field) -> uses.computeIfAbsent(field, key -> new ArrayList<>())
                    .add(mark + line));
        }
        Map<Integer, String> nextClasses = remade(classMarks, this::describeClass);
        fieldMarks = remade(fieldMarks, offset -> describeField(offset, uses.getOrDefault(offset, new ArrayList<>())));
        methodMarks = nextMethods;
        classMarks = nextClasses;
    }

    private static Map<Integer, String> remade(Map<Integer, String> marks, Function<Integer, String> description) {
        Map<Integer, String> next = new TreeMap<>();
        marks.forEach((key, mark) -> next.put(key, mark(mark + description.apply(key))));
        return next;
    }

    private String describeClass(int offset) {
        ClassComponent.Entry entry = cap.classes().at(offset).orElse(null);
        if (entry instanceof InterfaceInfo face) {
            return "interface " + face.flags()
                    + face.superinterfaces().stream()
                            .map(this::classMark)
                            .sorted()
                            .toList();
        }
        if (!(entry instanceof ClassInfo info)) {
            return "";
        }
        List<String> interfaces = info.interfaces().stream()
                .map(one -> classMark(one.classRef())
                        + one.index().stream()
                                .map(token -> virtualMark(offset, token))
                                .toList())
                .sorted()
                .toList();
        return "class " + info.flags() + " " + classMark(info.superclass()) + " " + info.instanceSize() + " "
                + info.firstReferenceToken() + " "
                + info.referenceCount() + " " + info.publicBase() + methodMarks(info.publicTable()) + info.packageBase()
                + methodMarks(info.packageTable()).stream().sorted().toList() + interfaces;
    }

    private List<String> methodMarks(List<Integer> table) {
        return table.stream()
                .map(offset -> offset == ClassRef.NONE ? "inherited" : methodMark(offset))
                .toList();
    }

    private String describeField(int offset, List<String> uses) {
        Collections.sort(uses);
        FieldDescriptor field = fields.get(offset);
        return classMark(classOfField.get(offset)) + " " + field.flags() + " " + field.token() + " "
                + initial(offset, field) + uses;
    }

    /** What a static field holds after loading, and its primitive type. */
    private String initial(int offset, FieldDescriptor field) {
        StaticFieldComponent image = cap.staticFields();
        if ((field.type() & 0x8000) == 0) {
            int index = offset / 2;
            return index < image.arrayInits().size()
                    ? image.arrayInits().get(index).type() + ":"
                            + HexFormat.of()
                                    .formatHex(image.arrayInits().get(index).values())
                    : "reference";
        }
        int at = offset - 2 * image.referenceCount() - image.defaultValueCount();
        byte[] values = image.nonDefaultValues();
        int size =
                switch (field.type() & 0xF) {
                    case StaticFieldComponent.TYPE_INT -> 4;
                    case StaticFieldComponent.TYPE_SHORT -> 2;
                    default -> 1;
                };
        return field.type() + ":"
                + (at >= 0 && at + size <= values.length ? HexFormat.of().formatHex(values, at, at + size) : "0");
    }

    /** The method's lines with the names that the caller gives to methods; none when its bytecode does not decode. */
    List<String> lines(int methodOffset, Function<Integer, String> methodName) {
        try {
            return text.lines(methods.get(methodOffset), methodName);
        } catch (CapFormatException broken) {
            return List.of(broken.getMessage());
        }
    }

    private static String mark(String content) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, FIRST_BYTES);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
