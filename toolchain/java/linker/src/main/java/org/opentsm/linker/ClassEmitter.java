// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.opentsm.cap.ClassComponent.ImplementedInterface;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.linker.CapView.ClassView;

/** Writes the JVM class of one class or interface of a CAP. */
final class ClassEmitter {
    private static final String OBJECT = "java/lang/Object";
    private static final String INSTALL_TYPES = "([BSB)V";
    private final CapView view;
    private final ClassView item;
    private final String name;
    private final ClassWriter out = new ClassWriter(ClassWriter.COMPUTE_MAXS);
    /** Emitted methods by name and types, with the virtual token a bridge leads to (-1: no bridge). */
    private final Map<String, Integer> emitted = new HashMap<>();

    ClassEmitter(CapView view, ClassView item) {
        this.view = view;
        this.item = item;
        this.name = view.name(item.offset());
    }

    /**
     * @param install name of the static method that installs the applet of this class; it gets a public face named
     *     "install"
     * @return a class file
     */
    byte[] emit(Optional<String> install) {
        if (item.isInterface()) {
            emitInterface();
        } else {
            emitClass();
            install.ifPresent(this::installFace);
        }
        out.visitEnd();
        return out.toByteArray();
    }

    private void emitInterface() {
        Set<String> supers = new LinkedHashSet<>();
        ((InterfaceInfo) item.entry()).superinterfaces().forEach(ref -> supers.add(view.name(ref)));
        int access = Opcodes.ACC_PUBLIC | Opcodes.ACC_INTERFACE | Opcodes.ACC_ABSTRACT;
        out.visit(Opcodes.V1_5, access, name, null, OBJECT, supers.toArray(String[]::new));
        for (MethodDescriptor method : item.descriptor().methods()) {
            MemberName member = view.interfaceMethod(item.offset(), method.token());
            claim(member, -1);
            out.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_ABSTRACT, member.name(), member.descriptor(), null, null)
                    .visitEnd();
        }
    }

    private void emitClass() {
        Set<String> interfaces = new LinkedHashSet<>();
        item.info().interfaces().forEach(found -> interfaces.add(view.name(found.classRef())));
        boolean isAbstract = (item.descriptor().flags() & DescriptorComponent.ACC_CLASS_ABSTRACT) != 0;
        out.visit(
                Opcodes.V1_5,
                Opcodes.ACC_PUBLIC | Opcodes.ACC_SUPER | (isAbstract ? Opcodes.ACC_ABSTRACT : 0),
                name,
                null,
                view.name(item.info().superclass()),
                interfaces.toArray(String[]::new));
        view.sources.fileOf(item.offset()).ifPresent(file -> out.visitSource(file, null));
        for (FieldDescriptor field : item.descriptor().fields()) {
            boolean isStatic = field.isStatic();
            MemberName member =
                    isStatic ? view.staticField(field.imageOffset()) : view.instanceField(item.offset(), field);
            out.visitField(
                            Opcodes.ACC_PUBLIC | (isStatic ? Opcodes.ACC_STATIC : 0),
                            member.name(),
                            member.descriptor(),
                            null,
                            null)
                    .visitEnd();
        }
        if (view.inferred) {
            Untyped.emit(out);
        }
        new StaticFields(view, item, out).emit();
        item.descriptor().methods().forEach(this::emitMethod);
        for (ImplementedInterface implemented : item.info().interfaces()) {
            bridges(implemented);
        }
    }

    private void emitMethod(MethodDescriptor method) {
        MemberName member = view.method(method.methodOffset()).name();
        claim(member, -1);
        int access = Opcodes.ACC_PUBLIC
                | (method.isStatic() ? Opcodes.ACC_STATIC : 0)
                | (method.isAbstract() ? Opcodes.ACC_ABSTRACT : 0);
        MethodVisitor code = out.visitMethod(access, member.name(), member.descriptor(), null, null);
        if (!method.isAbstract()) {
            code.visitCode();
            new MethodEmitter(view, method, member, code).emit();
            code.visitMaxs(0, 0);
        }
        code.visitEnd();
    }

    private void claim(MemberName member, int token) {
        if (emitted.put(member.key(), token) != null) {
            throw LinkException.inconsistent("class " + name + " has two methods " + member.key());
        }
    }

    /** Leads each method of an interface to the virtual method that the class's index names. */
    private void bridges(ImplementedInterface implemented) {
        List<Integer> index = implemented.index();
        for (int token = 0; token < index.size(); token++) {
            int virtualToken = index.get(token);
            MemberName from = view.interfaceMethod(implemented.classRef(), token);
            MemberName to = view.virtual(item.offset(), virtualToken)
                    .orElseThrow(() -> LinkException.inconsistent("an interface index of " + name
                            + " names virtual token " + virtualToken + ", which no class has"));
            if (!view.inferred && !from.descriptor().equals(to.descriptor())) {
                throw LinkException.inconsistent(to + " implements " + from + " with other types");
            }
            if (from.key().equals(to.key())) {
                continue;
            }
            Integer before = emitted.get(from.key());
            if (before == null) {
                claim(from, virtualToken);
                bridge(from, to);
            } else if (before != virtualToken) {
                throw LinkException.inconsistent(from + " is implemented twice in " + name);
            }
        }
    }

    private void bridge(MemberName from, MemberName to) {
        MethodVisitor code =
                out.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_SYNTHETIC, from.name(), from.descriptor(), null, null);
        code.visitCode();
        code.visitVarInsn(Opcodes.ALOAD, 0);
        forward(code, 1, Opcodes.INVOKEVIRTUAL, to.in(name), from.descriptor());
    }

    private void installFace(String method) {
        MemberName face = new MemberName(name, "install", INSTALL_TYPES);
        claim(face, -1);
        MethodVisitor code = out.visitMethod(
                Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC | Opcodes.ACC_SYNTHETIC, "install", INSTALL_TYPES, null, null);
        code.visitCode();
        forward(code, 0, Opcodes.INVOKESTATIC, new MemberName(name, method, INSTALL_TYPES), INSTALL_TYPES);
    }

    /** Types differ only where a CAP without Descriptor has Object. */
    private static void cast(MethodVisitor code, Type given, Type wanted) {
        String type = Casts.internal(wanted);
        if (type != null && !given.equals(wanted) && !type.equals(Casts.OBJECT)) {
            code.visitTypeInsn(Opcodes.CHECKCAST, type);
        }
    }

    /** Loads all parameters, calls, returns the result. All values take one slot: there is neither long nor double. */
    private static void forward(MethodVisitor code, int firstSlot, int call, MemberName to, String from) {
        int slot = firstSlot;
        Type[] given = Type.getArgumentTypes(from);
        for (Type parameter : Type.getArgumentTypes(to.descriptor())) {
            code.visitVarInsn(parameter.getOpcode(Opcodes.ILOAD), slot);
            cast(code, given[slot - firstSlot], parameter);
            slot++;
        }
        code.visitMethodInsn(call, to.owner(), to.name(), to.descriptor(), false);
        cast(code, Type.getReturnType(to.descriptor()), Type.getReturnType(from));
        code.visitInsn(Type.getReturnType(to.descriptor()).getOpcode(Opcodes.IRETURN));
        code.visitMaxs(0, 0);
        code.visitEnd();
    }
}
