// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.List;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.StaticFieldComponent.ArrayInit;
import org.opentsm.linker.CapView.ClassView;

/** Gives one class's static fields their values of the static image, in a class initialiser. */
final class StaticFields {
    /** A class file's string constant holds 65535 bytes of UTF-8; a char takes up to three. */
    private static final int CHUNK = 20_000;

    private static final int ARRAY = 0;
    private static final int CHARS = 1;
    private static final int INDEX = 2;
    private final CapView view;
    private final ClassView item;
    private final ClassWriter out;
    private static final String OBJECT = "L" + Casts.OBJECT + ";";
    private final StaticFieldComponent image;
    private MethodVisitor code;

    StaticFields(CapView view, ClassView item, ClassWriter out) {
        this.view = view;
        this.item = item;
        this.out = out;
        this.image = view.cap.staticFields();
    }

    /** @throws LinkException when a field lies outside the image or its array has another type */
    void emit() {
        for (FieldDescriptor field : item.descriptor().fields()) {
            if (field.isStatic()) {
                emit(field.imageOffset(), view.staticField(field.imageOffset()));
            }
        }
        if (code != null) {
            code.visitInsn(Opcodes.RETURN);
            code.visitMaxs(0, 0);
            code.visitEnd();
        }
    }

    private void emit(int offset, MemberName field) {
        boolean reference = field.descriptor().length() > 1;
        int references = 2 * image.referenceCount();
        if (reference != offset < references || reference && offset % 2 != 0) {
            throw LinkException.inconsistent(
                    field + " is at image offset " + offset + ", references end at " + references);
        }
        if (reference && offset / 2 < image.arrayInits().size()) {
            array(field, image.arrayInits().get(offset / 2));
        } else if (!reference) {
            primitive(field, offset - references - image.defaultValueCount());
        }
    }

    private void begin() {
        if (code == null) {
            code = out.visitMethod(Opcodes.ACC_STATIC, "<clinit>", "()V", null, null);
            code.visitCode();
        }
    }

    private void primitive(MemberName field, int place) {
        int width = width(field.descriptor().charAt(0));
        byte[] values = image.nonDefaultValues();
        if (place + width > values.length) {
            throw LinkException.inconsistent(field + " ends behind the static image");
        }
        if (place < 0) {
            return;
        }
        begin();
        code.visitLdcInsn(signed(values, place, width));
        code.visitFieldInsn(Opcodes.PUTSTATIC, field.owner(), field.name(), field.descriptor());
    }

    private static int width(char type) {
        return type == 'I' ? 4 : type == 'S' ? 2 : 1;
    }

    private static int signed(byte[] bytes, int at, int width) {
        int value = bytes[at];
        for (int i = 1; i < width; i++) {
            value = value << 8 | bytes[at + i] & 0xFF;
        }
        return value;
    }

    /** The values travel as chars of string constants, two for an int: code of a value each would exceed a method. */
    private void array(MemberName field, ArrayInit init) {
        String type =
                switch (init.type()) {
                    case StaticFieldComponent.TYPE_BOOLEAN -> "[Z";
                    case StaticFieldComponent.TYPE_BYTE -> "[B";
                    case StaticFieldComponent.TYPE_SHORT -> "[S";
                    case StaticFieldComponent.TYPE_INT -> "[I";
                    default -> throw LinkException.inconsistent("array_init of type " + init.type());
                };
        if (!type.equals(field.descriptor()) && !field.descriptor().equals(OBJECT) && !view.inferred) {
            throw LinkException.inconsistent(field + " is set to an array " + type);
        }
        begin();
        int width = width(type.charAt(1));
        int length = init.values().length / width;
        code.visitLdcInsn(length);
        code.visitIntInsn(Opcodes.NEWARRAY, MethodEmitter.arrayType(type.charAt(1)));
        if (length > 0) {
            code.visitVarInsn(Opcodes.ASTORE, ARRAY);
            pushChars(chars(init.values(), width));
            code.visitVarInsn(Opcodes.ASTORE, CHARS);
            fill(length, type.charAt(1));
            code.visitVarInsn(Opcodes.ALOAD, ARRAY);
        }
        code.visitFieldInsn(Opcodes.PUTSTATIC, field.owner(), field.name(), field.descriptor());
    }

    private static String chars(byte[] values, int width) {
        StringBuilder text = new StringBuilder();
        int step = Math.min(width, 2);
        for (int at = 0; at + step <= values.length; at += step) {
            text.append((char) signed(values, at, step));
        }
        return text.toString();
    }

    private void pushChars(String text) {
        List<String> chunks = new java.util.ArrayList<>();
        for (int at = 0; at < text.length(); at += CHUNK) {
            chunks.add(text.substring(at, Math.min(at + CHUNK, text.length())));
        }
        code.visitLdcInsn(chunks.get(0));
        for (String chunk : chunks.subList(1, chunks.size())) {
            code.visitLdcInsn(chunk);
            code.visitMethodInsn(
                    Opcodes.INVOKEVIRTUAL,
                    "java/lang/String",
                    "concat",
                    "(Ljava/lang/String;)Ljava/lang/String;",
                    false);
        }
        code.visitMethodInsn(Opcodes.INVOKEVIRTUAL, "java/lang/String", "toCharArray", "()[C", false);
    }

    private void fill(int length, char type) {
        Label next = new Label();
        code.visitInsn(Opcodes.ICONST_0);
        code.visitVarInsn(Opcodes.ISTORE, INDEX);
        code.visitLabel(next);
        code.visitVarInsn(Opcodes.ALOAD, ARRAY);
        code.visitVarInsn(Opcodes.ILOAD, INDEX);
        if (type == 'I') {
            pushChar(0);
            code.visitIntInsn(Opcodes.BIPUSH, 16);
            code.visitInsn(Opcodes.ISHL);
            pushChar(1);
            code.visitInsn(Opcodes.IOR);
        } else {
            code.visitVarInsn(Opcodes.ALOAD, CHARS);
            code.visitVarInsn(Opcodes.ILOAD, INDEX);
            code.visitInsn(Opcodes.CALOAD);
        }
        code.visitInsn(type == 'I' ? Opcodes.IASTORE : type == 'S' ? Opcodes.SASTORE : Opcodes.BASTORE);
        code.visitIincInsn(INDEX, 1);
        code.visitVarInsn(Opcodes.ILOAD, INDEX);
        code.visitLdcInsn(length);
        code.visitJumpInsn(Opcodes.IF_ICMPLT, next);
    }

    private void pushChar(int half) {
        code.visitVarInsn(Opcodes.ALOAD, CHARS);
        code.visitVarInsn(Opcodes.ILOAD, INDEX);
        code.visitInsn(Opcodes.ICONST_1);
        code.visitInsn(Opcodes.ISHL);
        code.visitInsn(half == 0 ? Opcodes.ICONST_0 : Opcodes.ICONST_1);
        code.visitInsn(Opcodes.IADD);
        code.visitInsn(Opcodes.CALOAD);
    }
}
