// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.List;
import java.util.Optional;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.linker.CapView.ClassView;

/**
 * The method tables of Class against the methods of Descriptor: a card dispatches by the tables, the JVM by names made
 * from Descriptor, so both must lead to the same method.
 */
final class TableCheck {
    private static final int ELSEWHERE = 0xFFFF;
    private final CapView view;

    TableCheck(CapView view) {
        this.view = view;
    }

    /** @throws LinkException when a table entry and Descriptor disagree */
    void check() {
        for (ClassView item : view.classes()) {
            if (!item.isInterface()) {
                check(item, item.info().publicTable(), item.info().publicBase());
                check(item, item.info().packageTable(), item.info().packageBase() | 0x80);
            }
        }
    }

    private void check(ClassView item, List<Integer> table, int base) {
        for (int i = 0; i < table.size(); i++) {
            int offset = table.get(i);
            Optional<MethodDescriptor> found = view.declared(item.offset(), base + i);
            if (offset != ELSEWHERE
                    && found.map(method -> method.methodOffset() != offset).orElse(true)) {
                throw LinkException.inconsistent(String.format(
                        "class @%04X: the method table leads token %d to @%04X, Descriptor to %s",
                        item.offset(),
                        base + i,
                        offset,
                        found.map(method -> String.format("@%04X", method.methodOffset()))
                                .orElse("none")));
            }
        }
    }
}
