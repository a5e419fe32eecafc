// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import javacard.framework.AID;
import javacard.framework.Applet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.classpath.ClassPathCard;
import org.opentsm.simulator.hostile.Recursive;

/** Loops of exception handlers, without a backward jump; most of them a CAP may have and no compiler makes. */
class EndlessHandlersTest {

    private static final String NAME = "q/Endless";
    private static final String APPLET = "javacard/framework/Applet";
    private static final String THROWN = "java/lang/ArithmeticException";
    private static final byte[] AID_BYTES = Hex.decode("F000000009");
    private static final byte[] SELECT = Hex.decode("00A4040005F000000009");
    private static final byte[] OK = Hex.decode("9000");
    /** It takes a second of computing, on however busy a machine. */
    private static final Duration LIMIT = Duration.ofMinutes(5);

    @TempDir
    Path folder;

    /** An applet whose process() is the code, once it is selected. */
    private Class<? extends Applet> applet(Consumer<MethodVisitor> code) throws IOException, ClassNotFoundException {
        ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        writer.visit(Opcodes.V1_5, Opcodes.ACC_PUBLIC | Opcodes.ACC_SUPER, NAME, null, APPLET, null);
        MethodVisitor make = writer.visitMethod(Opcodes.ACC_PUBLIC, "<init>", "()V", null, null);
        make.visitCode();
        make.visitVarInsn(Opcodes.ALOAD, 0);
        make.visitMethodInsn(Opcodes.INVOKESPECIAL, APPLET, "<init>", "()V", false);
        make.visitVarInsn(Opcodes.ALOAD, 0);
        make.visitMethodInsn(Opcodes.INVOKEVIRTUAL, NAME, "register", "()V", false);
        end(make);
        int install = Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC;
        MethodVisitor begin = writer.visitMethod(install, "install", "([BSB)V", null, null);
        begin.visitCode();
        begin.visitTypeInsn(Opcodes.NEW, NAME);
        begin.visitMethodInsn(Opcodes.INVOKESPECIAL, NAME, "<init>", "()V", false);
        end(begin);
        String types = "(Ljavacard/framework/APDU;)V";
        MethodVisitor process = writer.visitMethod(Opcodes.ACC_PUBLIC, "process", types, null, null);
        process.visitCode();
        Label selected = new Label();
        process.visitVarInsn(Opcodes.ALOAD, 0);
        process.visitMethodInsn(Opcodes.INVOKEVIRTUAL, NAME, "selectingApplet", "()Z", false);
        process.visitJumpInsn(Opcodes.IFEQ, selected);
        process.visitInsn(Opcodes.RETURN);
        process.visitLabel(selected);
        code.accept(process);
        end(process);
        Path file = Files.createDirectories(folder.resolve("q")).resolve("Endless.class");
        Files.write(file, writer.toByteArray());
        URL[] places = {folder.toUri().toURL()};
        return new URLClassLoader(places, getClass().getClassLoader())
                .loadClass(NAME.replace('/', '.'))
                .asSubclass(Applet.class);
    }

    private static void end(MethodVisitor method) {
        method.visitInsn(Opcodes.RETURN);
        method.visitMaxs(0, 0);
        method.visitEnd();
    }

    private static void exception(MethodVisitor code) {
        code.visitTypeInsn(Opcodes.NEW, THROWN);
        code.visitInsn(Opcodes.DUP);
        code.visitMethodInsn(Opcodes.INVOKESPECIAL, THROWN, "<init>", "()V", false);
    }

    /** A reset waits for the applet: it ends, and the card answers afterwards. */
    private static void assertEnds(Class<? extends Applet> type) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(type.getClassLoader());
        ClassPathCard shell;
        try {
            shell = new ClassPathCard();
        } finally {
            thread.setContextClassLoader(before);
        }
        AID aid = new AID(AID_BYTES, (short) 0, (byte) AID_BYTES.length);
        shell.loadApplet(aid, type);
        shell.installApplet(aid, new byte[0], (short) 0, (byte) 0);
        assertArrayEquals(OK, shell.transmitCommand(SELECT));
        CardRuntime card = shell.card();
        assertTimeoutPreemptively(LIMIT, () -> {
            card.budget().begin();
            card.budget().hurry();
            assertThrows(PowerCut.class, () -> card.process(Hex.decode("80010000")));
            assertTrue(card.budget().isSpent());
            card.budget().end();
        });
        shell.reset();
        assertArrayEquals(OK, shell.transmitCommand(SELECT));
    }

    @Test
    void aHandlerBeforeWhatThrows() throws IOException, ClassNotFoundException {
        assertEnds(applet(code -> {
            Label handler = new Label();
            Label from = new Label();
            Label to = new Label();
            code.visitTryCatchBlock(from, to, handler, THROWN);
            exception(code);
            code.visitJumpInsn(Opcodes.GOTO, from);
            code.visitLabel(handler);
            code.visitInsn(Opcodes.NOP);
            code.visitLabel(from);
            code.visitInsn(Opcodes.ATHROW);
            code.visitLabel(to);
        }));
    }

    @Test
    void aHandlerOfItself() throws IOException, ClassNotFoundException {
        assertEnds(applet(code -> {
            Label from = new Label();
            Label to = new Label();
            code.visitTryCatchBlock(from, to, from, null);
            exception(code);
            code.visitLabel(from);
            code.visitInsn(Opcodes.ATHROW);
            code.visitLabel(to);
        }));
    }

    @Test
    void handlersOfARecursion() {
        assertEnds(Recursive.class);
    }
}
