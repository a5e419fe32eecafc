// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.opentsm.cap.ByteReader;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.Component;

/**
 * The StaticResources component of CAP 2.3: {@code u2 count} and {@code u2 identifier, u4 size} of each resource, whose
 * bytes follow each line or all lines together. Whichever of the two comes out even is how it is read; nothing here
 * depends on what the resources hold.
 */
final class StaticResources {

    private StaticResources() {}

    /**
     * Resources by identifier; empty without the component.
     *
     * @throws LinkException when the component has neither form
     */
    static Map<Integer, byte[]> of(Optional<Component> component) {
        if (component.isEmpty()) {
            return Map.of();
        }
        byte[] info = info(component.get().toBytes());
        for (boolean together : new boolean[] {true, false}) {
            try {
                return read(info, together);
            } catch (CapFormatException otherForm) {
                // The other form, or none.
            }
        }
        throw LinkException.inconsistent("StaticResources is no list of identifiers, sizes and bytes");
    }

    /** Behind the tag and a size of two or four bytes. */
    private static byte[] info(byte[] whole) {
        ByteReader head = new ByteReader("StaticResources", whole);
        head.u1();
        boolean wide = whole.length >= 5 && head.s4() == whole.length - 5;
        return Arrays.copyOfRange(whole, wide ? 5 : Math.min(3, whole.length), whole.length);
    }

    private static Map<Integer, byte[]> read(byte[] info, boolean together) {
        ByteReader in = new ByteReader("StaticResources", info);
        int count = in.u2();
        int[] identifiers = new int[count];
        int[] sizes = new int[count];
        Map<Integer, byte[]> found = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            identifiers[i] = in.u2();
            sizes[i] = in.s4();
            if (sizes[i] < 0 || sizes[i] > in.remaining()) {
                throw new CapFormatException("StaticResources", in.position(), "a size", String.valueOf(sizes[i]));
            }
            if (!together) {
                found.put(identifiers[i], in.bytes(sizes[i]));
            }
        }
        for (int i = 0; together && i < count; i++) {
            found.put(identifiers[i], in.bytes(sizes[i]));
        }
        in.expectEnd();
        return found;
    }
}
