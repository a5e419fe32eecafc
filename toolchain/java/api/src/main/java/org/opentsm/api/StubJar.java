// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Class files to compile an applet against: right signatures and constants, empty bodies. java.* is left to the JDK;
 * the converter refuses what Java Card's java.lang does not have.
 */
public final class StubJar {
    private final Declarations declarations = Declarations.all();
    private final ApiIndex index;

    public StubJar(ApiLevel level) {
        index = new ApiIndex(level);
    }

    /** Writes the stub jar of a level; the same level gives the same bytes. */
    public static void write(ApiLevel level, Path jar) throws IOException {
        DeterministicJar.write(jar, new StubJar(level).entries());
    }

    /** Class files by entry name. */
    public Map<String, byte[]> entries() {
        Map<String, byte[]> entries = new TreeMap<>();
        for (ApiPackage one : declarations.packages()) {
            if (one.name().startsWith("java/")) {
                continue;
            }
            one.classes().stream()
                    .filter(index::has)
                    .forEach(apiClass -> entries.put(apiClass.name() + ".class", classFile(apiClass)));
        }
        if (index.level().isAtLeast("3.0.4")) {
            entries.putAll(StringAnnotations.classFiles());
        }
        return entries;
    }

    private byte[] classFile(ApiClass apiClass) {
        ClassWriter writer = new ClassWriter(0);
        int flags = apiClass.flags()
                & (ApiClass.ACC_PUBLIC | ApiClass.ACC_FINAL | ApiClass.ACC_INTERFACE | ApiClass.ACC_ABSTRACT);
        writer.visit(
                Opcodes.V1_5,
                flags | (apiClass.isInterface() ? 0 : Opcodes.ACC_SUPER),
                apiClass.name(),
                null,
                apiClass.superName(),
                apiClass.interfaces().toArray(String[]::new));
        nesting(writer, apiClass);
        boolean constructible = false;
        for (ApiMember member : apiClass.declared()) {
            if (!index.has(member)) {
                continue;
            }
            if (member.isMethod()) {
                method(writer, apiClass, member);
                constructible |= member.name().equals("<init>");
            } else {
                writer.visitField(member.flags(), member.name(), member.descriptor(), null, member.constant())
                        .visitEnd();
            }
        }
        if (!apiClass.isInterface() && !constructible) {
            privateConstructor(writer, apiClass);
        }
        writer.visitEnd();
        return writer.toByteArray();
    }

    /** InnerClasses for X$Y, in both X and X$Y, else javac does not know the name X.Y. */
    private void nesting(ClassWriter writer, ApiClass apiClass) {
        for (ApiClass other :
                declarations.findPackage(apiClass.packageName()).orElseThrow().classes()) {
            int dollar = other.name().indexOf('$');
            if (dollar > 0
                    && index.has(other)
                    && (other == apiClass || apiClass.name().equals(other.name().substring(0, dollar)))) {
                int flags = other.flags() & (ApiClass.ACC_PUBLIC | ApiClass.ACC_FINAL | ApiClass.ACC_ABSTRACT);
                writer.visitInnerClass(
                        other.name(),
                        other.name().substring(0, dollar),
                        other.name().substring(dollar + 1),
                        flags | ApiClass.ACC_STATIC);
            }
        }
    }

    private void method(ClassWriter writer, ApiClass apiClass, ApiMember member) {
        MethodVisitor method = writer.visitMethod(
                member.flags(), member.name(), member.descriptor(), null, throwsClause(apiClass, member));
        if ((member.flags() & ApiClass.ACC_ABSTRACT) == 0) {
            method.visitCode();
            method.visitInsn(Opcodes.ACONST_NULL);
            method.visitInsn(Opcodes.ATHROW);
            int locals = Type.getArgumentsAndReturnSizes(member.descriptor()) >> 2;
            method.visitMaxs(1, locals);
        }
        method.visitEnd();
    }

    /** The one checked exception of the API: throwIt of an exception class that is not a RuntimeException. */
    private String[] throwsClause(ApiClass apiClass, ApiMember member) {
        if (!member.name().equals("throwIt")) {
            return null;
        }
        for (String above = apiClass.superName();
                above != null;
                above = declarations.classOf(above).superName()) {
            if (above.equals("java/lang/RuntimeException")) {
                return null;
            }
        }
        return new String[] {apiClass.name()};
    }

    private static void privateConstructor(ClassWriter writer, ApiClass apiClass) {
        // Without any constructor in the class file javac would report a missing symbol instead of a private one.
        MethodVisitor method = writer.visitMethod(Opcodes.ACC_PRIVATE, "<init>", "()V", null, null);
        method.visitCode();
        method.visitVarInsn(Opcodes.ALOAD, 0);
        method.visitMethodInsn(Opcodes.INVOKESPECIAL, apiClass.superName(), "<init>", "()V", false);
        method.visitInsn(Opcodes.RETURN);
        method.visitMaxs(1, 1);
        method.visitEnd();
    }
}
