// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.Component;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.exp.ExportFileProvider;

/** Where a CAP's bytes are: by component, by class, by method. */
public final class CapSize {
    /** Bytes of one method, header included. */
    public record MethodSize(String name, int bytes) {}

    /** Bytes of one class: its Class entry and its methods, largest first. */
    public record ClassSize(String name, int entryBytes, List<MethodSize> methods) {
        public int bytes() {
            return entryBytes + methods.stream().mapToInt(MethodSize::bytes).sum();
        }
    }

    private CapSize() {}

    /** Bytes of the Load File Data Block, Descriptor included or not. */
    public static int loadSize(CapFile cap, boolean withDescriptor) {
        return cap.loadFileDataBlock(withDescriptor).length;
    }

    /** All classes, largest first. Needs Descriptor; without it the list is empty. */
    public static List<ClassSize> classes(CapFile cap, ExportFileProvider exports) {
        Names names = new Names(cap, exports);
        List<ClassSize> sizes = new ArrayList<>();
        List<ClassDescriptor> descriptors =
                cap.descriptor().map(d -> d.classes()).orElse(List.of());
        for (ClassDescriptor item : descriptors) {
            List<MethodSize> methods = new ArrayList<>();
            for (MethodDescriptor method : item.isInterface() ? List.<MethodDescriptor>of() : item.methods()) {
                methods.add(new MethodSize(
                        names.methodName(method.methodOffset()) + names.type(method.typeOffset()), size(cap, method)));
            }
            methods.sort(Comparator.comparingInt(MethodSize::bytes).reversed());
            int entry =
                    cap.classes().at(item.classRef()).map(found -> found.size()).orElse(0);
            sizes.add(new ClassSize(names.className(item.classRef()), entry, List.copyOf(methods)));
        }
        sizes.sort(Comparator.comparingInt(ClassSize::bytes).reversed());
        return List.copyOf(sizes);
    }

    private static int size(CapFile cap, MethodDescriptor method) {
        try {
            return cap.methods()
                    .methodAt(method.methodOffset(), method.bytecodeCount())
                    .size();
        } catch (CapFormatException e) {
            return 0;
        }
    }

    /** Prints components, then classes with their methods. */
    public static void print(CapFile cap, ExportFileProvider exports, Appendable out) throws IOException {
        out.append(String.format("%6d  load file, without Descriptor %d\n", loadSize(cap, true), loadSize(cap, false)));
        for (ComponentTag tag : ComponentTag.values()) {
            Component component = cap.component(tag).orElse(null);
            if (component != null) {
                out.append(String.format("%6d  %s\n", component.toBytes().length, tag.fileName()));
            }
        }
        for (ClassSize item : classes(cap, exports)) {
            out.append(String.format("\n%6d  %s (entry %d)\n", item.bytes(), item.name, item.entryBytes));
            for (MethodSize method : item.methods) {
                out.append(String.format("%6d    %s\n", method.bytes, method.name));
            }
        }
    }
}
