// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import org.opentsm.cap.ConstantPoolComponent;

/**
 * A constant pool entry by meaning; places are filled in when classes, methods and fields are laid out.
 *
 * @param tag    1 to 6, see {@link ConstantPoolComponent}
 * @param type   the class of the class_ref
 * @param member the method or field; null for a Classref
 */
record PoolKey(int tag, LinkedClass type, Member member) {
    static PoolKey classref(LinkedClass type) {
        return new PoolKey(ConstantPoolComponent.CLASSREF, type, null);
    }

    static PoolKey instanceField(Member field) {
        return new PoolKey(ConstantPoolComponent.INSTANCE_FIELDREF, field.owner, field);
    }

    static PoolKey virtualMethod(Member method) {
        return new PoolKey(ConstantPoolComponent.VIRTUAL_METHODREF, method.owner, method);
    }

    /** @param caller the class that contains the super call */
    static PoolKey superMethod(LinkedClass caller, Member method) {
        return new PoolKey(ConstantPoolComponent.SUPER_METHODREF, caller, method);
    }

    static PoolKey staticField(Member field) {
        return new PoolKey(ConstantPoolComponent.STATIC_FIELDREF, field.owner, field);
    }

    /** Static methods, constructors and private methods. */
    static PoolKey staticMethod(Member method) {
        return new PoolKey(ConstantPoolComponent.STATIC_METHODREF, method.owner, method);
    }
}
