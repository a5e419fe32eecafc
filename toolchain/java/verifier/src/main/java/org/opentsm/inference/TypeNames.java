// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.cap.exp.ExportFile;

/** Types of the API's members as type_descriptors; a class of a package that is not imported is unknown. */
final class TypeNames {
    private final Map<String, Integer> refs = new HashMap<>();

    TypeNames(List<ExportFile> imports) {
        for (int i = 0; i < imports.size(); i++) {
            int token = i;
            imports.get(i)
                    .classes()
                    .forEach(item -> refs.putIfAbsent(item.name(), ClassRef.external(token, item.token())));
        }
    }

    TypeDescriptor field(String descriptor) {
        return new TypeDescriptor(read(descriptor));
    }

    TypeDescriptor method(String descriptor) {
        return new TypeDescriptor(read(descriptor));
    }

    private List<Type> read(String descriptor) {
        List<Type> types = new ArrayList<>();
        for (int at = 0; at < descriptor.length(); at++) {
            char c = descriptor.charAt(at);
            if (c == '(' || c == ')') {
                continue;
            }
            boolean array = c == '[';
            c = array ? descriptor.charAt(++at) : c;
            if (c == 'L') {
                int end = descriptor.indexOf(';', at);
                int ref = refs.getOrDefault(descriptor.substring(at + 1, end), ClassRef.NONE);
                types.add(array && ref != ClassRef.NONE ? Type.arrayOf(ref) : Type.reference(ref));
                at = end;
            } else if (c == 'V') {
                types.add(Type.of(TypeDescriptor.VOID));
            } else {
                types.add(Type.of(
                        (array ? TypeDescriptor.ARRAY_OF_BOOLEAN : TypeDescriptor.BOOLEAN) + "ZBSI".indexOf(c)));
            }
        }
        return types;
    }
}
