// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

/** A field or method as a class file names it. */
record MemberName(String owner, String name, String descriptor) {
    static final String CONSTRUCTOR = "<init>";

    boolean isConstructor() {
        return name.equals(CONSTRUCTOR);
    }

    /** The same member looked up from another class. */
    MemberName in(String other) {
        return new MemberName(other, name, descriptor);
    }

    String key() {
        return name + descriptor;
    }

    @Override
    public String toString() {
        return owner + "." + name + descriptor;
    }
}
