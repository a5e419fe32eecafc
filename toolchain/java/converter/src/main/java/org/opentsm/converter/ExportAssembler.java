// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.exp.ExportBuilder;
import org.opentsm.cap.exp.ExportFile;

/** Makes the export file: public types with their public and protected members, inherited virtual ones repeated. */
final class ExportAssembler {
    private static final int MEMBER_FLAGS =
            Opcodes.ACC_PUBLIC | Opcodes.ACC_PROTECTED | Opcodes.ACC_STATIC | Opcodes.ACC_FINAL | Opcodes.ACC_ABSTRACT;
    private static final int SHAREABLE = 0x800;

    private final ConverterInput input;
    private final World world;
    private final List<LinkedClass> classes;
    private final ExportBuilder builder;

    ExportAssembler(ConverterInput input, World world, List<LinkedClass> classes) {
        this.input = input;
        this.world = world;
        this.classes = classes;
        builder = new ExportBuilder(
                1, input.packageName, input.packageAid, input.major, input.minor, input.applets.isEmpty());
    }

    /** @return empty when the package exports nothing */
    Optional<ExportFile> assemble() {
        List<LinkedClass> exported = new ArrayList<>(classes.stream()
                .filter(c -> TokenAssigner.isExported(world, c, !input.applets.isEmpty()))
                .toList());
        if (exported.isEmpty()) {
            return Optional.empty();
        }
        exported.sort(Comparator.comparingInt(c -> c.token));
        exported.forEach(this::add);
        return Optional.of(builder.build());
    }

    private void add(LinkedClass c) {
        int flags = c.access & (Opcodes.ACC_PUBLIC | Opcodes.ACC_FINAL | Opcodes.ACC_INTERFACE | Opcodes.ACC_ABSTRACT);
        flags |= world.isShareable(c) ? SHAREABLE : 0;
        List<String> supers = new ArrayList<>();
        Set<String> interfaces = new LinkedHashSet<>();
        if (c.isInterface()) {
            supers.add(LinkedClass.OBJECT);
            world.interfacesOf(c).forEach(item -> interfaces.add(item.name));
        } else {
            List<LinkedClass> chain = new ArrayList<>(world.chain(c));
            Collections.reverse(chain);
            chain.forEach(step -> world.interfacesOf(step).forEach(item -> interfaces.add(item.name)));
            chain.stream().filter(step -> step != c).forEach(step -> supers.add(step.name));
        }
        builder.add(c.token, flags, c.name, supers, new ArrayList<>(interfaces), fields(c), methods(c));
    }

    private List<ExportFile.ExportField> fields(LinkedClass c) {
        List<Member> wide = new ArrayList<>(
                c.fields.values().stream().filter(Member::isWide).toList());
        wide.sort(Comparator.comparing((Member f) -> !f.isStatic()).thenComparingInt(f -> f.token));
        List<ExportFile.ExportField> result = new ArrayList<>();
        for (Member field : wide) {
            int flags = field.access & MEMBER_FLAGS;
            result.add(
                    field.constant != null
                            ? builder.constant(flags, field.name, field.descriptor, field.constant)
                            : builder.field(field.token, flags, field.name, field.descriptor));
        }
        return result;
    }

    private List<ExportFile.ExportMethod> methods(LinkedClass c) {
        List<ExportFile.ExportMethod> result = new ArrayList<>();
        c.methods.values().stream()
                .filter(m -> m.isWide() && (m.isStatic() || m.isConstructor()) && !m.isClassInitializer())
                .sorted(Comparator.comparingInt(m -> m.token))
                .forEach(m -> result.add(method(m)));
        Map<Integer, Member> virtual = new LinkedHashMap<>();
        for (LinkedClass step : c.isInterface() ? List.of(c) : world.chain(c)) {
            for (Member method : step.methods.values()) {
                if (method.isVirtual() && method.isWide()) {
                    virtual.putIfAbsent(method.token, method);
                }
            }
        }
        virtual.values().stream().sorted(Comparator.comparingInt(m -> m.token)).forEach(m -> result.add(method(m)));
        return result;
    }

    private ExportFile.ExportMethod method(Member method) {
        return builder.method(method.token, method.access & MEMBER_FLAGS, method.name, method.descriptor);
    }
}
