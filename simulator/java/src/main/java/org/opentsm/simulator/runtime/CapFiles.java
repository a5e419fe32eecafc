// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.linker.LinkException;
import org.opentsm.linker.LinkedPackage;
import org.opentsm.linker.Linker;
import org.opentsm.linker.PlatformInterface;
import org.opentsm.securitydomain.ApplicationChannel;
import org.opentsm.securitydomain.ContentAuthority;
import org.opentsm.securitydomain.KeySource;
import org.opentsm.securitydomain.Open;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.open.Aids;

/**
 * The CAP files of a card image, linked in their order. Cards with the same files share the result, which is code only:
 * each card defines its own classes from it.
 */
public final class CapFiles {

    private static final int MAX_FILE = 1 << 20;
    private static final int MAX_KEPT = 32;
    private static final Map<String, List<Linked>> KNOWN = new ConcurrentHashMap<>();

    /**
     * One linked CAP.
     *
     * @param digest  SHA-256 of the file
     * @param made    as the linker made it
     * @param classes instrumented class files by name
     */
    public record Linked(byte[] digest, LinkedPackage made, Map<String, byte[]> classes) {

        public byte[] aid() {
            return made.info().aid().bytes();
        }

        /** Major and minor. */
        public byte[] version() {
            return new byte[] {(byte) made.info().major(), (byte) made.info().minor()};
        }
    }

    /** A CAP file and the image field that names it. */
    public record Source(String field, Path file) {}

    /** The interfaces that the simulator's own classes implement or call. */
    static final List<Class<?>> SHARED_INTERFACES =
            List.of(Open.class, ContentAuthority.class, ApplicationChannel.class, KeySource.class);

    private static final List<PlatformInterface> OUTSIDE =
            SHARED_INTERFACES.stream().map(CapFiles::outside).toList();

    private CapFiles() {}

    /**
     * @throws SimulatorException {@code image-invalid} when a file cannot be read, {@code image-refused} with the
     *                            reason when it cannot be linked
     */
    public static List<Linked> link(List<Source> sources) {
        List<byte[]> files = new ArrayList<>();
        StringBuilder key = new StringBuilder();
        for (Source source : sources) {
            byte[] bytes = read(source);
            files.add(bytes);
            key.append(Hex.encode(digest(bytes)));
        }
        List<Linked> known = KNOWN.get(key.toString());
        if (known == null) {
            known = link(sources, files);
            if (KNOWN.size() >= MAX_KEPT) {
                KNOWN.clear();
            }
            KNOWN.put(key.toString(), known);
        }
        return known;
    }

    private static byte[] read(Source source) {
        try {
            if (Files.size(source.file) > MAX_FILE) {
                throw SimulatorException.image(source.field, source.file + " is larger than any CAP file");
            }
            return Files.readAllBytes(source.file);
        } catch (IOException e) {
            throw new SimulatorException(
                    "image-invalid", source.field, "card image: " + source.field + ": cannot read " + source.file, e);
        }
    }

    private static List<Linked> link(List<Source> sources, List<byte[]> files) {
        Linker linker = new Linker(CapFiles.class.getClassLoader(), OUTSIDE);
        List<Linked> linked = new ArrayList<>();
        for (int i = 0; i < files.size(); i++) {
            try {
                LinkedPackage made = linker.link(CapFile.read(files.get(i)));
                linked.add(new Linked(digest(files.get(i)), made, instrument(made)));
            } catch (CapFormatException | LinkException e) {
                Source source = sources.get(i);
                throw new SimulatorException(
                        "image-refused",
                        source.field,
                        "card image: " + source.field + ": " + source.file.getFileName() + ": " + e.getMessage(),
                        e);
            }
        }
        return List.copyOf(linked);
    }

    /**
     * Links one more package behind those a card has.
     *
     * @throws LinkException why it cannot run
     */
    public static LinkedPackage linkAfter(List<LinkedPackage> before, CapFile cap) {
        return new Linker(CapFiles.class.getClassLoader(), OUTSIDE, before).link(cap);
    }

    /** True when the cards' API has a package of this AID. */
    static boolean isOfApi(byte[] aid) {
        return Linker.isOfApi(CapFiles.class.getClassLoader(), new Aid(aid));
    }

    static Map<String, byte[]> instrument(LinkedPackage made) {
        Map<String, byte[]> classes = new LinkedHashMap<>();
        made.classes().forEach((name, bytes) -> classes.put(name, Instrumenter.instrument(bytes)));
        return Map.copyOf(classes);
    }

    /** An interface between OPEN and the domains, whose methods have their tokens in the order of its declaration. */
    private static PlatformInterface outside(Class<?> type) {
        List<PlatformInterface.Method> methods = new ArrayList<>();
        String name = type.getName().replace('.', '/');
        try (InputStream in = type.getClassLoader().getResourceAsStream(name + ".class")) {
            new ClassReader(in)
                    .accept(
                            new ClassVisitor(Opcodes.ASM9) {
                                @Override
                                public MethodVisitor visitMethod(
                                        int access,
                                        String method,
                                        String descriptor,
                                        String signature,
                                        String[] exceptions) {
                                    methods.add(new PlatformInterface.Method(method, descriptor));
                                    return null;
                                }
                            },
                            ClassReader.SKIP_CODE);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return new PlatformInterface(new Aid(Hex.decode(Aids.DOMAIN_PACKAGE)), name, methods);
    }

    private static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
