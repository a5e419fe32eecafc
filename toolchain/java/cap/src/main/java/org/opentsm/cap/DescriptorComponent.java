// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/**
 * Component 11: classes with their fields and methods, and the type of every constant pool entry.
 * Type offsets count from the type table's cp_count field.
 *
 * @param cpTypes  per constant pool entry a type offset, FFFF for a Classref
 * @param typeData the type_descriptors, kept as they are; the first one has offset 2+2*cpTypes.size()
 */
public record DescriptorComponent(List<ClassDescriptor> classes, List<Integer> cpTypes, byte[] typeData)
        implements Component {
    public static final int NO_TOKEN = 0xFF;
    public static final int ACC_PUBLIC = 1;
    public static final int ACC_PRIVATE = 2;
    public static final int ACC_PROTECTED = 4;
    public static final int ACC_STATIC = 8;
    public static final int ACC_FINAL = 0x10;
    public static final int ACC_INTERFACE = 0x40;
    /** Of methods: abstract. */
    public static final int ACC_METHOD_ABSTRACT = 0x40;
    /** Of methods: constructor. */
    public static final int ACC_INIT = 0x80;
    /** Of classes: abstract. */
    public static final int ACC_CLASS_ABSTRACT = 0x80;

    /**
     * @param token    FF for a package-private class
     * @param classRef its own class_ref (internal)
     */
    public record ClassDescriptor(
            int token,
            int flags,
            int classRef,
            List<Integer> interfaces,
            List<FieldDescriptor> fields,
            List<MethodDescriptor> methods) {
        public ClassDescriptor {
            interfaces = List.copyOf(interfaces);
            fields = List.copyOf(fields);
            methods = List.copyOf(methods);
        }

        public boolean isInterface() {
            return (flags & ACC_INTERFACE) != 0;
        }
    }

    /**
     * @param ref  three bytes: instance = class_ref, token; static = 00, image offset
     * @param type 8002 boolean, 8003 byte, 8004 short, 8005 int, else a type offset
     */
    public record FieldDescriptor(int token, int flags, int ref, int type) {
        public boolean isStatic() {
            return (flags & ACC_STATIC) != 0;
        }

        public int imageOffset() {
            return ref & 0xFFFF;
        }
    }

    /** @param methodOffset Method info offset, 0 for an interface method */
    public record MethodDescriptor(
            int token,
            int flags,
            int methodOffset,
            int typeOffset,
            int bytecodeCount,
            int handlerCount,
            int handlerIndex) {
        public boolean isStatic() {
            return (flags & ACC_STATIC) != 0;
        }

        public boolean isAbstract() {
            return (flags & ACC_METHOD_ABSTRACT) != 0;
        }

        public boolean isInit() {
            return (flags & ACC_INIT) != 0;
        }
    }

    public DescriptorComponent {
        classes = List.copyOf(classes);
        cpTypes = List.copyOf(cpTypes);
    }

    public static DescriptorComponent read(byte[] info) {
        ByteReader in = new ByteReader("Descriptor", info);
        int count = in.u1();
        List<ClassDescriptor> classes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            classes.add(readClass(in));
        }
        List<Integer> cpTypes = in.u2s(in.u2());
        return new DescriptorComponent(classes, cpTypes, in.bytes(in.remaining()));
    }

    private static ClassDescriptor readClass(ByteReader in) {
        int token = in.u1();
        int flags = in.u1();
        int ref = in.u2();
        int interfaceCount = in.u1();
        int fieldCount = in.u2();
        int methodCount = in.u2();
        List<Integer> interfaces = in.u2s(interfaceCount);
        List<FieldDescriptor> fields = new ArrayList<>();
        for (int i = 0; i < fieldCount; i++) {
            fields.add(new FieldDescriptor(in.u1(), in.u1(), in.u1() << 16 | in.u2(), in.u2()));
        }
        List<MethodDescriptor> methods = new ArrayList<>();
        for (int i = 0; i < methodCount; i++) {
            methods.add(new MethodDescriptor(in.u1(), in.u1(), in.u2(), in.u2(), in.u2(), in.u2(), in.u2()));
        }
        return new ClassDescriptor(token, flags, ref, interfaces, fields, methods);
    }

    /** Offset of the first type_descriptor. */
    public int firstTypeOffset() {
        return 2 + 2 * cpTypes.size();
    }

    /** @throws CapFormatException when no well-formed descriptor starts there */
    public TypeDescriptor typeAt(int offset) {
        int index = offset - firstTypeOffset();
        if (index < 0 || index >= typeData.length) {
            throw new CapFormatException("Descriptor types", offset, "an offset of a type_descriptor", "outside");
        }
        return TypeDescriptor.read(new ByteReader("Descriptor types", typeData, index, typeData.length));
    }

    @Override
    public int tag() {
        return ComponentTag.DESCRIPTOR.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u1(classes.size());
        for (ClassDescriptor item : classes) {
            out.u1(item.token).u1(item.flags).u2(item.classRef).u1(item.interfaces.size());
            out.u2(item.fields.size()).u2(item.methods.size()).u2s(item.interfaces);
            for (FieldDescriptor field : item.fields) {
                out.u1(field.token)
                        .u1(field.flags)
                        .u1(field.ref >> 16)
                        .u2(field.ref & 0xFFFF)
                        .u2(field.type);
            }
            for (MethodDescriptor method : item.methods) {
                out.u1(method.token).u1(method.flags).u2(method.methodOffset).u2(method.typeOffset);
                out.u2(method.bytecodeCount).u2(method.handlerCount).u2(method.handlerIndex);
            }
        }
        return out.u2(cpTypes.size()).u2s(cpTypes).bytes(typeData).toByteArray();
    }
}
