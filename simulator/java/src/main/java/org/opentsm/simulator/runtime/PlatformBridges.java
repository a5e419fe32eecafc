// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Methods added to an applet class that stand between it and the platform: each looks at the objects of one call, the
 * receiver and the arrays, before it makes the call. The platform itself runs in the caller's context and asks nobody.
 */
final class PlatformBridges {

    private static final String CALLS = Type.getInternalName(PlatformCalls.class);

    private static final Pattern OUTPUT =
            Pattern.compile("get.*|generate.*|nextBytes|sign\\w*Precomputed|arrayFill\\w*");
    /** Both arrays are input. */
    private static final Set<String> BOTH_READ =
            Set.of("arrayCompare", "arrayCompareGeneric", "verify", "verifyPreComputedHash");

    /** A method of the platform as it is called. */
    private record Target(int opcode, String owner, String name, String descriptor, boolean isInterface) {

        boolean isStatic() {
            return opcode == Opcodes.INVOKESTATIC;
        }

        String flat() {
            return isStatic() ? descriptor : "(L" + owner + ";" + descriptor.substring(1);
        }
    }

    private final String className;
    private final Map<Target, String> names = new LinkedHashMap<>();

    PlatformBridges(String className) {
        this.className = className;
    }

    String className() {
        return className;
    }

    /** Name of the static method to call, receiver first; null where there is nothing to look at. */
    String of(int opcode, String owner, String name, String descriptor, boolean isInterface) {
        Target target = new Target(opcode, owner, name, descriptor, isInterface);
        boolean arrays = descriptor.substring(0, descriptor.indexOf(')')).matches(".*[\\[L].*");
        boolean receiver = !target.isStatic() && isOwned(owner);
        if (owner.equals("javacard/framework/Applet")) {
            // register() is protected: only the class itself may call it.
            return null;
        }
        return arrays || receiver ? names.computeIfAbsent(target, made -> "platform$" + names.size()) : null;
    }

    /** Objects that an applet makes and may not lend: keys, engines and PINs, not the APDU, an AID or an exception. */
    private static boolean isOwned(String owner) {
        return owner.startsWith("javacard/security/")
                || owner.startsWith("javacardx/")
                || owner.startsWith("javacard/framework/OwnerPIN")
                || owner.equals("javacard/framework/PIN");
    }

    void write(ClassVisitor writer) {
        names.forEach((target, name) -> write(writer, target, name));
    }

    private static void write(ClassVisitor writer, Target target, String name) {
        MethodVisitor method = writer.visitMethod(
                Opcodes.ACC_PRIVATE | Opcodes.ACC_STATIC | Opcodes.ACC_SYNTHETIC, name, target.flat(), null, null);
        method.visitCode();
        int local = 0;
        Type[] arguments = Type.getArgumentTypes(target.flat());
        boolean[] filled = filled(target, arguments);
        for (int i = 0; i < arguments.length; i++) {
            if (isView(arguments[i])) {
                method.visitVarInsn(Opcodes.ALOAD, local);
                method.visitInsn(filled[i] ? Opcodes.ICONST_1 : Opcodes.ICONST_0);
                call(method, "beforePlatform", "(Ljava/lang/Object;Z)V");
            }
            boolean lookedAt = arguments[i].getSort() == Type.ARRAY && !isView(arguments[i])
                    || i == 0 && !target.isStatic() && isOwned(target.owner)
                    || arguments[i].getSort() == Type.OBJECT && isOwned(arguments[i].getInternalName());
            if (lookedAt) {
                method.visitVarInsn(Opcodes.ALOAD, local);
                call(method, "access", "(Ljava/lang/Object;)V");
            }
            local += arguments[i].getSize();
        }
        int at = 0;
        for (Type argument : arguments) {
            method.visitVarInsn(argument.getOpcode(Opcodes.ILOAD), at);
            at += argument.getSize();
        }
        method.visitMethodInsn(target.opcode, target.owner, target.name, target.descriptor, target.isInterface);
        at = 0;
        for (Type argument : arguments) {
            if (isView(argument)) {
                method.visitVarInsn(Opcodes.ALOAD, at);
                call(method, "afterPlatform", "(Ljava/lang/Object;)V");
            }
            at += argument.getSize();
        }
        Type result = Type.getReturnType(target.descriptor);
        method.visitInsn(result.getOpcode(Opcodes.IRETURN));
        method.visitMaxs(Math.max(local, result.getSize()) + 3, local);
        method.visitEnd();
    }

    /** Only arrays of one dimension and primitives are views. */
    private static boolean isView(Type type) {
        return type.getSort() == Type.ARRAY && type.getDescriptor().length() == 2;
    }

    /**
     * Which arrays a method fills without a look at what is in them. The API has no word for it, but an order: input,
     * then output; and names of what has output alone.
     */
    private static boolean[] filled(Target target, Type[] arguments) {
        boolean[] found = new boolean[arguments.length];
        boolean input = !OUTPUT.matcher(target.name).matches();
        for (int i = 0; i < arguments.length; i++) {
            if (isView(arguments[i])) {
                found[i] = !input && i > 0;
                input = BOTH_READ.contains(target.name);
            }
        }
        return found;
    }

    private static void call(MethodVisitor method, String name, String descriptor) {
        ThisCard.push(method);
        method.visitMethodInsn(Opcodes.INVOKESTATIC, CALLS, name, ThisCard.with(descriptor), false);
    }
}
