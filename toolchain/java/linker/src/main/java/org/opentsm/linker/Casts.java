// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Checks of classes that a CAP without Descriptor leaves to the moment when a reference is used: all fields, parameters
 * and results of its own are Object.
 */
final class Casts {
    static final String OBJECT = "java/lang/Object";
    private static final List<String> FILLERS = List.of(
            "java/io/Serializable",
            "java/lang/Cloneable",
            "java/lang/Runnable",
            "java/lang/Comparable",
            "java/lang/CharSequence",
            "java/lang/Iterable",
            "java/lang/Readable",
            "java/lang/Appendable",
            "java/lang/AutoCloseable",
            "java/io/Closeable",
            "java/io/Flushable",
            "java/io/DataInput",
            "java/io/DataOutput",
            "java/io/ObjectInput",
            "java/io/ObjectOutput",
            "java/io/Externalizable",
            "java/util/Collection",
            "java/util/Comparator",
            "java/util/Enumeration",
            "java/util/EventListener",
            "java/util/Iterator",
            "java/util/List",
            "java/util/ListIterator",
            "java/util/Map",
            "java/util/Queue",
            "java/util/RandomAccess",
            "java/util/Set",
            "java/util/SortedMap",
            "java/util/SortedSet");

    private static final List<String> SHORTS = List.of("S", "B", "Z", "C");
    private static final List<String> REFERENCES = Stream.concat(Stream.of(OBJECT), FILLERS.stream())
            .map(name -> "L" + name + ";")
            .toList();
    private final MethodVisitor code;
    private final int temporaries;
    private final List<String> wanted = new ArrayList<>();

    Casts(MethodVisitor code, int temporaries) {
        this.code = code;
        this.temporaries = temporaries;
    }

    /** Types that the top values must have, the top first; null where it does not matter. */
    Casts top(String... types) {
        wanted.addAll(java.util.Arrays.asList(types));
        return this;
    }

    /** The arguments of a call, then perhaps its receiver. */
    Casts call(MemberName member, boolean receiver) {
        Type[] parameters = Type.getArgumentTypes(member.descriptor());
        for (int i = parameters.length - 1; i >= 0; i--) {
            wanted.add(internal(parameters[i]));
        }
        return receiver ? top(member.owner()) : this;
    }

    /** Internal name of a reference type, null of others. */
    static String internal(Type type) {
        return type.getSort() == Type.ARRAY || type.getSort() == Type.OBJECT ? type.getInternalName() : null;
    }

    /** @param stack kinds of the values, top last */
    void emit(String stack) {
        int deepest = -1;
        for (int depth = 0; depth < wanted.size(); depth++) {
            deepest = isNeeded(stack, depth) ? depth : deepest;
        }
        if (deepest == 0) {
            cast(0);
        } else if (deepest > 0) {
            for (int depth = 0; depth <= deepest; depth++) {
                code.visitVarInsn(isReference(stack, depth) ? Opcodes.ASTORE : Opcodes.ISTORE, temporaries + depth);
            }
            for (int depth = deepest; depth >= 0; depth--) {
                code.visitVarInsn(isReference(stack, depth) ? Opcodes.ALOAD : Opcodes.ILOAD, temporaries + depth);
                if (isNeeded(stack, depth)) {
                    cast(depth);
                }
            }
        }
    }

    /** An array would be none of the interfaces that stand for Object, which is what it is after the cast. */
    private void cast(int depth) {
        String type = wanted.get(depth);
        code.visitTypeInsn(Opcodes.CHECKCAST, FILLERS.contains(type) ? OBJECT : type);
    }

    private boolean isNeeded(String stack, int depth) {
        String type = wanted.get(depth);
        boolean typed = type != null && !type.equals(OBJECT);
        return typed && depth < stack.length() && stack.charAt(stack.length() - 1 - depth) == 'A';
    }

    private static boolean isReference(String stack, int depth) {
        char kind = stack.charAt(stack.length() - 1 - depth);
        return kind != 'S' && kind != 'I';
    }

    /**
     * Another descriptor for a constructor with the same kinds of parameters as others before it: the JVM takes any
     * reference for an interface, and any short class for another. Each parameter has a few such types, and attempts
     * count through their combinations.
     *
     * @param attempt 1 for the second, 2 for the third
     */
    static String variant(String descriptor, int attempt) {
        StringBuilder made = new StringBuilder("(");
        int left = attempt;
        for (Type parameter : Type.getArgumentTypes(descriptor)) {
            List<String> types = alike(parameter.getDescriptor());
            made.append(types.get(left % types.size()));
            left /= types.size();
        }
        if (left > 0) {
            throw new LinkException(
                    LinkException.Code.UNSUPPORTED,
                    "without Descriptor its constructors " + descriptor + " cannot be told apart");
        }
        return made.append(descriptor.substring(descriptor.indexOf(')'))).toString();
    }

    private static List<String> alike(String type) {
        return switch (type) {
            case "S" -> SHORTS;
            case "L" + OBJECT + ";" -> REFERENCES;
            default -> List.of(type);
        };
    }
}
