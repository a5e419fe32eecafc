// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.verifier.Verifier;

/** Broken and hostile class files end in an error, never in a crash, a hang or a wrong CAP. */
class HostileTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static byte[] file(int version, String name, String superName, Consumer<ClassWriter> body) {
        ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        writer.visit(version, Opcodes.ACC_PUBLIC | Opcodes.ACC_SUPER, name, null, superName, null);
        body.accept(writer);
        return writer.toByteArray();
    }

    /** A class q.Q with one static method m. */
    private static byte[] method(String descriptor, Consumer<MethodVisitor> code) {
        return file(Opcodes.V1_5, "q/Q", "java/lang/Object", writer -> {
            MethodVisitor m = writer.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC, "m", descriptor, null, null);
            m.visitCode();
            code.accept(m);
            m.visitMaxs(10, 10);
        });
    }

    private static List<Diagnostic> errors(byte[]... files) {
        ConverterInput.Builder builder = Fixture.input("q", Map.of());
        for (byte[] file : files) {
            builder.classFile(file);
        }
        return assertTimeoutPreemptively(PATIENCE, () -> Fixture.errors(builder));
    }

    private static void refused(String text, byte[]... files) {
        List<Diagnostic> errors = errors(files);
        assertTrue(errors.stream().anyMatch(e -> e.message().contains(text)), () -> text + " not in " + errors);
    }

    @Test
    void notAClassFile() {
        refused("CAFEBABE", new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
        refused("damaged", new byte[0]);
        refused("damaged", new byte[] {(byte) 0xCA, (byte) 0xFE, (byte) 0xBA, (byte) 0xBE, 0, 0, 0, 52});
        refused("more than", new byte[ClassFileGuard.MAX_CLASS_FILE + 1]);
        byte[] newer = Fixture.compile("package q; class Q { }").get("q/Q").clone();
        newer[7] = 70;
        refused("unsupported class file format of version 70.0", newer);
    }

    @Test
    void hierarchyFaults() {
        refused("its own supertype", file(49, "q/Q", "q/Q", w -> {}));
        refused("its own supertype", file(49, "q/A", "q/B", w -> {}), file(49, "q/B", "q/A", w -> {}));
        refused("q.Gone is not among", file(49, "q/Q", "q/Gone", w -> {}));
        refused("superclass is an interface", file(49, "q/Q", "javacard/framework/Shareable", w -> {}));
        refused(
                "given twice",
                file(49, "q/Q", "java/lang/Object", w -> {}),
                file(49, "q/Q", "java/lang/Object", w -> {}));
        refused("is final", file(49, "q/Q", "javacard/framework/APDU", w -> {}));
    }

    @Test
    void codeFaults() {
        refused("underflows", method("()V", m -> {
            m.visitInsn(Opcodes.POP);
            m.visitInsn(Opcodes.RETURN);
        }));
        refused("runs off", method("()V", m -> m.visitInsn(Opcodes.NOP)));
        refused("no value", method("()S", m -> {
            m.visitVarInsn(Opcodes.ILOAD, 3);
            m.visitInsn(Opcodes.IRETURN);
        }));
        refused("reference where", method("(Ljava/lang/Object;)S", m -> {
            m.visitVarInsn(Opcodes.ALOAD, 0);
            m.visitInsn(Opcodes.IRETURN);
        }));
        refused("no value of that type", method("(Ljava/lang/Object;)S", m -> {
            m.visitVarInsn(Opcodes.ILOAD, 0);
            m.visitInsn(Opcodes.IRETURN);
        }));
        refused("different stack depths", method("(S)V", m -> {
            Label join = new Label();
            m.visitVarInsn(Opcodes.ILOAD, 0);
            m.visitInsn(Opcodes.ICONST_1);
            m.visitJumpInsn(Opcodes.IFEQ, join);
            m.visitInsn(Opcodes.POP);
            m.visitLabel(join);
            m.visitInsn(Opcodes.RETURN);
        }));
        refused("array index", method("([BS)S", m -> {
            m.visitVarInsn(Opcodes.ALOAD, 0);
            m.visitVarInsn(Opcodes.ILOAD, 1);
            m.visitInsn(Opcodes.INEG);
            m.visitInsn(Opcodes.BALOAD);
            m.visitInsn(Opcodes.IRETURN);
        }));
        refused("intermediate value", method("(S)S", m -> {
            m.visitVarInsn(Opcodes.ILOAD, 0);
            m.visitInsn(Opcodes.ICONST_1);
            m.visitInsn(Opcodes.IADD);
            m.visitInsn(Opcodes.IRETURN);
        }));
        refused("is not static", method("()V", m -> {
            m.visitMethodInsn(Opcodes.INVOKESTATIC, "javacard/framework/APDU", "getBuffer", "()[B", false);
            m.visitInsn(Opcodes.POP);
            m.visitInsn(Opcodes.RETURN);
        }));
    }

    @Test
    void contradictingFlagsAndCases() {
        refused(
                "contradict",
                file(
                        49,
                        "q/Q",
                        "java/lang/Object",
                        w -> w.visitMethod(Opcodes.ACC_ABSTRACT | Opcodes.ACC_FINAL, "m", "()V", null, null)));
        refused(
                "contradict",
                file(
                        49,
                        "q/Q",
                        "java/lang/Object",
                        w -> w.visitField(Opcodes.ACC_PUBLIC | Opcodes.ACC_PRIVATE, "f", "S", null, null)));
        refused(
                "without a body",
                file(49, "q/Q", "java/lang/Object", w -> w.visitMethod(Opcodes.ACC_ABSTRACT, "m", "()V", null, null)));
        refused("do not ascend", method("(S)V", m -> {
            Label end = new Label();
            m.visitVarInsn(Opcodes.ILOAD, 0);
            m.visitLookupSwitchInsn(end, new int[] {5, 3}, new Label[] {end, end});
            m.visitLabel(end);
            m.visitInsn(Opcodes.RETURN);
        }));
        refused("another type is returned", method("()S", m -> m.visitInsn(Opcodes.RETURN)));
    }

    @Test
    void complexControlFlowIsBounded() {
        errorsOrResult(method("(S)V", m -> {
            Label[] labels = new Label[4000];
            java.util.Arrays.setAll(labels, i -> new Label());
            for (int i = 0; i < labels.length; i++) {
                m.visitLabel(labels[i]);
                m.visitVarInsn(Opcodes.ILOAD, 0);
                m.visitVarInsn(Opcodes.ISTORE, 1 + i % 200);
                m.visitVarInsn(Opcodes.ILOAD, 1 + i % 200);
                m.visitJumpInsn(Opcodes.IFEQ, labels[(i * 7919 + 13) % labels.length]);
            }
            m.visitInsn(Opcodes.RETURN);
        }));
        errorsOrResult(method("(S)V", m -> {
            Label start = new Label();
            Label end = new Label();
            Label[] handlers = new Label[250];
            java.util.Arrays.setAll(handlers, i -> new Label());
            for (Label handler : handlers) {
                m.visitTryCatchBlock(start, end, handler, null);
            }
            for (int i = 0; i < 200; i++) {
                m.visitInsn(Opcodes.ICONST_0);
                m.visitVarInsn(Opcodes.ISTORE, i);
            }
            m.visitLabel(start);
            for (int i = 0; i < 9000; i++) {
                m.visitInsn(Opcodes.ICONST_1);
                m.visitVarInsn(Opcodes.ISTORE, i % 200);
            }
            m.visitLabel(end);
            m.visitInsn(Opcodes.RETURN);
            for (Label handler : handlers) {
                m.visitLabel(handler);
                m.visitInsn(Opcodes.POP);
                for (int i = 0; i < 40; i++) {
                    m.visitVarInsn(Opcodes.ILOAD, i * 5);
                    m.visitInsn(Opcodes.POP);
                }
                m.visitInsn(Opcodes.RETURN);
            }
        }));
    }

    private static void errorsOrResult(byte[] file) {
        assertTimeoutPreemptively(
                PATIENCE,
                () -> check(Converter.convert(
                        Fixture.input("q", Map.of("q/Q", file)).build())));
    }

    /** Either errors, or a CAP the verifier has nothing against. */
    private static boolean check(ConverterResult result) {
        assertTrue(
                result.errors().stream().noneMatch(e -> e.message().contains("cannot be followed (")),
                () -> result.errors().toString());
        assertEquals(result.errors().isEmpty(), result.succeeded());
        result.cap().ifPresent(cap -> {
            assertEquals("[]", Verifier.verify(cap, Fixture.provider(List.of())).toString());
            new RawCap(cap.toZip());
        });
        return result.succeeded();
    }

    @Test
    void oldSubroutinesAreInlined() {
        byte[] file = method("(S)S", m -> {
            Label subroutine = new Label();
            m.visitJumpInsn(Opcodes.JSR, subroutine);
            m.visitJumpInsn(Opcodes.JSR, subroutine);
            m.visitVarInsn(Opcodes.ILOAD, 0);
            m.visitInsn(Opcodes.IRETURN);
            m.visitLabel(subroutine);
            m.visitVarInsn(Opcodes.ASTORE, 1);
            m.visitVarInsn(Opcodes.ILOAD, 0);
            m.visitInsn(Opcodes.ICONST_3);
            m.visitInsn(Opcodes.IADD);
            m.visitInsn(Opcodes.I2S);
            m.visitVarInsn(Opcodes.ISTORE, 0);
            m.visitVarInsn(Opcodes.RET, 1);
        });
        Map<String, byte[]> classes = Map.of("q/Q", file);
        Twin twin = new Twin(classes, Fixture.convert(Fixture.input("q", classes)));
        assertEquals("11", twin.onJvm(twin.methods("q.Q").get(0), (short) 5));
        assertEquals("11", twin.onCard(twin.methods("q.Q").get(0), (short) 5));
    }

    /** All stack shuffles over shorts, ints and references, which javac seldom writes. */
    @Test
    void stackShuffles() {
        int[] ops = {
            Opcodes.DUP,
            Opcodes.DUP_X1,
            Opcodes.DUP_X2,
            Opcodes.DUP2,
            Opcodes.DUP2_X1,
            Opcodes.DUP2_X2,
            Opcodes.SWAP,
            Opcodes.POP,
            Opcodes.POP2
        };
        for (int op : ops) {
            for (int kinds = 0; kinds < 16; kinds++) {
                int mask = kinds;
                byte[] file = file(Opcodes.V1_5, "q/Q", "java/lang/Object", writer -> {
                    MethodVisitor m =
                            writer.visitMethod(Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC, "m", "(ISIS)I", null, null);
                    m.visitCode();
                    m.visitVarInsn(Opcodes.ILOAD, 0);
                    for (int i = 0; i < 4; i++) {
                        m.visitVarInsn(Opcodes.ILOAD, (mask >> i & 1) == 1 ? i & 2 : i | 1);
                    }
                    m.visitInsn(op);
                    int left = 5
                            + switch (op) {
                                case Opcodes.DUP, Opcodes.DUP_X1, Opcodes.DUP_X2 -> 1;
                                case Opcodes.DUP2, Opcodes.DUP2_X1, Opcodes.DUP2_X2 -> 2;
                                case Opcodes.POP -> -1;
                                case Opcodes.POP2 -> -2;
                                default -> 0;
                            };
                    for (int i = 1; i < left; i++) {
                        m.visitInsn(Opcodes.ISUB);
                    }
                    m.visitInsn(Opcodes.IRETURN);
                    m.visitMaxs(9, 4);
                });
                Map<String, byte[]> classes = Map.of("q/Q", file);
                Twin twin = new Twin(
                        classes, Fixture.convert(Fixture.input("q", classes).ints(true)));
                Object[] arguments = {123456789, (short) -321, -98765432, (short) 12345};
                assertEquals(
                        twin.onJvm(twin.methods("q.Q").get(0), arguments),
                        twin.onCard(twin.methods("q.Q").get(0), arguments),
                        () -> "opcode " + op + " kinds " + mask);
            }
        }
    }

    @Test
    void mutatedClassFilesNeverCrash() {
        Random random = new Random(42);
        List<byte[]> originals = new java.util.ArrayList<>();
        originals.addAll(Fixture.compile(DifferentialTest.SHORTS).values());
        originals.addAll(Fixture.compile(DifferentialTest.INTS).values());
        Map<String, byte[]> objects = Fixture.compile(DifferentialTest.OBJECTS);
        int succeeded = 0;
        for (int round = 0; round < 600; round++) {
            ConverterInput.Builder builder;
            if (round % 3 == 0) {
                builder = Fixture.input("d", Map.of());
                int victim = random.nextInt(objects.size());
                int i = 0;
                for (byte[] file : objects.values()) {
                    builder.classFile(i++ == victim ? mutate(file, random) : file);
                }
            } else {
                builder = Fixture.input("d", Map.of())
                        .classFile(mutate(originals.get(random.nextInt(originals.size())), random));
            }
            ConverterInput input = builder.ints(random.nextBoolean()).build();
            ConverterResult result = assertTimeoutPreemptively(PATIENCE, () -> Converter.convert(input));
            assertTrue(
                    result.errors().stream().noneMatch(e -> e.message().contains("cannot be followed (")),
                    () -> result.errors().toString());
            succeeded += result.succeeded() ? 1 : 0;
        }
        assertTrue(succeeded > 0);
    }

    private static byte[] mutate(byte[] file, Random random) {
        byte[] copy = file.clone();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            int at = random.nextInt(copy.length);
            copy[at] = (byte)
                    switch (random.nextInt(4)) {
                        case 0 -> 0;
                        case 1 -> 255;
                        case 2 -> copy[at] + 1;
                        default -> random.nextInt();
                    };
        }
        return random.nextInt(20) == 0 ? java.util.Arrays.copyOf(copy, random.nextInt(copy.length)) : copy;
    }
}
