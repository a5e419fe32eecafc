// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** API members that the platform has in another form. */
final class Calls {
    private static final MemberName USER_EXCEPTION =
            new MemberName("javacard/framework/UserException", MemberName.CONSTRUCTOR, "()V");

    private Calls() {}

    /** jCardSim 3.0 has no UserException(), which is UserException(0). */
    static boolean isReplaced(MemberName member) {
        return member.equals(USER_EXCEPTION);
    }

    static void constructor(MethodVisitor code, MemberName member) {
        boolean replaced = isReplaced(member);
        if (replaced) {
            code.visitInsn(Opcodes.ICONST_0);
        }
        code.visitMethodInsn(
                Opcodes.INVOKESPECIAL, member.owner(), member.name(), replaced ? "(S)V" : member.descriptor(), false);
    }
}
