// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.List;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.exp.ExportFile.ExportMethod;

/** Whether a class must be abstract, because a method of it has no body. */
final class Abstracts {
    private static final int ACC_ABSTRACT = 0x400;
    private static final int TOKENS = 256;
    private final Members members;

    Abstracts(Members members) {
        this.members = members;
    }

    boolean isAbstract(int classRef) {
        for (int token = 0; token < TOKENS; token++) {
            if (isAbstract(classRef, token)) {
                return true;
            }
        }
        return false;
    }

    private boolean isAbstract(int classRef, int token) {
        int target = members.resolve(classRef, token);
        if (target >= 0) {
            FoundMethod found = members.methods.get(target);
            return found != null && found.info().isAbstract();
        }
        int ref = classRef;
        for (int depth = 0; depth < TOKENS && ClassRef.isInternal(ref); depth++) {
            ref = members.classes.get(ref) instanceof ClassInfo info ? info.superclass() : ClassRef.NONE;
        }
        if (!ClassRef.isExternal(ref)) {
            return false;
        }
        List<ExportMethod> methods = members.external(ref).methods();
        return methods.stream()
                .anyMatch(method ->
                        Members.isVirtual(method) && method.token() == token && (method.flags() & ACC_ABSTRACT) != 0);
    }
}
