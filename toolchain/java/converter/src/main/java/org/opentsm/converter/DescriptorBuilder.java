// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.objectweb.asm.Type;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeTable;

/** Makes the Descriptor component. */
final class DescriptorBuilder {
    private static final int CLASSREF_TYPE = 0xFFFF;

    private final CapAssembler places;
    private final World world;
    private final List<PoolKey> pool;
    private final TypeTable types;

    DescriptorBuilder(CapAssembler places, World world, List<PoolKey> pool) {
        this.places = places;
        this.world = world;
        this.pool = pool;
        types = new TypeTable(pool.size());
    }

    DescriptorComponent build(List<LinkedClass> classes) {
        List<Integer> cpTypes = new ArrayList<>();
        for (PoolKey key : pool) {
            cpTypes.add(key.member() == null ? CLASSREF_TYPE : typeOffset(key.member().descriptor));
        }
        List<ClassDescriptor> descriptors = classes.stream().map(this::describe).toList();
        return new DescriptorComponent(descriptors, cpTypes, types.toByteArray());
    }

    private ClassDescriptor describe(LinkedClass c) {
        int flags = (c.isPublic() ? DescriptorComponent.ACC_PUBLIC : 0)
                | (c.isFinal() ? DescriptorComponent.ACC_FINAL : 0)
                | (c.isInterface() ? DescriptorComponent.ACC_INTERFACE : 0)
                | (c.isAbstract() ? DescriptorComponent.ACC_CLASS_ABSTRACT : 0);
        List<Integer> interfaces = c.isInterface()
                ? List.of()
                : world.interfacesOf(c).stream().map(places::classRef).toList();
        List<FieldDescriptor> fields = c.isInterface() ? List.of() : fields(c);
        List<MethodDescriptor> methods = new ArrayList<>();
        for (Member method : c.methods.values()) {
            if (!method.isClassInitializer()) {
                methods.add(c.isInterface() ? interfaceMethod(method) : method(method));
            }
        }
        return new ClassDescriptor(c.token, flags, places.classRef(c), interfaces, fields, methods);
    }

    /** Static fields, those with a token first, then instance fields in token order. */
    private List<FieldDescriptor> fields(LinkedClass c) {
        List<Member> statics = new ArrayList<>(c.fields.values().stream()
                .filter(f -> f.isStatic() && f.constant == null)
                .toList());
        statics.sort(Comparator.comparingInt(f -> f.token));
        List<Member> instance = new ArrayList<>(
                c.fields.values().stream().filter(f -> !f.isStatic()).toList());
        instance.sort(Comparator.comparingInt(f -> f.token));
        List<FieldDescriptor> result = new ArrayList<>();
        for (Member field : statics) {
            result.add(new FieldDescriptor(
                    field.token, CapAssembler.memberFlags(field), places.imageOffset(field), fieldType(field)));
        }
        for (Member field : instance) {
            result.add(new FieldDescriptor(
                    field.token,
                    CapAssembler.memberFlags(field),
                    places.classRef(c) << 8 | field.token,
                    fieldType(field)));
        }
        return result;
    }

    private int fieldType(Member field) {
        return switch (field.descriptor) {
            case "Z" -> 0x8002;
            case "B" -> 0x8003;
            case "S" -> 0x8004;
            case "I" -> 0x8005;
            default -> typeOffset(field.descriptor);
        };
    }

    private MethodDescriptor interfaceMethod(Member method) {
        return new MethodDescriptor(
                method.token,
                DescriptorComponent.ACC_PUBLIC | DescriptorComponent.ACC_METHOD_ABSTRACT,
                0,
                typeOffset(method.descriptor),
                0,
                0,
                0);
    }

    private MethodDescriptor method(Member method) {
        int flags = CapAssembler.memberFlags(method)
                | (method.isAbstract() ? DescriptorComponent.ACC_METHOD_ABSTRACT : 0)
                | (method.isConstructor() ? DescriptorComponent.ACC_INIT : 0);
        MethodLayout layout = places.layout(method);
        int handlers = layout.handlers().size();
        return new MethodDescriptor(
                method.token,
                flags,
                places.methodOffset(method),
                typeOffset(method.descriptor),
                layout.length(),
                handlers,
                handlers == 0 ? 0 : places.handlerIndex(method));
    }

    private int typeOffset(String descriptor) {
        List<TypeDescriptor.Type> list = new ArrayList<>();
        if (descriptor.startsWith("(")) {
            for (Type argument : Type.getArgumentTypes(descriptor)) {
                list.add(type(argument));
            }
            list.add(type(Type.getReturnType(descriptor)));
        } else {
            list.add(type(Type.getType(descriptor)));
        }
        int offset = types.offsetOf(new TypeDescriptor(list));
        if (offset > 0xFFFF) {
            throw new ConversionException(0, "the type descriptors need more than 65535 bytes");
        }
        return offset;
    }

    private TypeDescriptor.Type type(Type type) {
        boolean array = type.getSort() == Type.ARRAY;
        Type element = array ? type.getElementType() : type;
        int arrayStep = TypeDescriptor.ARRAY_OF_BOOLEAN - TypeDescriptor.BOOLEAN;
        return switch (element.getSort()) {
            case Type.VOID -> TypeDescriptor.Type.of(TypeDescriptor.VOID);
            case Type.BOOLEAN -> TypeDescriptor.Type.of(TypeDescriptor.BOOLEAN + (array ? arrayStep : 0));
            case Type.BYTE -> TypeDescriptor.Type.of(TypeDescriptor.BYTE + (array ? arrayStep : 0));
            case Type.SHORT -> TypeDescriptor.Type.of(TypeDescriptor.SHORT + (array ? arrayStep : 0));
            case Type.INT -> TypeDescriptor.Type.of(TypeDescriptor.INT + (array ? arrayStep : 0));
            default -> {
                int ref = places.classRef(world.require(element.getInternalName(), 0));
                yield array ? TypeDescriptor.Type.arrayOf(ref) : TypeDescriptor.Type.reference(ref);
            }
        };
    }
}
