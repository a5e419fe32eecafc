// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.opentsm.cap.ConstantPoolComponent;

/**
 * Collects constant pool entries in order of first use. Instance fields come first, so that their one-byte forms
 * reach them; Classrefs come last, so that a catch type never has index 0, which means "any".
 */
final class PoolBuilder {
    private static final int MAX_ENTRIES = 65535;
    private final Set<PoolKey> used = new LinkedHashSet<>();
    private List<PoolKey> order;
    private final Map<PoolKey, Integer> indexes = new HashMap<>();

    void use(PoolKey key) {
        if (order != null) {
            throw new IllegalStateException("the pool is closed");
        }
        used.add(key);
    }

    /** Fixes the order. */
    void close() {
        order = new ArrayList<>(used);
        order.sort(Comparator.comparingInt(PoolBuilder::rank));
        if (order.size() > MAX_ENTRIES) {
            throw new ConversionException(0, "the package needs more than 65535 constant pool entries");
        }
        boolean onlyClasses = !order.isEmpty() && order.get(0).tag() == ConstantPoolComponent.CLASSREF;
        if (onlyClasses) {
            order.add(0, order.get(0));
        }
        for (int i = 0; i < order.size(); i++) {
            indexes.put(order.get(i), i);
        }
    }

    private static int rank(PoolKey key) {
        return switch (key.tag()) {
            case ConstantPoolComponent.INSTANCE_FIELDREF -> 0;
            case ConstantPoolComponent.CLASSREF -> 2;
            default -> 1;
        };
    }

    List<PoolKey> entries() {
        return order;
    }

    int indexOf(PoolKey key) {
        return indexes.get(key);
    }
}
