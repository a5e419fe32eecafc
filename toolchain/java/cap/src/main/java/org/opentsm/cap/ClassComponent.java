// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Component 6: {@code [2.2+: u2 length; signature_pool]}, then interfaces, then classes, without padding.
 * An entry's place is its info offset, see {@link #offsetOf}; internal class_refs point there.
 *
 * @param signaturePool the pool of remote signatures; empty Optional in 2.1, where even its length is absent
 */
public record ClassComponent(Optional<byte[]> signaturePool, List<Entry> entries) implements Component {
    public static final int ACC_INTERFACE = 8;
    public static final int ACC_SHAREABLE = 4;
    public static final int ACC_REMOTE = 2;
    private static final int MAX_ENTRIES = 256;
    private static final int MAX_ATTEMPTS = 4096;

    /** An interface_info or a class_info. */
    public sealed interface Entry permits InterfaceInfo, ClassInfo {
        /** ACC_ flags of the high nibble, as 8, 4, 2. */
        int flags();

        void write(ByteWriter out);

        default int size() {
            ByteWriter out = new ByteWriter();
            write(out);
            return out.size();
        }

        default boolean isInterface() {
            return (flags() & ACC_INTERFACE) != 0;
        }

        default boolean isShareable() {
            return (flags() & ACC_SHAREABLE) != 0;
        }

        default boolean isRemote() {
            return (flags() & ACC_REMOTE) != 0;
        }
    }

    /**
     * @param superinterfaces direct and indirect ones as class_refs
     * @param remoteName      name of a remote interface, only with ACC_REMOTE
     */
    public record InterfaceInfo(int flags, List<Integer> superinterfaces, Optional<String> remoteName)
            implements Entry {
        public InterfaceInfo {
            superinterfaces = List.copyOf(superinterfaces);
        }

        @Override
        public void write(ByteWriter out) {
            out.u1(nibbles(flags, superinterfaces.size())).u2s(superinterfaces);
            remoteName.ifPresent(name -> {
                byte[] utf8 = Text.encode(name);
                out.u1(utf8.length).bytes(utf8);
            });
        }
    }

    /** An implemented interface and, by interface-method token, the virtual token that implements it. */
    public record ImplementedInterface(int classRef, List<Integer> index) {
        public ImplementedInterface {
            index = List.copyOf(index);
        }
    }

    /** One method of a remote class. */
    public record RemoteMethod(int hash, int signatureOffset, int virtualMethodToken) {}

    /** The remote_interface_info of a class with ACC_REMOTE. */
    public record RemoteInfo(List<RemoteMethod> methods, String hashModifier, List<Integer> interfaces) {
        public RemoteInfo {
            methods = List.copyOf(methods);
            interfaces = List.copyOf(interfaces);
        }
    }

    /** CAP 2.3: virtual token mapping and the count byte behind it. */
    public record TokenMapping(List<Integer> tokens, int inheritableCount) {
        public TokenMapping {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * @param superclass          class_ref, {@link ClassRef#NONE} for Object
     * @param instanceSize        cells of the class's own fields
     * @param firstReferenceToken FF when the class has no reference field
     * @param publicBase          first virtual token of publicTable
     * @param publicTable         Method info offsets; FFFF for a method inherited from another package
     * @param packageBase         first package-visible token (without bit 7) of packageTable
     * @param tokenMapping        present exactly in CAP 2.3
     */
    public record ClassInfo(
            int flags,
            int superclass,
            int instanceSize,
            int firstReferenceToken,
            int referenceCount,
            int publicBase,
            List<Integer> publicTable,
            int packageBase,
            List<Integer> packageTable,
            List<ImplementedInterface> interfaces,
            Optional<RemoteInfo> remote,
            Optional<TokenMapping> tokenMapping)
            implements Entry {
        public ClassInfo {
            publicTable = List.copyOf(publicTable);
            packageTable = List.copyOf(packageTable);
            interfaces = List.copyOf(interfaces);
        }

        @Override
        public void write(ByteWriter out) {
            out.u1(nibbles(flags, interfaces.size())).u2(superclass);
            out.u1(instanceSize).u1(firstReferenceToken).u1(referenceCount);
            out.u1(publicBase).u1(publicTable.size()).u1(packageBase).u1(packageTable.size());
            out.u2s(publicTable).u2s(packageTable);
            for (ImplementedInterface item : interfaces) {
                out.u2(item.classRef).u1(item.index.size()).u1s(item.index);
            }
            remote.ifPresent(info -> writeRemote(info, out));
            tokenMapping.ifPresent(mapping -> out.u1s(mapping.tokens).u1(mapping.inheritableCount));
        }

        private static void writeRemote(RemoteInfo info, ByteWriter out) {
            out.u1(info.methods.size());
            for (RemoteMethod method : info.methods) {
                out.u2(method.hash).u2(method.signatureOffset).u1(method.virtualMethodToken);
            }
            byte[] modifier = Text.encode(info.hashModifier);
            out.u1(modifier.length).bytes(modifier).u1(info.interfaces.size()).u2s(info.interfaces);
        }
    }

    public ClassComponent {
        entries = List.copyOf(entries);
    }

    private static int nibbles(int high, int low) {
        if (high < 0 || high > 15 || low < 0 || low > 15) {
            throw new IllegalArgumentException("flags " + high + " or interface count " + low + " exceed 15");
        }
        return high << 4 | low;
    }

    /** Info offset of the first entry: 0 in CAP 2.1, after the signature pool later. */
    public int firstOffset() {
        return signaturePool.map(pool -> 2 + pool.length).orElse(0);
    }

    /** Info offsets of all entries, in order. */
    public List<Integer> offsets() {
        List<Integer> offsets = new ArrayList<>(entries.size());
        int offset = firstOffset();
        for (Entry entry : entries) {
            offsets.add(offset);
            offset += entry.size();
        }
        return offsets;
    }

    public int offsetOf(int entryIndex) {
        return offsets().get(entryIndex);
    }

    /** The entry that starts at this info offset. */
    public Optional<Entry> at(int offset) {
        int index = offsets().indexOf(offset);
        return index < 0 ? Optional.empty() : Optional.of(entries.get(index));
    }

    /**
     * Reads the component.
     *
     * @param starts class offsets known from Descriptor; they settle where a CAP 2.3 class ends, as its token mapping
     *               has its length behind it. May be empty.
     */
    public static ClassComponent read(byte[] info, CapVersion version, Collection<Integer> starts) {
        ByteReader in = new ByteReader("Class", info);
        Optional<byte[]> pool = version == CapVersion.V2_1 ? Optional.empty() : Optional.of(in.bytes(in.u2()));
        List<Entry> entries = version == CapVersion.V2_3
                ? new MappedReader(info, new TreeSet<>(starts)).read(in.position())
                : readPlain(in);
        return new ClassComponent(pool, entries);
    }

    private static List<Entry> readPlain(ByteReader in) {
        List<Entry> entries = new ArrayList<>();
        while (in.remaining() > 0) {
            if (entries.size() == MAX_ENTRIES) {
                throw new CapFormatException("Class", in.position(), "at most 255 classes", "more");
            }
            entries.add(readEntry(in));
        }
        return entries;
    }

    /** Reads an entry up to, not including, the token mapping of CAP 2.3. */
    private static Entry readEntry(ByteReader in) {
        int head = in.u1();
        int flags = head >> 4;
        int count = head & 0xF;
        if ((flags & ACC_INTERFACE) != 0) {
            List<Integer> supers = in.u2s(count);
            Optional<String> name = Optional.empty();
            if ((flags & ACC_REMOTE) != 0) {
                name = Optional.of(Text.decode(in, in.u1()));
            }
            return new InterfaceInfo(flags, supers, name);
        }
        int superclass = in.u2();
        int size = in.u1();
        int firstReference = in.u1();
        int references = in.u1();
        int publicBase = in.u1();
        int publicCount = in.u1();
        int packageBase = in.u1();
        int packageCount = in.u1();
        List<Integer> publicTable = in.u2s(publicCount);
        List<Integer> packageTable = in.u2s(packageCount);
        List<ImplementedInterface> interfaces = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int ref = in.u2();
            interfaces.add(new ImplementedInterface(ref, in.u1s(in.u1())));
        }
        Optional<RemoteInfo> remote = (flags & ACC_REMOTE) != 0 ? Optional.of(readRemote(in)) : Optional.empty();
        return new ClassInfo(
                flags,
                superclass,
                size,
                firstReference,
                references,
                publicBase,
                publicTable,
                packageBase,
                packageTable,
                interfaces,
                remote,
                Optional.empty());
    }

    private static RemoteInfo readRemote(ByteReader in) {
        int methodCount = in.u1();
        List<RemoteMethod> methods = new ArrayList<>();
        for (int i = 0; i < methodCount; i++) {
            methods.add(new RemoteMethod(in.u2(), in.u2(), in.u1()));
        }
        String modifier = Text.decode(in, in.u1());
        return new RemoteInfo(methods, modifier, in.u2s(in.u1()));
    }

    /** Reads CAP 2.3 entries, whose classes end in {@code u1 mapping[n]; u1 n}: the length stands after the data. */
    private static final class MappedReader {
        private final byte[] info;
        private final TreeSet<Integer> starts;
        private final Set<Integer> deadEnds = new HashSet<>();
        private CapFormatException firstFailure;
        private int attempts;

        MappedReader(byte[] info, TreeSet<Integer> starts) {
            this.info = info;
            this.starts = starts;
        }

        List<Entry> read(int from) {
            List<Entry> entries = new ArrayList<>();
            if (!readFrom(from, entries)) {
                throw firstFailure != null
                        ? firstFailure
                        : new CapFormatException("Class", from, "class entries with token mappings", "other bytes");
            }
            return entries;
        }

        private boolean readFrom(int from, List<Entry> entries) {
            if (from == info.length) {
                return true;
            }
            if (entries.size() >= MAX_ENTRIES || deadEnds.contains(from)) {
                return false;
            }
            try {
                if (readOne(from, entries)) {
                    return true;
                }
            } catch (CapFormatException e) {
                if (attempts > MAX_ATTEMPTS) {
                    throw e;
                }
                firstFailure = firstFailure == null ? e : firstFailure;
            }
            deadEnds.add(from);
            return false;
        }

        private boolean readOne(int from, List<Entry> entries) {
            ByteReader in = new ByteReader("Class", info, from, info.length);
            Entry entry = readEntry(in);
            if (!(entry instanceof ClassInfo plain)) {
                return attempt(in.position(), entry, entries);
            }
            int tail = in.position();
            Integer next = starts.higher(from);
            if (starts.contains(from)) {
                int end = next == null ? info.length : next;
                return end > tail && end <= info.length && attempt(end, mapped(plain, tail, end), entries);
            }
            int likely = plain.publicBase + plain.publicTable.size();
            for (int i = -1; i <= 255; i++) {
                int count = i < 0 ? likely : i;
                int end = tail + count + 1;
                if (end <= info.length
                        && (info[end - 1] & 0xFF) == count
                        && attempt(end, mapped(plain, tail, end), entries)) {
                    return true;
                }
            }
            return false;
        }

        private boolean attempt(int next, Entry entry, List<Entry> entries) {
            if (++attempts > MAX_ATTEMPTS) {
                throw new CapFormatException(
                        "Class", -1, "token mappings that end where Descriptor says", "too many possible ends");
            }
            entries.add(entry);
            if (readFrom(next, entries)) {
                return true;
            }
            entries.remove(entries.size() - 1);
            return false;
        }

        private ClassInfo mapped(ClassInfo c, int tail, int end) {
            ByteReader in = new ByteReader("Class", info, tail, end);
            TokenMapping mapping = new TokenMapping(in.u1s(end - tail - 1), in.u1());
            return new ClassInfo(
                    c.flags,
                    c.superclass,
                    c.instanceSize,
                    c.firstReferenceToken,
                    c.referenceCount,
                    c.publicBase,
                    c.publicTable,
                    c.packageBase,
                    c.packageTable,
                    c.interfaces,
                    c.remote,
                    Optional.of(mapping));
        }
    }

    @Override
    public int tag() {
        return ComponentTag.CLASS.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter();
        signaturePool.ifPresent(pool -> out.u2(pool.length).bytes(pool));
        entries.forEach(entry -> entry.write(out));
        return out.toByteArray();
    }
}
