// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

/**
 * One member of an API class.
 *
 * @param kind which numbering the token belongs to (javacard-cap.md section 4)
 * @param token the token, 255 for a compile-time constant
 * @param flags access flags as class files and export files write them: 1 public, 4 protected, 8 static, 10 final, 400
 *     abstract
 * @param owner internal name of the declaring class
 * @param name member name, {@code <init>} for a constructor
 * @param descriptor JVM descriptor
 * @param since first version of the declaring package that has it
 * @param constant value of a compile-time constant, else null
 */
public record ApiMember(
        Kind kind,
        int token,
        int flags,
        String owner,
        String name,
        String descriptor,
        Version since,
        Integer constant) {

    /** The token numberings; CONSTANT has no token. */
    public enum Kind {
        STATIC,
        VIRTUAL,
        INTERFACE,
        FIELD,
        CONSTANT
    }

    public boolean isMethod() {
        return kind == Kind.STATIC || kind == Kind.VIRTUAL || kind == Kind.INTERFACE;
    }

    /** Name and descriptor of a method, name alone of a field: unique within a class. */
    public String key() {
        return isMethod() ? name + descriptor : name;
    }

    /** The member as a developer writes it, for messages: {@code javacard.framework.Util.arrayFill([BSSB)S}. */
    public String display() {
        return owner.replace('/', '.').replace('$', '.') + "." + key();
    }
}
