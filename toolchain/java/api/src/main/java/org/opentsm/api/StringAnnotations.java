// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.Map;
import org.objectweb.asm.AnnotationVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** The annotations of javacardx.annotations: for the compiler only, so they have no tokens and no AID. */
final class StringAnnotations {
    private static final String PACKAGE = "javacardx/annotations/";
    private static final String ELEMENT = "Ljava/lang/annotation/ElementType;";

    private StringAnnotations() {}

    /** StringDef(name, value, reference) and StringPool(value, name, export) as class files by entry name. */
    static Map<String, byte[]> classFiles() {
        return Map.of(PACKAGE + "StringDef.class", stringDef(), PACKAGE + "StringPool.class", stringPool());
    }

    private static byte[] stringDef() {
        ClassWriter writer = annotation("StringDef");
        element(writer, "name", "Ljava/lang/String;", null);
        element(writer, "value", "Ljava/lang/String;", "");
        element(writer, "reference", "Ljava/lang/String;", "");
        return end(writer);
    }

    private static byte[] stringPool() {
        ClassWriter writer = annotation("StringPool", "TYPE", "PACKAGE");
        element(writer, "value", "[L" + PACKAGE + "StringDef;", null);
        element(writer, "name", "Ljava/lang/String;", "");
        element(writer, "export", "Z", false);
        return end(writer);
    }

    private static ClassWriter annotation(String name, String... targets) {
        ClassWriter writer = new ClassWriter(0);
        writer.visit(
                Opcodes.V1_5,
                Opcodes.ACC_PUBLIC | Opcodes.ACC_ANNOTATION | Opcodes.ACC_INTERFACE | Opcodes.ACC_ABSTRACT,
                PACKAGE + name,
                null,
                "java/lang/Object",
                new String[] {"java/lang/annotation/Annotation"});
        AnnotationVisitor retention = writer.visitAnnotation("Ljava/lang/annotation/Retention;", true);
        retention.visitEnum("value", "Ljava/lang/annotation/RetentionPolicy;", "SOURCE");
        retention.visitEnd();
        AnnotationVisitor target = writer.visitAnnotation("Ljava/lang/annotation/Target;", true);
        AnnotationVisitor list = target.visitArray("value");
        for (String one : targets) {
            list.visitEnum(null, ELEMENT, one);
        }
        list.visitEnd();
        target.visitEnd();
        return writer;
    }

    private static void element(ClassWriter writer, String name, String type, Object otherwise) {
        MethodVisitor method =
                writer.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_ABSTRACT, name, "()" + type, null, null);
        if (otherwise != null) {
            AnnotationVisitor value = method.visitAnnotationDefault();
            value.visit(null, otherwise);
            value.visitEnd();
        }
        method.visitEnd();
    }

    private static byte[] end(ClassWriter writer) {
        writer.visitEnd();
        return writer.toByteArray();
    }
}
