// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;

/**
 * Types of 16-bit cells during dataflow, as small numbers. boolean, byte and short are all SHORT on stack and in
 * locals; an int takes the cells INT, INT_TAIL.
 */
final class Types {
    static final int TOP = 0;
    static final int SHORT = 1;
    static final int INT = 2;
    static final int INT_TAIL = 3;
    static final int NULL = 4;

    /** Kinds of the numbers from 5 on. */
    enum Kind {
        OBJECT,
        PRIMITIVE_ARRAY,
        REFERENCE_ARRAY,
        NEW,
        NEW_THIS,
        RETURN_ADDRESS
    }

    /** name: class of objects, arrays and NEW; id: array nibble, offset of the new, or subroutine call. */
    record Info(Kind kind, String name, int id) {}

    private final List<Info> infos = new ArrayList<>();
    private final Map<Info, Integer> numbers = new HashMap<>();
    private final Hierarchy hierarchy;
    private final PackageView view;

    Types(PackageView view, Hierarchy hierarchy) {
        this.view = view;
        this.hierarchy = hierarchy;
    }

    private int intern(Kind kind, String name, int id) {
        return numbers.computeIfAbsent(new Info(kind, name, id), info -> {
            infos.add(info);
            return infos.size() + NULL;
        });
    }

    int object(String name) {
        return intern(Kind.OBJECT, name, 0);
    }

    int primitiveArray(int nibble) {
        return intern(Kind.PRIMITIVE_ARRAY, "", nibble);
    }

    int referenceArray(String element) {
        return intern(Kind.REFERENCE_ARRAY, element, 0);
    }

    int created(String name, int offset) {
        return intern(Kind.NEW, name, offset);
    }

    int createdThis(String name) {
        return intern(Kind.NEW_THIS, name, 0);
    }

    int returnAddress(int call) {
        return intern(Kind.RETURN_ADDRESS, "", call);
    }

    /** The Info of a number, null for TOP to NULL. */
    Info info(int type) {
        return type > NULL ? infos.get(type - NULL - 1) : null;
    }

    boolean is(int type, Kind kind) {
        return type > NULL && info(type).kind == kind;
    }

    /** An initialised reference or null. */
    boolean isReference(int type) {
        return type == NULL || is(type, Kind.OBJECT) || isArray(type);
    }

    /** A reference of which nothing is known. */
    boolean isUnknown(int type) {
        return is(type, Kind.OBJECT) && info(type).name.equals(Hierarchy.UNKNOWN);
    }

    boolean isArray(int type) {
        return is(type, Kind.PRIMITIVE_ARRAY) || is(type, Kind.REFERENCE_ARRAY);
    }

    boolean isNew(int type) {
        return is(type, Kind.NEW) || is(type, Kind.NEW_THIS);
    }

    /** The first cell of a value of this declared type. */
    int of(Type type) {
        return switch (type.nibble()) {
            case TypeDescriptor.BOOLEAN, TypeDescriptor.BYTE, TypeDescriptor.SHORT -> SHORT;
            case TypeDescriptor.INT -> INT;
            case TypeDescriptor.REFERENCE -> object(view.name(type.classRef()));
            case TypeDescriptor.ARRAY_OF_REFERENCE -> referenceArray(view.name(type.classRef()));
            case TypeDescriptor.VOID -> TOP;
            default -> primitiveArray(type.nibble());
        };
    }

    /**
     * A text descriptor's types, parameters then result; void is TOP. Null when it is not a method descriptor we know.
     */
    List<Integer> ofDescriptor(String descriptor) {
        List<Integer> types = new ArrayList<>();
        for (int at = 1; at < descriptor.length(); ) {
            char c = descriptor.charAt(at);
            boolean array = c == '[';
            at += array ? 1 : 0;
            c = at < descriptor.length() ? descriptor.charAt(at) : '?';
            at++;
            if (c == ')' && !array) {
                continue;
            }
            if (c == 'L') {
                int end = descriptor.indexOf(';', at);
                if (end < 0) {
                    return null;
                }
                String name = descriptor.substring(at, end);
                types.add(array ? referenceArray(name) : object(name));
                at = end + 1;
                continue;
            }
            int index = "ZBSI".indexOf(c);
            if (index < 0 && (c != 'V' || array)) {
                return null;
            }
            types.add(
                    array
                            ? primitiveArray(TypeDescriptor.ARRAY_OF_BOOLEAN + index)
                            : c == 'V' ? TOP : c == 'I' ? INT : SHORT);
        }
        return types.isEmpty() ? null : types;
    }

    /** Whether a cell of this type may stand where the target type is wanted. */
    boolean assignable(int type, int target) {
        if (type == target) {
            return type != TOP;
        }
        if (target <= NULL || !isReference(type)) {
            return false;
        }
        if (type == NULL) {
            return isReference(target);
        }
        Info from = info(type);
        Info to = info(target);
        if (from.kind == Kind.OBJECT && from.name.equals(Hierarchy.UNKNOWN)) {
            return isReference(target);
        }
        return switch (to.kind) {
            case OBJECT ->
                to.name.equals(PackageView.OBJECT)
                        || to.name.startsWith("?")
                        || from.kind == Kind.OBJECT && objectAssignable(from.name, to.name);
            case REFERENCE_ARRAY -> from.kind == Kind.REFERENCE_ARRAY && objectAssignable(from.name, to.name);
            default -> false;
        };
    }

    /** Interfaces are taken like Object, as their use is checked at run time. */
    private boolean objectAssignable(String from, String to) {
        return hierarchy.isInterface(to) || hierarchy.isSubtype(from, to);
    }

    /** The closest type both fit; TOP when there is none. */
    int merge(int first, int second) {
        if (first == second) {
            return first;
        }
        if (!isReference(first) || !isReference(second)) {
            return TOP;
        }
        if (first == NULL || second == NULL) {
            return first == NULL ? second : first;
        }
        Info one = info(first);
        Info two = info(second);
        if (one.kind == Kind.OBJECT && two.kind == Kind.OBJECT) {
            return object(hierarchy.common(one.name, two.name));
        }
        if (one.kind == Kind.REFERENCE_ARRAY && two.kind == Kind.REFERENCE_ARRAY) {
            return referenceArray(hierarchy.common(one.name, two.name));
        }
        boolean unknown = one.kind == Kind.OBJECT && one.name.equals(Hierarchy.UNKNOWN)
                || two.kind == Kind.OBJECT && two.name.equals(Hierarchy.UNKNOWN);
        return object(unknown ? Hierarchy.UNKNOWN : PackageView.OBJECT);
    }

    String text(int type) {
        return switch (type) {
            case TOP -> "nothing usable";
            case SHORT -> "short";
            case INT -> "int";
            case INT_TAIL -> "the second half of an int";
            case NULL -> "null";
            default -> text(info(type));
        };
    }

    private static String text(Info info) {
        return switch (info.kind) {
            case OBJECT -> info.name;
            case PRIMITIVE_ARRAY -> Type.of(info.id).toString();
            case REFERENCE_ARRAY -> info.name + "[]";
            case NEW, NEW_THIS -> "uninitialised " + info.name;
            case RETURN_ADDRESS -> "return address";
        };
    }
}
