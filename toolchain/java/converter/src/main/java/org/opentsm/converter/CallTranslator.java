// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.MethodInsnNode;

/** Turns the four invoke instructions into those of the card. */
final class CallTranslator {
    private final World world;
    private final LinkedClass caller;
    private final CodeWriter out;

    CallTranslator(World world, LinkedClass caller, CodeWriter out) {
        this.world = world;
        this.caller = caller;
        this.out = out;
    }

    /** Emits the call; true when it leaves an int. */
    boolean call(MethodInsnNode insn, int line) {
        String owner = insn.owner.startsWith("[") ? LinkedClass.OBJECT : insn.owner;
        LinkedClass named = world.require(owner, line);
        switch (insn.getOpcode()) {
            case Opcodes.INVOKESTATIC -> invokeStatic(insn, owner, line);
            case Opcodes.INVOKESPECIAL -> invokeSpecial(insn, named, line);
            case Opcodes.INVOKEINTERFACE -> invokeInterface(insn, named, line);
            default -> invokeVirtual(insn, owner, line);
        }
        boolean wide = insn.desc.endsWith(")I");
        if (wide || insn.desc.contains("I")) {
            markInt(insn.desc);
        }
        return wide;
    }

    private void markInt(String descriptor) {
        boolean uses = Type.getReturnType(descriptor).getSort() == Type.INT;
        for (Type argument : Type.getArgumentTypes(descriptor)) {
            uses |= argument.getSort() == Type.INT;
        }
        if (uses) {
            out.markInt();
        }
    }

    private CapInsn emit(int op, String descriptor, boolean withThis) {
        int pops = MethodTranslator.argumentCells(descriptor) + (withThis ? 1 : 0);
        int result =
                switch (Type.getReturnType(descriptor).getSort()) {
                    case Type.VOID -> 0;
                    case Type.INT -> 2;
                    default -> 1;
                };
        return out.emit(op, pops, result);
    }

    private static void requireStatic(Member member, boolean isStatic, int line) {
        if (member.isStatic() != isStatic) {
            throw new ConversionException(
                    line, "the class file is damaged: method " + member + (isStatic ? " is not static" : " is static"));
        }
    }

    /** Class files of release 11 and later reach private members of nest mates directly; a card does not. */
    static void requireAccess(LinkedClass caller, Member member, int line) {
        if (member.isPrivate() && member.owner != caller) {
            throw new ConversionException(
                    line,
                    "the private member " + member + " of another class is used directly;"
                            + " compile with --release 8, or make it package-visible");
        }
    }

    private static void requireToken(Member member, int line) {
        if (member.owner.isImported() && member.token == Member.NO_TOKEN) {
            throw new ConversionException(line, "method " + member + " has no token in its export file");
        }
    }

    private void invokeStatic(MethodInsnNode insn, String owner, int line) {
        Member member = world.requireMethod(owner, insn.name, insn.desc, line);
        requireStatic(member, true, line);
        requireAccess(caller, member, line);
        if (member.owner.isInterface()) {
            throw new ConversionException(
                    line, "static methods of interfaces are not supported; move " + member + " to a class");
        }
        requireToken(member, line);
        emit(Jcvm.INVOKESTATIC, insn.desc, false).ref(PoolKey.staticMethod(member));
    }

    private void invokeSpecial(MethodInsnNode insn, LinkedClass named, int line) {
        if (insn.name.equals("<init>")) {
            Member member = named.methods.get(insn.name + insn.desc);
            if (member == null) {
                member = world.requireMethod(named.name, insn.name, insn.desc, line);
                throw new ConversionException(
                        line,
                        "constructor " + named + insn.desc + " does not exist"
                                + (member.owner == named ? "" : " in the export file of its package"));
            }
            requireToken(member, line);
            requireAccess(caller, member, line);
            emit(Jcvm.INVOKESPECIAL, insn.desc, true).ref(PoolKey.staticMethod(member));
            return;
        }
        Member member = world.requireMethod(named.name, insn.name, insn.desc, line);
        requireStatic(member, false, line);
        requireAccess(caller, member, line);
        if (member.isPrivate()) {
            emit(Jcvm.INVOKESPECIAL, insn.desc, true).ref(PoolKey.staticMethod(member));
            return;
        }
        if (named.isInterface() || member.owner.isInterface()) {
            throw new ConversionException(line, "calls of interface default methods are not supported");
        }
        if (member.owner == caller || member.isAbstract()) {
            throw new ConversionException(line, "method " + member + " cannot be called with super here");
        }
        requireToken(member, line);
        emit(Jcvm.INVOKESPECIAL, insn.desc, true).ref(PoolKey.superMethod(caller, member));
    }

    private void invokeVirtual(MethodInsnNode insn, String owner, int line) {
        Member member = world.requireMethod(owner, insn.name, insn.desc, line);
        requireStatic(member, false, line);
        if (member.owner.isInterface()) {
            throw new ConversionException(
                    line, "the class file is damaged: " + member + " is called as a class method");
        }
        requireAccess(caller, member, line);
        if (member.isPrivate()) {
            emit(Jcvm.INVOKESPECIAL, insn.desc, true).ref(PoolKey.staticMethod(member));
            return;
        }
        requireToken(member, line);
        emit(Jcvm.INVOKEVIRTUAL, insn.desc, true).ref(PoolKey.virtualMethod(member));
    }

    private void invokeInterface(MethodInsnNode insn, LinkedClass named, int line) {
        Member member = world.findMethod(named, insn.name + insn.desc);
        if (member == null || !named.isInterface()) {
            // Methods of Object can be called through any interface.
            LinkedClass object = world.require(LinkedClass.OBJECT, line);
            Member inherited = object.methods.get(insn.name + insn.desc);
            if (inherited == null) {
                world.requireMethod(named.name, insn.name, insn.desc, line);
                throw new ConversionException(line, "the class file is damaged: " + named + " is no interface");
            }
            emit(Jcvm.INVOKEVIRTUAL, insn.desc, true).ref(PoolKey.virtualMethod(inherited));
            return;
        }
        requireStatic(member, false, line);
        CapInsn call = emit(Jcvm.INVOKEINTERFACE, insn.desc, true);
        call.with(call.pops, member.token).ref(PoolKey.classref(member.owner));
    }
}
