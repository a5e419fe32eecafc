// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.FieldNode;
import org.objectweb.asm.tree.MethodNode;

/** A field or method of a class, ours or imported, with the token it is linked by. */
final class Member {
    static final int NO_TOKEN = 0xFF;

    final LinkedClass owner;
    final String name;
    final String descriptor;
    final int access;
    /** The class file's method or field; null for imported members and for methods added by the converter. */
    final MethodNode method;

    final FieldNode field;
    /** Static token, instance field token, virtual token (80 and more: package-visible) or interface token. */
    int token = NO_TOKEN;
    /** The value of a compile-time constant, else null. */
    Integer constant;

    Member(LinkedClass owner, String name, String descriptor, int access, MethodNode method, FieldNode field) {
        this.owner = owner;
        this.name = name;
        this.descriptor = descriptor;
        this.access = access;
        this.method = method;
        this.field = field;
    }

    String key() {
        return name + descriptor;
    }

    boolean is(int flag) {
        return (access & flag) != 0;
    }

    boolean isStatic() {
        return is(Opcodes.ACC_STATIC);
    }

    boolean isPrivate() {
        return is(Opcodes.ACC_PRIVATE);
    }

    boolean isAbstract() {
        return is(Opcodes.ACC_ABSTRACT);
    }

    /** Public or protected: the member can be named from other packages. */
    boolean isWide() {
        return is(Opcodes.ACC_PUBLIC) || is(Opcodes.ACC_PROTECTED);
    }

    boolean isConstructor() {
        return name.equals("<init>");
    }

    boolean isClassInitializer() {
        return name.equals("<clinit>");
    }

    /** An instance method that is found through the virtual table. */
    boolean isVirtual() {
        return !isStatic() && !isPrivate() && !isConstructor();
    }

    @Override
    public String toString() {
        return owner.name.replace('/', '.') + "." + name
                + (method != null || descriptor.startsWith("(") ? descriptor : "");
    }
}
