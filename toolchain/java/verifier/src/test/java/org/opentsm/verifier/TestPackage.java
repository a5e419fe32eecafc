// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntSupplier;
import org.opentsm.cap.Aid;
import org.opentsm.cap.AppletComponent;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.ImplementedInterface;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.ExportComponent;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.ImportComponent;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.ReferenceLocationComponent;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.cap.TypeTable;

/**
 * Makes CAPs for tests: classes, methods as text, constants; all that follows from them (offsets, tables, Descriptor,
 * RefLocation) is filled in. Package token 0 is javacard.framework 1.3, token 1 java.lang 1.0.
 */
final class TestPackage {
    static final int APPLET = ClassRef.external(0, 3);
    static final int OBJECT = ClassRef.external(1, 0);
    static final int THROWABLE = ClassRef.external(1, 1);
    static final int PUBLIC = 1;
    static final int PRIVATE = 2;
    static final int STATIC = 8;
    static final int FINAL = 0x10;
    static final int ABSTRACT = 0x40;
    static final int INIT = 0x80;

    /** A method being made; offset is known after build. */
    static final class Method {
        int flags;
        int token;
        TypeDescriptor type;
        int maxStack;
        int maxLocals;
        String code;
        int nargs = -1;
        List<String[]> handlers = new ArrayList<>();
        int offset;

        /** Labels of start, end and handler; constant of the caught class, 0 for any. */
        Method handler(String start, String end, String target, int catchType) {
            handlers.add(new String[] {start, end, target, String.valueOf(catchType)});
            return this;
        }
    }

    record Field(int flags, int token, String type, int imageOffset) {}

    /** A class being made; offset is known after build. */
    static final class TypeSpec {
        boolean isInterface;
        int flags;
        int access = PUBLIC;
        int token = 0xFF;
        IntSupplier superclass = () -> OBJECT;
        int inherited = 0;
        List<Method> methods = new ArrayList<>();
        List<Field> fields = new ArrayList<>();
        List<IntSupplier> interfaces = new ArrayList<>();
        List<List<Integer>> indexes = new ArrayList<>();
        List<Integer> table;
        int offset;

        Method method(int flags, int token, String type, int maxStack, int maxLocals, String code) {
            Method method = new Method();
            method.flags = flags;
            method.token = token;
            method.type = type(type);
            method.maxStack = maxStack;
            method.maxLocals = maxLocals;
            method.code = code;
            methods.add(method);
            return method;
        }

        TypeSpec field(int flags, int token, String type) {
            fields.add(new Field(flags, token, type, -1));
            return this;
        }

        TypeSpec staticField(int flags, int token, String type, int imageOffset) {
            fields.add(new Field(flags | STATIC, token, type, imageOffset));
            return this;
        }

        TypeSpec implement(IntSupplier ref, Integer... index) {
            interfaces.add(ref);
            indexes.add(List.of(index));
            return this;
        }
    }

    final List<TypeSpec> types = new ArrayList<>();
    private final List<java.util.function.Supplier<Entry>> constants = new ArrayList<>();
    private final List<TypeDescriptor> constantTypes = new ArrayList<>();
    final List<PackageInfo> imports = new ArrayList<>(List.of(
            new PackageInfo(3, 1, Aid.ofHex("A0000000620101")), new PackageInfo(0, 1, Aid.ofHex("A0000000620001"))));
    int headerFlags;
    StaticFieldComponent image = new StaticFieldComponent(0, 0, List.of(), 0, new byte[0]);
    String appletAid = "A0000000010101";
    private final List<Method> applets = new ArrayList<>();
    private final List<TypeSpec> exported = new ArrayList<>();

    TypeSpec clazz() {
        TypeSpec type = new TypeSpec();
        type.token = (int) types.stream().filter(t -> t.token != 0xFF).count();
        types.add(type);
        return type;
    }

    TypeSpec iface() {
        TypeSpec type = clazz();
        type.isInterface = true;
        type.flags = ClassComponent.ACC_INTERFACE;
        return type;
    }

    int constant(Entry entry, String type) {
        return constant(() -> entry, type);
    }

    int constant(java.util.function.Supplier<Entry> entry, String type) {
        constants.add(entry);
        constantTypes.add(type == null ? null : type(type));
        return constants.size() - 1;
    }

    int classConstant(int ref) {
        return constant(Entry.classref(ref), null);
    }

    int callStatic(Method method) {
        constants.add(() -> Entry.internalStaticMethod(method.offset));
        constantTypes.add(method.type);
        return constants.size() - 1;
    }

    /** Object.<init>. */
    int objectInit() {
        return constant(Entry.externalStaticMethod(1, 0, 0), "()V");
    }

    TestPackage applet(Method install) {
        applets.add(install);
        headerFlags |= HeaderComponent.ACC_APPLET;
        return this;
    }

    TestPackage export(TypeSpec... exports) {
        exported.addAll(List.of(exports));
        headerFlags |= HeaderComponent.ACC_EXPORT;
        return this;
    }

    /** "(SL8000;[B)V" or a single field type; L takes four hex digits of class_ref, [L too. */
    static TypeDescriptor type(String text) {
        List<Type> types = new ArrayList<>();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean array = c == '[';
            c = array ? text.charAt(++i) : c;
            if (c == 'L') {
                int ref = Integer.parseInt(text.substring(i + 1, i + 5), 16);
                types.add(array ? Type.arrayOf(ref) : Type.reference(ref));
                i += 5;
            } else if ("VZBSI".indexOf(c) >= 0) {
                int index = "VZBSI".indexOf(c);
                types.add(Type.of(array ? TypeDescriptor.ARRAY_OF_BOOLEAN + index - 1 : TypeDescriptor.VOID + index));
            }
        }
        return new TypeDescriptor(types);
    }

    CapFile build() {
        place();
        CapFile.Builder builder = CapFile.builder();
        builder.put(new HeaderComponent(
                CapVersion.V2_1, headerFlags, new PackageInfo(0, 1, Aid.ofHex("A00000000101")), Optional.empty()));
        builder.put(new ImportComponent(imports));
        builder.put(new ConstantPoolComponent(
                constants.stream().map(java.util.function.Supplier::get).toList()));
        builder.put(new ClassComponent(Optional.empty(), classEntries()));
        List<Handler> handlers = new ArrayList<>();
        allMethods().forEach(method -> handlers.addAll(handlers(method)));
        MethodComponent methods = MethodComponent.of(
                handlers, allMethods().stream().map(TestPackage::info).toList());
        builder.put(methods);
        builder.put(image);
        builder.put(locations(handlers));
        builder.put(descriptor());
        if (!applets.isEmpty()) {
            builder.put(new AppletComponent(applets.stream()
                    .map(m -> new AppletComponent.Applet(Aid.ofHex(appletAid), m.offset))
                    .toList()));
        }
        if (!exported.isEmpty()) {
            builder.put(new ExportComponent(
                    exported.stream().map(TestPackage::exportOf).toList()));
        }
        return builder.build();
    }

    private List<Method> allMethods() {
        return types.stream()
                .filter(t -> !t.isInterface)
                .flatMap(t -> t.methods.stream())
                .toList();
    }

    private void place() {
        int handlerCount =
                allMethods().stream().mapToInt(m -> m.handlers.size()).sum();
        int next = MethodComponent.firstOffset(handlerCount);
        for (Method method : allMethods()) {
            method.offset = next;
            next += info(method).size();
        }
        int offset = 0;
        for (TypeSpec type : types) {
            type.offset = offset;
            offset += classEntry(type).size();
        }
    }

    private static MethodInfo info(Method method) {
        boolean isAbstract = (method.flags & ABSTRACT) != 0;
        int nargs = method.nargs >= 0
                ? method.nargs
                : method.type.parameterCells() + ((method.flags & STATIC) != 0 ? 0 : 1);
        return MethodInfo.of(
                isAbstract ? MethodComponent.ACC_ABSTRACT : 0,
                method.maxStack,
                nargs,
                method.maxLocals,
                Assembler.assemble(method.code));
    }

    private List<Handler> handlers(Method method) {
        var labels = Assembler.labels(method.code);
        int base = method.offset + info(method).headerSize();
        List<int[]> ranges = new ArrayList<>();
        method.handlers.forEach(h -> ranges.add(new int[] {labels.get(h[0]), labels.get(h[1])}));
        List<Handler> handlers = new ArrayList<>();
        for (int i = 0; i < ranges.size(); i++) {
            int[] range = ranges.get(i);
            boolean stop =
                    ranges.subList(i + 1, ranges.size()).stream().noneMatch(r -> r[0] < range[1] && r[1] > range[0]);
            handlers.add(new Handler(
                    base + range[0],
                    range[1] - range[0],
                    stop,
                    base + labels.get(method.handlers.get(i)[2]),
                    Integer.parseInt(method.handlers.get(i)[3])));
        }
        return handlers;
    }

    private List<ClassComponent.Entry> classEntries() {
        return types.stream().map(this::classEntry).toList();
    }

    private ClassComponent.Entry classEntry(TypeSpec type) {
        if (type.isInterface) {
            return new InterfaceInfo(
                    type.flags,
                    type.interfaces.stream().map(IntSupplier::getAsInt).toList(),
                    Optional.empty());
        }
        TreeMap<Integer, Integer> open = new TreeMap<>();
        TreeMap<Integer, Integer> closed = new TreeMap<>();
        for (Method method : type.methods) {
            if ((method.flags & (STATIC | INIT | PRIVATE)) == 0) {
                (method.token < 0x80 ? open : closed).put(method.token & 0x7F, method.offset);
            }
        }
        int cells = type.fields.stream()
                .filter(f -> (f.flags & STATIC) == 0)
                .mapToInt(f -> type(f.type).types().get(0).cells())
                .sum();
        List<Integer> references = type.fields.stream()
                .filter(f ->
                        (f.flags & STATIC) == 0 && type(f.type).types().get(0).isReference())
                .map(Field::token)
                .sorted()
                .toList();
        List<ImplementedInterface> implemented = new ArrayList<>();
        for (int i = 0; i < type.interfaces.size(); i++) {
            implemented.add(new ImplementedInterface(type.interfaces.get(i).getAsInt(), type.indexes.get(i)));
        }
        int base = open.isEmpty() ? type.inherited + 1 : open.firstKey();
        return new ClassInfo(
                type.flags,
                type.superclass.getAsInt(),
                cells,
                references.isEmpty() ? 0xFF : references.get(0),
                references.size(),
                base,
                type.table != null ? type.table : table(open),
                closed.isEmpty() ? 0 : closed.firstKey(),
                table(closed),
                implemented,
                Optional.empty(),
                Optional.empty());
    }

    private static List<Integer> table(TreeMap<Integer, Integer> offsets) {
        List<Integer> table = new ArrayList<>();
        for (int token = offsets.isEmpty() ? 0 : offsets.firstKey();
                !offsets.isEmpty() && token <= offsets.lastKey();
                token++) {
            table.add(offsets.getOrDefault(token, 0xFFFF));
        }
        return table;
    }

    private ReferenceLocationComponent locations(List<Handler> handlers) {
        List<Integer> small = new ArrayList<>();
        List<Integer> large = new ArrayList<>();
        for (int i = 0; i < handlers.size(); i++) {
            if (handlers.get(i).catchTypeIndex() != 0) {
                large.add(1 + 8 * i + 6);
            }
        }
        for (Method method : allMethods()) {
            MethodInfo info = info(method);
            for (Instruction instruction : Instruction.decodeAll(info.code())) {
                boolean cast = instruction.opcode().operands().equals("uC")
                        && instruction.operand(0) >= 10
                        && instruction.operand(0) <= 13;
                if (instruction.constantPoolIndex() >= 0 && !cast) {
                    int place = method.offset
                            + info.headerSize()
                            + instruction.offset()
                            + instruction.constantPoolOperandOffset();
                    (instruction.opcode().operands().contains("c") ? small : large).add(place);
                }
            }
        }
        return ReferenceLocationComponent.of(small, large);
    }

    private DescriptorComponent descriptor() {
        TypeTable table = new TypeTable(constants.size());
        List<Integer> cpTypes = constantTypes.stream()
                .map(t -> t == null ? Integer.valueOf(0xFFFF) : Integer.valueOf(table.offsetOf(t)))
                .toList();
        List<ClassDescriptor> classes = new ArrayList<>();
        int handlerIndex = 0;
        for (TypeSpec type : types) {
            List<FieldDescriptor> fields = new ArrayList<>();
            for (Field field : type.fields) {
                TypeDescriptor fieldType = type(field.type);
                int code = fieldType.types().get(0).isReference()
                        ? table.offsetOf(fieldType)
                        : 0x8000 | fieldType.types().get(0).nibble();
                fields.add(new FieldDescriptor(
                        field.token,
                        field.flags,
                        field.imageOffset >= 0 ? field.imageOffset : type.offset << 8 | field.token,
                        code));
            }
            List<MethodDescriptor> methods = new ArrayList<>();
            for (Method method : type.methods) {
                int offset = type.isInterface ? 0 : method.offset;
                int count = type.isInterface ? 0 : info(method).code().length;
                methods.add(new MethodDescriptor(
                        method.token,
                        method.flags,
                        offset,
                        table.offsetOf(method.type),
                        count,
                        method.handlers.size(),
                        method.handlers.isEmpty() ? 0 : handlerIndex));
                handlerIndex += method.handlers.size();
            }
            int access = type.access | (type.isInterface ? DescriptorComponent.ACC_INTERFACE : 0);
            List<Integer> interfaces = type.isInterface
                    ? List.of()
                    : type.interfaces.stream().map(IntSupplier::getAsInt).toList();
            classes.add(new ClassDescriptor(type.token, access, type.offset, interfaces, fields, methods));
        }
        return new DescriptorComponent(classes, cpTypes, table.toByteArray());
    }

    private static ExportComponent.ExportedClass exportOf(TypeSpec type) {
        TreeMap<Integer, Integer> methods = new TreeMap<>();
        type.methods.stream()
                .filter(m -> (m.flags & (STATIC | INIT)) != 0 && m.token != 0xFF)
                .forEach(m -> methods.put(m.token, m.offset));
        TreeMap<Integer, Integer> fields = new TreeMap<>();
        type.fields.stream()
                .filter(f -> (f.flags & STATIC) != 0 && f.token != 0xFF)
                .forEach(f -> fields.put(f.token, f.imageOffset));
        return new ExportComponent.ExportedClass(
                type.offset, List.copyOf(fields.values()), List.copyOf(methods.values()));
    }
}
