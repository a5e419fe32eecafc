// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.FieldNode;
import org.objectweb.asm.tree.MethodNode;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;

/** A class or interface as the linker sees it: one of the package being converted, or one of an export file. */
final class LinkedClass {
    static final String OBJECT = "java/lang/Object";

    final String name;
    final int access;
    final String superName;
    /** Declared ones for our classes, all of them for imported classes. */
    final List<String> interfaces;
    /** Null when imported. */
    final ClassNode node;

    final boolean importedShareable;
    /** By name and descriptor. */
    final Map<String, Member> methods = new LinkedHashMap<>();
    /** By name and descriptor. */
    final Map<String, Member> fields = new LinkedHashMap<>();

    int token = Member.NO_TOKEN;
    /** Highest virtual and package virtual token, inherited ones included; -1 without any. */
    int highestVirtual = -1;

    int highestPackageVirtual = -1;
    /** Cells of the own instance fields, set with the tokens. */
    int instanceSize;

    /** One of our classes. */
    LinkedClass(ClassNode node) {
        this.node = node;
        name = node.name;
        access = node.access;
        superName = node.superName;
        interfaces = List.copyOf(node.interfaces);
        importedShareable = false;
        for (MethodNode method : node.methods) {
            Member member = new Member(this, method.name, method.desc, method.access, method, null);
            methods.put(member.key(), member);
        }
        for (FieldNode field : node.fields) {
            Member member = new Member(this, field.name, field.desc, field.access, null, field);
            boolean finalStatic = member.isStatic() && member.is(Opcodes.ACC_FINAL);
            if (finalStatic && field.value instanceof Integer value) {
                member.constant = value;
            }
            fields.put(member.key(), member);
        }
    }

    /** An imported class. */
    LinkedClass(ExportFile file, ExportClass source) {
        node = null;
        name = source.name();
        access = source.flags() & 0x611;
        token = source.token();
        importedShareable = source.isShareable();
        List<String> supers = source.superclasses();
        boolean isInterface = source.isInterface();
        superName =
                name.equals(OBJECT) ? null : isInterface || supers.isEmpty() ? OBJECT : supers.get(supers.size() - 1);
        List<String> all = new ArrayList<>(source.interfaces());
        if (isInterface) {
            supers.stream().filter(s -> !s.equals(OBJECT) && !all.contains(s)).forEach(all::add);
        }
        interfaces = List.copyOf(all);
        for (ExportMethod method : source.methods()) {
            Member member = new Member(this, method.name(), method.descriptor(), method.flags() & 0xFFFF, null, null);
            member.token = method.token();
            methods.put(member.key(), member);
            if (member.isVirtual() && !isInterface) {
                highestVirtual = Math.max(highestVirtual, member.token);
            }
        }
        for (ExportField field : source.fields()) {
            Member member = new Member(this, field.name(), field.descriptor(), field.flags() & 0xFFFF, null, null);
            member.token = field.token();
            member.constant = field.constant().orElse(null);
            fields.put(member.key(), member);
        }
    }

    boolean isImported() {
        return node == null;
    }

    boolean isInterface() {
        return (access & Opcodes.ACC_INTERFACE) != 0;
    }

    boolean isAbstract() {
        return (access & Opcodes.ACC_ABSTRACT) != 0;
    }

    boolean isPublic() {
        return (access & Opcodes.ACC_PUBLIC) != 0;
    }

    boolean isFinal() {
        return (access & Opcodes.ACC_FINAL) != 0;
    }

    String packageName() {
        return packageOf(name);
    }

    static String packageOf(String className) {
        int slash = className.lastIndexOf('/');
        return slash < 0 ? "" : className.substring(0, slash);
    }

    @Override
    public String toString() {
        return name.replace('/', '.');
    }
}
