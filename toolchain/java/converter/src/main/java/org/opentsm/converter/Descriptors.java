// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.InvokeDynamicInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.TypeInsnNode;

/** Checks type and method descriptors, so that code behind may parse them without care. */
final class Descriptors {
    private Descriptors() {}

    private static ConversionException bad(String descriptor) {
        String shown = descriptor.length() > 80 ? descriptor.substring(0, 80) + "..." : descriptor;
        return new ConversionException(0, "the class file is damaged: bad descriptor " + shown);
    }

    /** Names a damaged constant pool can leave out. */
    static void requireName(String name) {
        if (name == null || name.isEmpty() || name.length() > 1000) {
            throw new ConversionException(0, "the class file is damaged: a name is missing");
        }
    }

    static void requireField(String descriptor) {
        requireName(descriptor);
        if (end(descriptor, 0) != descriptor.length()) {
            throw bad(descriptor);
        }
    }

    static void requireMethod(String descriptor) {
        if (descriptor == null) {
            throw bad("(missing)");
        }
        if (!descriptor.startsWith("(")) {
            throw bad(descriptor);
        }
        int at = 1;
        while (at < descriptor.length() && descriptor.charAt(at) != ')') {
            at = end(descriptor, at);
        }
        boolean isVoid = descriptor.startsWith("V", at + 1) && descriptor.length() == at + 2;
        if (at >= descriptor.length() || !isVoid && end(descriptor, at + 1) != descriptor.length()) {
            throw bad(descriptor);
        }
    }

    /** Checks the descriptors an instruction carries. */
    static void require(AbstractInsnNode insn) {
        if (insn instanceof FieldInsnNode field) {
            requireName(field.owner);
            requireName(field.name);
            requireField(field.desc);
        } else if (insn instanceof MethodInsnNode call) {
            requireName(call.owner);
            requireName(call.name);
            requireMethod(call.desc);
        } else if (insn instanceof InvokeDynamicInsnNode call) {
            requireMethod(call.desc);
        } else if (insn instanceof TypeInsnNode type) {
            requireName(type.desc);
            if (type.desc.startsWith("[")) {
                requireField(type.desc);
            }
        }
    }

    private static int end(String descriptor, int start) {
        int at = start;
        while (at < descriptor.length() && descriptor.charAt(at) == '[') {
            at++;
        }
        if (at >= descriptor.length()) {
            throw bad(descriptor);
        }
        char letter = descriptor.charAt(at);
        if (letter == 'L') {
            int semicolon = descriptor.indexOf(';', at);
            if (semicolon <= at + 1) {
                throw bad(descriptor);
            }
            return semicolon + 1;
        }
        if ("ZBSCIJFD".indexOf(letter) < 0) {
            throw bad(descriptor);
        }
        return at + 1;
    }
}
