// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.ImplementedInterface;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassComponent.TokenMapping;

/** Makes interface_info and class_info entries. */
final class ClassComponentBuilder {
    private static final int NOT_HERE = 0xFFFF;
    private static final int NO_REFERENCES = 0xFF;

    private final CapAssembler places;
    private final World world;
    private final CapVersion version;

    ClassComponentBuilder(CapAssembler places, World world, CapVersion version) {
        this.places = places;
        this.world = world;
        this.version = version;
    }

    ClassComponent build(List<LinkedClass> classes) {
        return new ClassComponent(
                pool(), classes.stream().map(c -> entry(c, false)).toList());
    }

    private Optional<byte[]> pool() {
        return version == CapVersion.V2_1 ? Optional.empty() : Optional.of(new byte[0]);
    }

    int firstOffset() {
        return new ClassComponent(pool(), List.of()).firstOffset();
    }

    /** @param sizing true while nothing is placed: references are 0, the size is right */
    ClassComponent.Entry entry(LinkedClass c, boolean sizing) {
        int shareable = world.isShareable(c) ? ClassComponent.ACC_SHAREABLE : 0;
        if (c.isInterface()) {
            List<Integer> supers = world.interfacesOf(c).stream()
                    .map(item -> ref(item, sizing))
                    .toList();
            return new InterfaceInfo(ClassComponent.ACC_INTERFACE | shareable, supers, Optional.empty());
        }
        List<Member> references = c.fields.values().stream()
                .filter(f -> !f.isStatic() && TokenAssigner.isReference(f))
                .toList();
        int firstReference = references.stream().mapToInt(f -> f.token).min().orElse(NO_REFERENCES);
        LinkedClass parent = world.superOf(c);
        Table wide = wideTable(c, sizing);
        Table narrow = packageTable(c, sizing);
        List<ImplementedInterface> interfaces = world.interfacesOf(c).stream()
                .map(item -> new ImplementedInterface(ref(item, sizing), index(c, item)))
                .toList();
        Optional<TokenMapping> mapping = version != CapVersion.V2_3
                ? Optional.empty()
                : Optional.of(new TokenMapping(
                        IntStream.rangeClosed(0, c.highestVirtual).boxed().toList(), c.highestVirtual + 1));
        int superRef = parent == null ? org.opentsm.cap.ClassRef.NONE : ref(parent, sizing);
        return new ClassInfo(
                shareable,
                superRef,
                c.instanceSize,
                firstReference,
                references.size(),
                wide.base,
                wide.entries,
                narrow.base,
                narrow.entries,
                interfaces,
                Optional.empty(),
                mapping);
    }

    private int ref(LinkedClass c, boolean sizing) {
        // Imported packages get their token here already, in the order of the class hierarchy.
        return sizing && !c.isImported() ? 0 : places.classRef(c);
    }

    private record Table(int base, List<Integer> entries) {}

    /** From the lowest token declared or overridden here up to the class's highest one. */
    private Table wideTable(LinkedClass c, boolean sizing) {
        int lowest = lowest(c, 0, 0x7F);
        if (lowest < 0) {
            return new Table(c.highestVirtual + 1, List.of());
        }
        List<Integer> entries = new ArrayList<>();
        for (int token = lowest; token <= c.highestVirtual; token++) {
            entries.add(sizing ? 0 : implementation(c, token));
        }
        return new Table(lowest, entries);
    }

    /** Lowest virtual token within bounds that the class declares or overrides, -1 without one. */
    private static int lowest(LinkedClass c, int from, int to) {
        return c.methods.values().stream()
                .filter(m -> m.isVirtual() && m.token >= from && m.token <= to)
                .mapToInt(m -> m.token)
                .min()
                .orElse(-1);
    }

    private Table packageTable(LinkedClass c, boolean sizing) {
        int lowest = lowest(c, 0x80, 0xFF);
        if (c.highestPackageVirtual < 0) {
            return new Table(0, List.of());
        }
        if (lowest < 0) {
            return new Table(c.highestPackageVirtual + 1, List.of());
        }
        List<Integer> entries = new ArrayList<>();
        for (int token = lowest; token <= (c.highestPackageVirtual | 0x80); token++) {
            entries.add(sizing ? 0 : implementation(c, token));
        }
        return new Table(lowest & 0x7F, entries);
    }

    /** Method offset of the implementation of a token, FFFF when it is in another package. */
    private int implementation(LinkedClass c, int token) {
        for (LinkedClass step : world.chain(c)) {
            if (step.isImported()) {
                return NOT_HERE;
            }
            for (Member method : step.methods.values()) {
                if (method.isVirtual() && method.token == token) {
                    return places.methodOffset(method);
                }
            }
        }
        return NOT_HERE;
    }

    /** By interface-method token the virtual token that implements it. */
    private List<Integer> index(LinkedClass c, LinkedClass item) {
        List<Member> methods = new ArrayList<>(
                item.methods.values().stream().filter(Member::isVirtual).toList());
        methods.sort(java.util.Comparator.comparingInt(m -> m.token));
        List<Integer> result = new ArrayList<>();
        for (Member wanted : methods) {
            while (result.size() < wanted.token) {
                result.add(0xFF);
            }
            Member found = world.findMethod(c, wanted.key());
            if (found == null) {
                throw new ConversionException(0, c + " does not implement " + wanted);
            }
            result.add(found.token);
        }
        return result;
    }
}
