// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.AppletComponent;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.ExportComponent;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.ImportComponent;
import org.opentsm.cap.MethodComponent;
import org.opentsm.cap.MethodComponent.MethodInfo;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.ReferenceLocationComponent;
import org.opentsm.cap.StaticFieldComponent;

/** Lays out classes, methods and constant pool, fills all references in and makes the components. */
final class CapAssembler {
    private static final int MAX_HANDLERS = 255;

    private final ConverterInput input;
    private final World world;
    private final List<LinkedClass> classes;
    private final List<TranslatedMethod> translated;
    private final StaticImage image;
    private final StaticFieldComponent staticFields;
    private final List<Member> installs;

    private final PoolBuilder pool = new PoolBuilder();
    private final List<MethodLayout> layouts = new ArrayList<>();
    private final Map<Member, MethodLayout> layoutOf = new HashMap<>();
    private final Map<Member, Integer> methodOffsets = new HashMap<>();
    private final Map<Member, Integer> handlerStart = new HashMap<>();
    private final Map<LinkedClass, Integer> classOffsets = new HashMap<>();

    CapAssembler(
            ConverterInput input,
            World world,
            List<LinkedClass> classes,
            List<TranslatedMethod> translated,
            StaticImage image,
            StaticFieldComponent staticFields,
            List<Member> installs) {
        this.input = input;
        this.world = world;
        this.classes = classes;
        this.translated = translated;
        this.image = image;
        this.staticFields = staticFields;
        this.installs = installs;
    }

    CapFile assemble() {
        placeClasses();
        collectPool();
        boolean foldPutfield = input.levelAtLeast("3.0.5");
        for (TranslatedMethod method : translated) {
            try {
                MethodLayout layout = new MethodLayout(method, pool, foldPutfield);
                layouts.add(layout);
                layoutOf.put(method.member(), layout);
            } catch (ConversionException e) {
                throw new ConversionException(e.line(), method.member() + ": " + e.getMessage());
            }
        }
        MethodComponent methods = placeMethods();
        CapFile.Builder builder = CapFile.builder();
        builder.put(new ClassComponentBuilder(this, world, input.capVersion).build(classes));
        builder.put(methods);
        builder.put(references());
        builder.put(staticFields);
        ConstantPoolComponent entries = new ConstantPoolComponent(
                pool.entries().stream().map(this::entry).toList());
        DescriptorBuilder descriptor = new DescriptorBuilder(this, world, pool.entries());
        builder.put(descriptor.build(classes));
        builder.put(entries);
        boolean hasExport = putExport(builder);
        if (!installs.isEmpty()) {
            List<AppletComponent.Applet> applets = new ArrayList<>();
            for (int i = 0; i < installs.size(); i++) {
                applets.add(new AppletComponent.Applet(input.applets.get(i).aid(), methodOffset(installs.get(i))));
            }
            builder.put(new AppletComponent(applets));
        }
        builder.put(new ImportComponent(world.imports().stream()
                .map(file -> new PackageInfo(file.minor(), file.major(), file.aid()))
                .toList()));
        builder.put(header(hasExport));
        if (input.debug) {
            builder.put(new DebugBuilder(this, world).build(classes));
        }
        builder.manifest(new ManifestText(input, world.imports(), usesInt()).bytes());
        builder.packagePath(input.packageName);
        return builder.build();
    }

    private HeaderComponent header(boolean hasExport) {
        int flags = (usesInt() ? HeaderComponent.ACC_INT : 0)
                | (hasExport ? HeaderComponent.ACC_EXPORT : 0)
                | (installs.isEmpty() ? 0 : HeaderComponent.ACC_APPLET);
        Optional<String> name = input.capVersion == CapVersion.V2_1 ? Optional.empty() : Optional.of(input.packageName);
        return new HeaderComponent(
                input.capVersion, flags, new PackageInfo(input.minor, input.major, input.packageAid), name);
    }

    private boolean usesInt() {
        boolean inFields = classes.stream()
                .flatMap(c -> c.fields.values().stream())
                .anyMatch(f -> f.constant == null && (f.descriptor.equals("I") || f.descriptor.equals("[I")));
        return inFields || translated.stream().anyMatch(TranslatedMethod::usesInt);
    }

    // ---- places ----

    /** Class entries have a size that does not depend on what they refer to, so they can be placed first. */
    private void placeClasses() {
        ClassComponentBuilder builder = new ClassComponentBuilder(this, world, input.capVersion);
        int offset = builder.firstOffset();
        for (LinkedClass c : classes) {
            classOffsets.put(c, offset);
            offset += builder.entry(c, true).size();
        }
        if (offset > 0x7FFF) {
            throw new ConversionException(0, "the Class component has more than 32767 bytes");
        }
    }

    private void collectPool() {
        for (TranslatedMethod method : translated) {
            for (CapInsn insn : method.code()) {
                if (insn.reference != null) {
                    pool.use(insn.reference);
                }
            }
            for (TranslatedMethod.Handler handler : method.handlers()) {
                if (handler.type() != null) {
                    pool.use(handler.type());
                }
            }
        }
        pool.close();
    }

    private MethodComponent placeMethods() {
        int handlers = 0;
        for (MethodLayout layout : layouts) {
            handlerStart.put(layout.method().member(), handlers);
            handlers += layout.handlers().size();
        }
        if (handlers > MAX_HANDLERS) {
            throw new ConversionException(
                    0,
                    "the package has " + handlers + " exception handlers, more than 255;"
                            + " split it into two packages");
        }
        int offset = MethodComponent.firstOffset(handlers);
        for (MethodLayout layout : layouts) {
            methodOffsets.put(layout.method().member(), offset);
            offset += layout.size();
        }
        if (offset > 0xFFFF) {
            throw new ConversionException(
                    0,
                    "the package has " + offset + " bytes of methods, more than 65535;"
                            + " split it into two packages");
        }
        List<MethodComponent.Handler> table = new ArrayList<>();
        List<MethodInfo> infos = new ArrayList<>();
        for (MethodLayout layout : layouts) {
            addHandlers(layout, table);
            infos.add(layout.encode());
        }
        return MethodComponent.of(table, infos);
    }

    private int codeOffset(MethodLayout layout) {
        return methodOffsets.get(layout.method().member()) + layout.headerSize();
    }

    /** stop_bit: no later handler of the method overlaps this one, so the search may end here. */
    private void addHandlers(MethodLayout layout, List<MethodComponent.Handler> table) {
        List<MethodLayout.Range> ranges = layout.handlers();
        int base = codeOffset(layout);
        for (int i = 0; i < ranges.size(); i++) {
            MethodLayout.Range range = ranges.get(i);
            boolean stop = ranges.subList(i + 1, ranges.size()).stream().noneMatch(range::overlaps);
            int type = range.type() == null ? 0 : pool.indexOf(range.type());
            table.add(new MethodComponent.Handler(
                    base + range.start(), range.end() - range.start(), stop, base + range.target(), type));
        }
    }

    private ReferenceLocationComponent references() {
        List<Integer> bytePlaces = new ArrayList<>();
        List<Integer> byte2Places = new ArrayList<>();
        int handler = 0;
        for (MethodLayout layout : layouts) {
            for (MethodLayout.Range range : layout.handlers()) {
                if (range.type() != null) {
                    byte2Places.add(1 + 8 * handler + 6);
                }
                handler++;
            }
        }
        for (MethodLayout layout : layouts) {
            layout.references(codeOffset(layout), bytePlaces, byte2Places);
        }
        return ReferenceLocationComponent.of(bytePlaces, byte2Places);
    }

    // ---- references ----

    /** The class_ref of a class, ours or imported; the latter imports its package. */
    int classRef(LinkedClass c) {
        return c.isImported() ? ClassRef.external(world.packageToken(c.packageName()), c.token) : classOffsets.get(c);
    }

    int classOffset(LinkedClass c) {
        return classOffsets.get(c);
    }

    /** Method info offset of a method's header. */
    int methodOffset(Member method) {
        return methodOffsets.get(method);
    }

    MethodLayout layout(Member method) {
        return layoutOf.get(method);
    }

    /** Index of the method's first entry in the handler table. */
    int handlerIndex(Member method) {
        return handlerStart.get(method);
    }

    int imageOffset(Member field) {
        return image.offsetOf(field);
    }

    private Entry entry(PoolKey key) {
        Member member = key.member();
        LinkedClass type = key.type();
        return switch (key.tag()) {
            case ConstantPoolComponent.CLASSREF -> Entry.classref(classRef(type));
            case ConstantPoolComponent.INSTANCE_FIELDREF -> Entry.instanceField(classRef(type), member.token);
            case ConstantPoolComponent.VIRTUAL_METHODREF -> Entry.virtualMethod(classRef(type), member.token);
            case ConstantPoolComponent.SUPER_METHODREF -> Entry.superMethod(classRef(type), member.token);
            case ConstantPoolComponent.STATIC_FIELDREF ->
                type.isImported()
                        ? Entry.externalStaticField(world.packageToken(type.packageName()), type.token, member.token)
                        : Entry.internalStaticField(imageOffset(member));
            default ->
                type.isImported()
                        ? Entry.externalStaticMethod(world.packageToken(type.packageName()), type.token, member.token)
                        : Entry.internalStaticMethod(methodOffset(member));
        };
    }

    // ---- Export ----

    private boolean putExport(CapFile.Builder builder) {
        boolean hasApplets = !installs.isEmpty();
        List<LinkedClass> exported = new ArrayList<>(classes.stream()
                .filter(c -> TokenAssigner.isExported(world, c, hasApplets))
                .toList());
        if (exported.isEmpty()) {
            return false;
        }
        exported.sort(java.util.Comparator.comparingInt(c -> c.token));
        List<ExportComponent.ExportedClass> list = new ArrayList<>();
        for (LinkedClass c : exported) {
            if (c.token != list.size()) {
                throw new ConversionException(
                        0, "class tokens have a gap before " + c + ", as a class of the earlier export file is gone");
            }
            List<Integer> fields = new ArrayList<>();
            List<Integer> methods = new ArrayList<>();
            if (!c.isInterface()) {
                c.fields.values().stream()
                        .filter(f -> f.isStatic() && f.token != Member.NO_TOKEN)
                        .sorted(java.util.Comparator.comparingInt(f -> f.token))
                        .forEach(f -> fields.add(imageOffset(f)));
                c.methods.values().stream()
                        .filter(m -> (m.isStatic() || m.isConstructor()) && m.isWide() && !m.isClassInitializer())
                        .sorted(java.util.Comparator.comparingInt(m -> m.token))
                        .forEach(m -> methods.add(methodOffset(m)));
            }
            list.add(new ExportComponent.ExportedClass(classOffset(c), fields, methods));
        }
        builder.put(new ExportComponent(list));
        return true;
    }

    static int memberFlags(Member member) {
        int flags = 0;
        flags |= member.is(Opcodes.ACC_PUBLIC) ? 1 : 0;
        flags |= member.is(Opcodes.ACC_PRIVATE) ? 2 : 0;
        flags |= member.is(Opcodes.ACC_PROTECTED) ? 4 : 0;
        flags |= member.is(Opcodes.ACC_STATIC) ? 8 : 0;
        flags |= member.is(Opcodes.ACC_FINAL) ? 0x10 : 0;
        return flags;
    }
}
