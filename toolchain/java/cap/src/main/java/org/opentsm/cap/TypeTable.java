// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.LinkedHashMap;
import java.util.Map;

/** Collects type_descriptors for a Descriptor being written; equal types share one place. */
public final class TypeTable {
    private final int firstOffset;
    private final ByteWriter data = new ByteWriter();
    private final Map<TypeDescriptor, Integer> offsets = new LinkedHashMap<>();

    /** @param constantPoolCount number of constant pool entries, which stand before the types */
    public TypeTable(int constantPoolCount) {
        firstOffset = 2 + 2 * constantPoolCount;
    }

    /** The type's offset, adding it when new. */
    public int offsetOf(TypeDescriptor type) {
        return offsets.computeIfAbsent(type, added -> {
            int offset = firstOffset + data.size();
            data.bytes(added.toBytes());
            return offset;
        });
    }

    public byte[] toByteArray() {
        return data.toByteArray();
    }
}
