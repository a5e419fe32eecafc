// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.List;

/**
 * One public class or interface of an API package, with the members it declares itself.
 *
 * @param packageName package path with slashes
 * @param name internal name, nested classes with a dollar sign
 * @param token class token
 * @param flags export-file class flags: 1 public, 10 final, 200 interface, 400 abstract, 800 shareable, 1000 remote
 * @param superName internal name of the superclass, null for java/lang/Object
 * @param interfaces all interfaces, direct and indirect, in declaration order
 * @param since first version of the package that has the class
 * @param declared own members, in token order within each kind
 */
public record ApiClass(
        String packageName,
        String name,
        int token,
        int flags,
        String superName,
        List<String> interfaces,
        Version since,
        List<ApiMember> declared) {

    public static final int ACC_PUBLIC = 0x0001;
    public static final int ACC_PROTECTED = 0x0004;
    public static final int ACC_STATIC = 0x0008;
    public static final int ACC_FINAL = 0x0010;
    public static final int ACC_INTERFACE = 0x0200;
    public static final int ACC_ABSTRACT = 0x0400;
    public static final int ACC_SHAREABLE = 0x0800;
    public static final int ACC_REMOTE = 0x1000;

    public ApiClass {
        interfaces = List.copyOf(interfaces);
        declared = List.copyOf(declared);
    }

    public boolean isInterface() {
        return (flags & ACC_INTERFACE) != 0;
    }

    /** The name as a developer writes it. */
    public String display() {
        return name.replace('/', '.').replace('$', '.');
    }
}
