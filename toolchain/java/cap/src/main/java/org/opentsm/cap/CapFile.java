// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * A CAP: its components and, when it came from a zip, all other entries in their order.
 * Reading and writing without change gives every component the same bytes.
 */
public final class CapFile {
    /** Order of components in the zip. */
    private static final ComponentTag[] ZIP_ORDER = ComponentTag.values();
    /** Order in a Load File Data Block; Debug is never loaded. */
    private static final ComponentTag[] LOAD_ORDER = {
        ComponentTag.HEADER,
        ComponentTag.DIRECTORY,
        ComponentTag.IMPORT,
        ComponentTag.APPLET,
        ComponentTag.CLASS,
        ComponentTag.METHOD,
        ComponentTag.STATIC_FIELD,
        ComponentTag.EXPORT,
        ComponentTag.CONSTANT_POOL,
        ComponentTag.REFERENCE_LOCATION,
        ComponentTag.STATIC_RESOURCES,
        ComponentTag.DESCRIPTOR
    };

    private static final ComponentTag[] REQUIRED = {
        ComponentTag.HEADER,
        ComponentTag.DIRECTORY,
        ComponentTag.IMPORT,
        ComponentTag.CONSTANT_POOL,
        ComponentTag.CLASS,
        ComponentTag.METHOD,
        ComponentTag.STATIC_FIELD,
        ComponentTag.REFERENCE_LOCATION
    };

    /** One place in the zip: a component, or other content kept as it is. */
    record Entry(String name, Component component, byte[] content) {
        byte[] bytes() {
            return component != null ? component.toBytes() : content;
        }
    }

    private final Map<ComponentTag, Component> components;
    private final List<RawComponent> customs;
    private final List<Entry> entries;
    /** The zip this was read from, empty when it was not; written again while it holds what the model writes. */
    private final byte[] zip;

    private final boolean descriptorInferred;

    private CapFile(
            Map<ComponentTag, Component> components, List<RawComponent> customs, List<Entry> entries, byte[] zip) {
        this(components, customs, entries, zip, false);
    }

    private CapFile(
            Map<ComponentTag, Component> components,
            List<RawComponent> customs,
            List<Entry> entries,
            byte[] zip,
            boolean inferred) {
        this.descriptorInferred = inferred;
        this.components = components;
        this.customs = List.copyOf(customs);
        this.entries = List.copyOf(entries);
        this.zip = zip;
        for (ComponentTag tag : REQUIRED) {
            if (!components.containsKey(tag)) {
                throw new CapFormatException("CAP", -1, "a " + tag.fileName() + " component", "none");
            }
        }
    }

    /** @throws CapFormatException when the file is not a compact CAP 2.1 to 2.3 */
    public static CapFile read(Path file) throws IOException {
        return read(CapZip.readBounded(file));
    }

    /** Reads a CAP zip, or else a Load File Data Block (.ijc) as {@link #readLoadFile} does. */
    public static CapFile read(byte[] bytes) {
        if (bytes.length >= 2 && bytes[0] == 'P' && bytes[1] == 'K') {
            return readZip(bytes);
        }
        return readLoadFile(bytes);
    }

    private static CapFile readZip(byte[] zip) {
        List<CapZip.Item> items = CapZip.read(zip);
        Map<ComponentTag, byte[]> parts = new EnumMap<>(ComponentTag.class);
        List<RawComponent> customs = new ArrayList<>();
        Map<String, Component> byName = new java.util.HashMap<>();
        Map<String, ComponentTag> tagByName = new java.util.HashMap<>();
        for (CapZip.Item item : items) {
            Optional<String> base = CapZip.componentName(item.name());
            if (base.isEmpty()) {
                continue;
            }
            Optional<ComponentTag> tag = ComponentTag.byName(base.get());
            int first = item.content().length == 0 ? -1 : item.content()[0] & 0xFF;
            if (tag.isEmpty() || tag.get() == ComponentTag.DEBUG && first != ComponentTag.DEBUG.value()) {
                RawComponent custom = new RawComponent(Math.max(first, 0), item.content());
                customs.add(custom);
                byName.put(item.name(), custom);
            } else if (parts.put(tag.get(), item.content()) != null) {
                throw new CapFormatException(
                        "CAP", -1, "one " + tag.get().fileName() + " component", "another in " + item.name());
            } else {
                tagByName.put(item.name(), tag.get());
            }
        }
        Map<ComponentTag, Component> components = parse(parts);
        List<Entry> entries = new ArrayList<>();
        for (CapZip.Item item : items) {
            ComponentTag tag = tagByName.get(item.name());
            Component component = tag != null ? components.get(tag) : byName.get(item.name());
            entries.add(new Entry(item.name(), component, component == null ? item.content() : null));
        }
        return new CapFile(components, customs, entries, zip.clone());
    }

    /**
     * Reads concatenated components in any order, optionally wrapped: {@code {E2 L ..}* C4 L components}.
     *
     * @throws CapFormatException when the bytes are anything else
     */
    public static CapFile readLoadFile(byte[] bytes) {
        ByteReader in = LoadFile.unwrap(bytes);
        Map<ComponentTag, byte[]> parts = new EnumMap<>(ComponentTag.class);
        List<RawComponent> customs = new ArrayList<>();
        while (in.remaining() > 0) {
            int at = in.position();
            int tag = in.u1();
            int size = in.u2();
            // StaticResources of CAP 2.3 may come with a u4 size.
            boolean wide = tag == ComponentTag.STATIC_RESOURCES.value() && size == 0 && in.remaining() >= 2;
            byte[] whole = wide
                    ? wideComponent(tag, in)
                    : new ByteWriter().u1(tag).u2(size).bytes(in.bytes(size)).toByteArray();
            Optional<ComponentTag> known = ComponentTag.of(tag);
            if (known.isEmpty()) {
                if (tag < 0x80) {
                    throw new CapFormatException("Load File", at, "a component tag", String.valueOf(tag));
                }
                customs.add(new RawComponent(tag, whole));
            } else if (parts.put(known.get(), whole) != null) {
                throw new CapFormatException(
                        "Load File", at, "one " + known.get().fileName() + " component", "two");
            }
        }
        return new CapFile(parse(parts), customs, List.of(), new byte[0]);
    }

    private static byte[] wideComponent(int tag, ByteReader in) {
        int size = in.u2();
        return new ByteWriter().u1(tag).s4(size).bytes(in.bytes(size)).toByteArray();
    }

    private static Map<ComponentTag, Component> parse(Map<ComponentTag, byte[]> parts) {
        Map<ComponentTag, Component> result = new EnumMap<>(ComponentTag.class);
        byte[] headerBytes = parts.get(ComponentTag.HEADER);
        if (headerBytes == null) {
            throw new CapFormatException("CAP", -1, "a Header component", "none");
        }
        CapVersion version =
                HeaderComponent.read(info(ComponentTag.HEADER, headerBytes)).version();
        TreeSet<Integer> classStarts = new TreeSet<>();
        byte[] descriptorBytes = parts.get(ComponentTag.DESCRIPTOR);
        if (descriptorBytes != null) {
            DescriptorComponent descriptor = DescriptorComponent.read(info(ComponentTag.DESCRIPTOR, descriptorBytes));
            result.put(ComponentTag.DESCRIPTOR, descriptor);
            descriptor.classes().forEach(item -> classStarts.add(item.classRef()));
        }
        parts.forEach((tag, bytes) -> {
            if (tag != ComponentTag.DESCRIPTOR) {
                result.put(tag, parseOne(tag, bytes, version, classStarts));
            }
        });
        return result;
    }

    private static Component parseOne(ComponentTag tag, byte[] bytes, CapVersion version, TreeSet<Integer> starts) {
        if (tag == ComponentTag.DEBUG || tag == ComponentTag.STATIC_RESOURCES) {
            return new RawComponent(tag.value(), bytes);
        }
        byte[] info = info(tag, bytes);
        return switch (tag) {
            case HEADER -> HeaderComponent.read(info);
            case DIRECTORY -> DirectoryComponent.read(info, version);
            case APPLET -> AppletComponent.read(info);
            case IMPORT -> ImportComponent.read(info);
            case CONSTANT_POOL -> ConstantPoolComponent.read(info);
            case CLASS -> ClassComponent.read(info, version, starts);
            case METHOD -> MethodComponent.read(info);
            case STATIC_FIELD -> StaticFieldComponent.read(info);
            case REFERENCE_LOCATION -> ReferenceLocationComponent.read(info);
            case EXPORT -> ExportComponent.read(info);
            default -> throw new IllegalStateException("no reader for " + tag);
        };
    }

    private static byte[] info(ComponentTag tag, byte[] bytes) {
        ByteReader in = new ByteReader(tag.fileName() + " head", bytes);
        int found = in.u1();
        if (found != tag.value()) {
            throw new CapFormatException(tag.fileName() + " head", 0, "tag " + tag.value(), String.valueOf(found));
        }
        int size = in.u2();
        if (size != in.remaining()) {
            throw new CapFormatException(tag.fileName() + " head", 1, "size " + in.remaining(), String.valueOf(size));
        }
        return in.bytes(size);
    }

    /** Starts a new CAP; {@link Builder#build} makes the Directory. */
    public static Builder builder() {
        return new Builder();
    }

    public Optional<Component> component(ComponentTag tag) {
        return Optional.ofNullable(components.get(tag));
    }

    public HeaderComponent header() {
        return (HeaderComponent) components.get(ComponentTag.HEADER);
    }

    public DirectoryComponent directory() {
        return (DirectoryComponent) components.get(ComponentTag.DIRECTORY);
    }

    public Optional<AppletComponent> applet() {
        return component(ComponentTag.APPLET).map(AppletComponent.class::cast);
    }

    public ImportComponent imports() {
        return (ImportComponent) components.get(ComponentTag.IMPORT);
    }

    public ConstantPoolComponent constantPool() {
        return (ConstantPoolComponent) components.get(ComponentTag.CONSTANT_POOL);
    }

    public ClassComponent classes() {
        return (ClassComponent) components.get(ComponentTag.CLASS);
    }

    public MethodComponent methods() {
        return (MethodComponent) components.get(ComponentTag.METHOD);
    }

    public StaticFieldComponent staticFields() {
        return (StaticFieldComponent) components.get(ComponentTag.STATIC_FIELD);
    }

    public ReferenceLocationComponent referenceLocations() {
        return (ReferenceLocationComponent) components.get(ComponentTag.REFERENCE_LOCATION);
    }

    public Optional<ExportComponent> export() {
        return component(ComponentTag.EXPORT).map(ExportComponent.class::cast);
    }

    public Optional<DescriptorComponent> descriptor() {
        return component(ComponentTag.DESCRIPTOR).map(DescriptorComponent.class::cast);
    }

    public Optional<RawComponent> debug() {
        return component(ComponentTag.DEBUG).map(RawComponent.class::cast);
    }

    /** This CAP with a Descriptor that was made from its other components, where a load file had none. */
    public CapFile withInferredDescriptor(DescriptorComponent made) {
        Map<ComponentTag, Component> parts = new EnumMap<>(components);
        parts.put(ComponentTag.DESCRIPTOR, made);
        return new CapFile(parts, customs, List.of(), new byte[0], true);
    }

    /** This CAP as most hosts load it. */
    public CapFile withoutDescriptor() {
        Map<ComponentTag, Component> parts = new EnumMap<>(components);
        parts.remove(ComponentTag.DESCRIPTOR);
        return new CapFile(parts, customs, List.of(), new byte[0], false);
    }

    /** True when the Descriptor is no component of the file: it knows kinds of references, but not their classes. */
    public boolean isDescriptorInferred() {
        return descriptorInferred;
    }

    /** Custom and unknown components. */
    public List<RawComponent> customs() {
        return customs;
    }

    /** The META-INF/MANIFEST.MF bytes; old CAPs have none. */
    public Optional<byte[]> manifest() {
        return entries.stream()
                .filter(entry -> entry.name.equalsIgnoreCase(CapZip.MANIFEST))
                .findFirst()
                .map(entry -> entry.bytes().clone());
    }

    /**
     * The zip: the entries it was read with, or the components in tag order. Every component is written from the model;
     * when all entries come out as they were read, the zip keeps its compression, times and comments too.
     */
    public byte[] toZip() {
        List<CapZip.Item> items = new ArrayList<>();
        if (entries.isEmpty()) {
            addComponents(items, defaultFolder());
        } else {
            entries.forEach(entry -> items.add(new CapZip.Item(entry.name, entry.bytes())));
        }
        boolean unchanged = zip.length > 0 && CapZip.same(items, CapZip.read(zip));
        return unchanged ? zip.clone() : CapZip.write(items);
    }

    private String defaultFolder() {
        String path = header().packageName()
                .filter(name -> !name.isEmpty())
                .orElse("p" + header().packageInfo().aid());
        return path + "/javacard/";
    }

    private void addComponents(List<CapZip.Item> items, String folder) {
        for (ComponentTag tag : ZIP_ORDER) {
            component(tag)
                    .ifPresent(part -> items.add(new CapZip.Item(folder + tag.fileName() + ".cap", part.toBytes())));
        }
        for (int i = 0; i < customs.size(); i++) {
            items.add(new CapZip.Item(
                    folder + "Custom" + i + ".cap", customs.get(i).bytes()));
        }
    }

    /**
     * The value of C4: the bytes a LOAD carries and a Load File Data Block Hash covers.
     *
     * @param withDescriptor whether to append Descriptor, which a card may leave unused
     */
    public byte[] loadFileDataBlock(boolean withDescriptor) {
        ByteWriter out = new ByteWriter();
        for (ComponentTag tag : LOAD_ORDER) {
            if (tag != ComponentTag.DESCRIPTOR || withDescriptor) {
                component(tag).ifPresent(part -> out.bytes(part.toBytes()));
            }
        }
        return out.toByteArray();
    }

    /** Writes the zip to a temporary name beside the target, then renames it. */
    public void writeTo(Path file) throws IOException {
        AtomicFile.write(file, toZip());
    }

    /** Components of a CAP being made. All but applet, export, descriptor and debug are required. */
    public static final class Builder {
        private final Map<ComponentTag, Component> parts = new EnumMap<>(ComponentTag.class);
        private final List<RawComponent> customs = new ArrayList<>();
        private final List<DirectoryComponent.Custom> customLines = new ArrayList<>();
        private final List<CapZip.Item> leading = new ArrayList<>();
        private final List<CapZip.Item> trailing = new ArrayList<>();
        private String folder;

        /** Adds or replaces a component; a Directory given here is replaced by the computed one. */
        public Builder put(Component component) {
            ComponentTag tag = ComponentTag.of(component.tag())
                    .orElseThrow(() -> new IllegalArgumentException("tag " + component.tag() + " is custom"));
            parts.put(tag, component);
            return this;
        }

        /** Adds a custom component and its Directory line. */
        public Builder putCustom(RawComponent component, Aid aid) {
            customs.add(component);
            customLines.add(new DirectoryComponent.Custom(component.tag(), component.info().length, aid));
            return this;
        }

        /** Sets META-INF/MANIFEST.MF, the first entry of the zip. */
        public Builder manifest(byte[] bytes) {
            leading.clear();
            leading.add(new CapZip.Item(CapZip.MANIFEST, bytes.clone()));
            return this;
        }

        /** Sets the package path ("com/example/applet") whose javacard folder holds the components. */
        public Builder packagePath(String path) {
            folder = path + "/javacard/";
            return this;
        }

        /** Adds a file behind the components. */
        public Builder file(String name, byte[] bytes) {
            trailing.add(new CapZip.Item(name, bytes.clone()));
            return this;
        }

        /** @throws CapFormatException when a required component is missing or one is too large */
        public CapFile build() {
            parts.remove(ComponentTag.DIRECTORY);
            parts.put(
                    ComponentTag.DIRECTORY,
                    new DirectoryComponent(List.of(), java.util.OptionalInt.empty(), 0, 0, 0, 0, 0, List.of()));
            CapFile draft = new CapFile(parts, customs, List.of(), new byte[0]);
            Map<ComponentTag, Component> complete = new EnumMap<>(parts);
            complete.put(ComponentTag.DIRECTORY, LoadFile.directory(draft, customLines));
            CapFile bare = new CapFile(complete, customs, List.of(), new byte[0]);
            List<CapZip.Item> items = new ArrayList<>(leading);
            bare.addComponents(items, folder == null ? bare.defaultFolder() : folder);
            items.addAll(trailing);
            return CapFile.readZip(CapZip.write(items));
        }
    }
}
