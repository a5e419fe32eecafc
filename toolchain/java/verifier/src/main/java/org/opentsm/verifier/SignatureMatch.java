// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.List;
import java.util.Optional;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;

/** Compares the CAP's type descriptors with each other and with the text descriptors of export files. */
final class SignatureMatch {
    private final PackageView view;

    SignatureMatch(PackageView view) {
        this.view = view;
    }

    /** The type of a field, in one form for primitives and references. Empty when its offset is broken. */
    Optional<TypeDescriptor> fieldType(FieldDescriptor field) {
        if ((field.type() & 0x8000) != 0) {
            int nibble = field.type() & 0x7FFF;
            return nibble >= TypeDescriptor.BOOLEAN && nibble <= TypeDescriptor.INT
                    ? Optional.of(new TypeDescriptor(List.of(Type.of(nibble))))
                    : Optional.empty();
        }
        return view.type(field.type());
    }

    /** Equal types; class_refs count as equal when they name the same class. */
    boolean same(TypeDescriptor first, TypeDescriptor second) {
        return text(first).equals(text(second));
    }

    /** True also when a class of the descriptor is of a package without export file. */
    boolean matches(TypeDescriptor type, String descriptor) {
        List<Type> types = type.types();
        boolean method = descriptor.startsWith("(");
        if (!method && types.size() != 1) {
            return false;
        }
        StringBuilder text = new StringBuilder(method ? "(" : "");
        for (int i = 0; i < types.size(); i++) {
            if (method && i == types.size() - 1) {
                text.append(')');
            }
            text.append(text(types.get(i)));
        }
        return text.indexOf("L?") >= 0 || text.toString().equals(descriptor);
    }

    private String text(TypeDescriptor type) {
        StringBuilder text = new StringBuilder();
        type.types().forEach(item -> text.append(text(item)));
        return text.toString();
    }

    private String text(Type type) {
        return switch (type.nibble()) {
            case TypeDescriptor.VOID -> "V";
            case TypeDescriptor.BOOLEAN -> "Z";
            case TypeDescriptor.BYTE -> "B";
            case TypeDescriptor.SHORT -> "S";
            case TypeDescriptor.INT -> "I";
            case TypeDescriptor.REFERENCE -> "L" + view.name(type.classRef()) + ";";
            case TypeDescriptor.ARRAY_OF_BOOLEAN -> "[Z";
            case TypeDescriptor.ARRAY_OF_BYTE -> "[B";
            case TypeDescriptor.ARRAY_OF_SHORT -> "[S";
            case TypeDescriptor.ARRAY_OF_INT -> "[I";
            default -> "[L" + view.name(type.classRef()) + ";";
        };
    }
}
