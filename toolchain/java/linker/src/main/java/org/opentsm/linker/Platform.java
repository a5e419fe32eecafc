// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.exp.ExportFile;

/** What the implementation of the API really has, read from its class files. */
final class Platform {
    private static final int MAX_DEPTH = 64;

    /** @param supers superclass and interfaces */
    private record Face(Set<String> members, Set<String> supers) {}

    private final ClassLoader loader;
    private final Map<String, Optional<Face>> faces = new HashMap<>();

    Platform(ClassLoader loader) {
        this.loader = loader;
    }

    ClassLoader loader() {
        return loader;
    }

    boolean has(String className) {
        return face(className).isPresent();
    }

    /** True when at least one class of the package is there. */
    boolean hasAnyOf(ExportFile file) {
        return file.classes().isEmpty() || file.classes().stream().anyMatch(item -> has(item.name()));
    }

    /** True when the class has the member or inherits it. */
    boolean has(MemberName member) {
        boolean inherited = !member.isConstructor();
        return has(member.owner(), member.key(), inherited, 0);
    }

    private boolean has(String className, String key, boolean inherited, int depth) {
        Optional<Face> face = depth > MAX_DEPTH ? Optional.empty() : face(className);
        return face.isPresent()
                && (face.get().members.contains(key)
                        || inherited && face.get().supers.stream().anyMatch(above -> has(above, key, true, depth + 1)));
    }

    private Optional<Face> face(String className) {
        return faces.computeIfAbsent(className, this::read);
    }

    private Optional<Face> read(String className) {
        ClassLoader source = loader == null ? ClassLoader.getSystemClassLoader() : loader;
        try (InputStream in = source.getResourceAsStream(className + ".class")) {
            if (in == null) {
                return Optional.empty();
            }
            Face face = new Face(new HashSet<>(), new HashSet<>());
            new ClassReader(in)
                    .accept(
                            new Collector(face),
                            ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
            return Optional.of(face);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static final class Collector extends ClassVisitor {
        private final Face face;

        Collector(Face face) {
            super(Opcodes.ASM9);
            this.face = face;
        }

        @Override
        public void visit(
                int version, int access, String name, String signature, String superName, String[] interfaces) {
            if (superName != null) {
                face.supers.add(superName);
            }
            face.supers.addAll(Set.of(interfaces));
        }

        @Override
        public FieldVisitor visitField(int access, String name, String descriptor, String signature, Object value) {
            face.members.add(name + descriptor);
            return null;
        }

        @Override
        public MethodVisitor visitMethod(
                int access, String name, String descriptor, String signature, String[] exceptions) {
            face.members.add(name + descriptor);
            return null;
        }
    }
}
