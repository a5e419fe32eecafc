// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Which source lines of applets have run, of all cards of this process, when it was started with {@code
 * -Dopentsm.coverage=true}.
 * Lines are those of class files, and of CAP files with a Debug component.
 */
public final class Coverage {

    private static final boolean ON = Boolean.getBoolean("opentsm.coverage");
    private static final Map<String, Map<Integer, AtomicLong>> COUNTS = new ConcurrentHashMap<>();

    private Coverage() {}

    /** How often each line of each source ran, by the source's path in its package. */
    public static Map<String, Map<Integer, Long>> counts() {
        Map<String, Map<Integer, Long>> found = new TreeMap<>();
        COUNTS.forEach((source, lines) -> {
            Map<Integer, Long> numbers = new TreeMap<>();
            lines.forEach((line, count) -> numbers.put(line, count.get()));
            found.put(source, numbers);
        });
        return found;
    }

    /** Called by applets before each line. */
    public static void line(String source, int line) {
        COUNTS.get(source).get(line).incrementAndGet();
    }

    /** Adds the counting of lines to a class, where it is asked for. */
    static byte[] count(byte[] classFile) {
        if (!ON) {
            return classFile;
        }
        ClassReader reader = new ClassReader(classFile);
        ClassWriter writer = new ClassWriter(reader, 0);
        reader.accept(
                new ClassVisitor(Opcodes.ASM9, writer) {
                    private String source;

                    @Override
                    public void visitSource(String file, String debug) {
                        source = file == null ? null : path(reader.getClassName(), file);
                        super.visitSource(file, debug);
                    }

                    @Override
                    public MethodVisitor visitMethod(
                            int access, String name, String descriptor, String signature, String[] exceptions) {
                        MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
                        return source == null ? next : new Lines(next, source);
                    }
                },
                0);
        return writer.toByteArray();
    }

    /** A linked class has another name than its source, whose package the linker puts before the file. */
    private static String path(String className, String file) {
        return file.contains("/") ? file : className.substring(0, className.lastIndexOf('/') + 1) + file;
    }

    /**
     * A frame, or the place of a NEW, must stay at its label: a line is counted before the instruction that follows.
     */
    private static final class Lines extends MethodVisitor {

        private final String source;
        private int pending;

        Lines(MethodVisitor next, String source) {
            super(Opcodes.ASM9, next);
            this.source = source;
        }

        @Override
        public void visitLineNumber(int line, Label start) {
            super.visitLineNumber(line, start);
            COUNTS.computeIfAbsent(source, name -> new ConcurrentHashMap<>())
                    .computeIfAbsent(line, number -> new AtomicLong());
            pending = line;
        }

        private void flush() {
            if (pending != 0) {
                super.visitLdcInsn(source);
                super.visitLdcInsn(pending);
                pending = 0;
                super.visitMethodInsn(
                        Opcodes.INVOKESTATIC,
                        Type.getInternalName(Coverage.class),
                        "line",
                        "(Ljava/lang/String;I)V",
                        false);
            }
        }

        @Override
        public void visitInsn(int opcode) {
            flush();
            super.visitInsn(opcode);
        }

        @Override
        public void visitIntInsn(int opcode, int operand) {
            flush();
            super.visitIntInsn(opcode, operand);
        }

        @Override
        public void visitVarInsn(int opcode, int variable) {
            flush();
            super.visitVarInsn(opcode, variable);
        }

        @Override
        public void visitTypeInsn(int opcode, String type) {
            if (opcode == Opcodes.NEW) {
                super.visitTypeInsn(opcode, type);
                flush();
            } else {
                flush();
                super.visitTypeInsn(opcode, type);
            }
        }

        @Override
        public void visitFieldInsn(int opcode, String owner, String name, String descriptor) {
            flush();
            super.visitFieldInsn(opcode, owner, name, descriptor);
        }

        @Override
        public void visitMethodInsn(int opcode, String owner, String name, String descriptor, boolean isInterface) {
            flush();
            super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
        }

        @Override
        public void visitJumpInsn(int opcode, Label label) {
            flush();
            super.visitJumpInsn(opcode, label);
        }

        @Override
        public void visitLdcInsn(Object value) {
            flush();
            super.visitLdcInsn(value);
        }

        @Override
        public void visitIincInsn(int variable, int increment) {
            flush();
            super.visitIincInsn(variable, increment);
        }

        @Override
        public void visitTableSwitchInsn(int min, int max, Label otherwise, Label... labels) {
            flush();
            super.visitTableSwitchInsn(min, max, otherwise, labels);
        }

        @Override
        public void visitLookupSwitchInsn(Label otherwise, int[] keys, Label[] labels) {
            flush();
            super.visitLookupSwitchInsn(otherwise, keys, labels);
        }

        @Override
        public void visitMaxs(int maxStack, int maxLocals) {
            super.visitMaxs(maxStack + 2, maxLocals);
        }
    }
}
