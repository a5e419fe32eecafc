// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.Opcode;
import org.opentsm.cap.Opcodes;

/**
 * Instructions that no Java compiler and no converter writes: code put by hand into a converted method of the same
 * size.
 */
class HandmadeCodeTest {
    private static final int[] VALUES = {0, 1, -1, 5, 7, 300, -300, 32767, -32768, 20000};
    private static final String SHORTS =
            """
        package one; public class One { public static short f(short a, short b) { short c = (short) (a + (b + (a + (b + (a + (b + (a + b))))))); short d = c; c += d;
          d = (short) (c - a); c = (short) (d - b); d = (short) (c - a); c = (short) (d - b); return c; } }""";
    private static final String INTS =
            """
        package one; public class One { public static int f(int a, int b) { int c = a + (b + (a + (b + (a + (b + (a + b)))))); int d = c; c += d;
          d = c - a; c = d - b; d = c - a; c = d - b; return c; } }""";

    /** Opcodes with their operands in decimal; labels are distances as the bytes hold them. */
    private static byte[] assemble(String text) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        String[] words = text.trim().split("\\s+");
        for (int i = 0; i < words.length; ) {
            Opcode opcode = Opcodes.byName(words[i++]);
            code.write(opcode.value());
            for (char kind : opcode.operands().toCharArray()) {
                int value = Integer.decode(words[i++]);
                for (int left = "sRC".indexOf(kind) >= 0 ? 2 : kind == 'i' ? 4 : 1; left > 0; left--) {
                    code.write(value >> 8 * (left - 1));
                }
            }
        }
        return code.toByteArray();
    }

    private static Method linked(String source, String text) {
        CapFile cap = Workshop.cap(source);
        byte[] block = cap.loadFileDataBlock(true);
        int offset = cap.export().orElseThrow().classes().get(0).methodOffsets().stream()
                .mapToInt(Integer::intValue)
                .max()
                .orElseThrow();
        int count = cap.descriptor().orElseThrow().classes().get(0).methods().stream()
                .filter(m -> m.methodOffset() == offset)
                .findFirst()
                .orElseThrow()
                .bytecodeCount();
        byte[] old = cap.methods().methodAt(offset, count).code();
        byte[] code = assemble(text);
        assertTrue(code.length <= old.length, code.length + " bytes of " + old.length);
        int at = Bytes.find(block, HexFormat.of().withUpperCase().formatHex(old));
        Arrays.fill(block, at, at + old.length, (byte) 0);
        System.arraycopy(code, 0, block, at + old.length - code.length, code.length);
        LinkedPackage made = new Linker(HandmadeCodeTest.class.getClassLoader(), java.util.List.of())
                .link(CapFile.readLoadFile(block));
        try {
            Class<?> type =
                    Class.forName(made.classes().keySet().iterator().next(), true, Bytes.loader(made.classes()));
            return Arrays.stream(type.getMethods())
                    .filter(m -> m.getDeclaringClass() == type && m.getParameterCount() == 2)
                    .findFirst()
                    .orElseThrow();
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static void shorts(String text, IntBinaryOperator expected) throws ReflectiveOperationException {
        Method method = linked(SHORTS, text);
        for (int a : VALUES) {
            for (int b : VALUES) {
                assertEquals(
                        (short) expected.applyAsInt(a, b),
                        method.invoke(null, (short) a, (short) b),
                        () -> text + " " + a + " " + b);
            }
        }
    }

    private static void ints(String text, IntBinaryOperator expected) throws ReflectiveOperationException {
        Method method = linked(INTS, text);
        for (int left : VALUES) {
            for (int b : VALUES) {
                int a = left * 70001;
                assertEquals(expected.applyAsInt(a, b), method.invoke(null, a, b), () -> text + " " + a + " " + b);
            }
        }
    }

    @Test
    void cellsOfShortsAreCopiedAndExchanged() throws ReflectiveOperationException {
        shorts("sload_0 sload_1 swap_x 0x11 ssub sreturn", (a, b) -> b - a);
        shorts("sload_0 sload_1 dup_x 0x10 smul ssub sreturn", (a, b) -> a - b * b);
        shorts("sload_0 sload_1 dup_x 0x12 ssub smul sreturn", (a, b) -> b * (short) (a - b));
        shorts("sload_0 sload_1 sconst_3 dup_x 0x13 ssub smul sadd sreturn", (a, b) -> 3 + a * (short) (b - 3));
        shorts(
                "sload_0 sload_1 sconst_3 sconst_5 dup_x 0x14 ssub smul sadd ssub sreturn",
                (a, b) -> 5 - (short) (a + b * (3 - 5)));
        shorts("sload_0 sload_1 dup_x 0x20 ssub smul sadd sreturn", (a, b) -> a + b * (short) (a - b));
        shorts(
                "sconst_3 sload_0 sload_1 dup_x 0x23 ssub smul sadd ssub sreturn",
                (a, b) -> a - (short) (b + 3 * (short) (a - b)));
        shorts(
                "sconst_3 sload_0 sload_1 sconst_2 dup_x 0x34 sadd ssub smul ssub sadd ssub sreturn",
                (a, b) -> a - (short) (b + (short) (2 - 3 * (short) (a - (short) (b + 2)))));
        shorts("sconst_3 sload_0 sload_1 swap_x 0x12 sadd ssub sreturn", (a, b) -> b - (short) (3 + a));
        shorts("sconst_3 sload_0 sload_1 swap_x 0x21 ssub ssub sreturn", (a, b) -> a - (short) (b - 3));
        shorts("sconst_5 sload_0 sload_1 pop2 sload_1 sadd sreturn", (a, b) -> 5 + b);
        shorts("sload_0 sload_1 dup2 ssub smul sadd nop sreturn", (a, b) -> a + b * (short) (a - b));
    }

    @Test
    void anIntIsTwoCells() throws ReflectiveOperationException {
        ints("iload_0 iload_2 swap_x 0x22 isub ireturn", (a, b) -> b - a);
        ints("iload_0 iload_2 dup_x 0x24 isub imul ireturn", (a, b) -> b * (a - b));
        ints("iload_0 iload_2 dup_x 0x40 isub imul iadd ireturn", (a, b) -> a + b * (a - b));
        ints("iload_0 dup2 imul ireturn", (a, b) -> a * a);
        ints("iload_0 iload_2 pop2 ireturn", (a, b) -> a);
        ints(
                "iload_0 i2s iload_2 dup_x 0x23 iconst_1 isub istore_2 s2i iload_2 iadd iadd ireturn",
                (a, b) -> b + (short) a + b - 1);
        ints("iload_0 iload_2 icmp s2i ireturn", Integer::compare);
        ints("iload_0 i2b s2i iload_2 i2s s2i iadd ireturn", (a, b) -> (byte) a + (short) b);
        ints("iinc_w 0 30000 iinc 2 -128 iload_0 iload_2 ixor ireturn", (a, b) -> a + 30000 ^ b - 128);
    }

    @Test
    void subroutinesReturnWhereTheyWereCalled() throws ReflectiveOperationException {
        // twice: c = a + b; a = c
        shorts("jsr 8 jsr 5 sload_0 sreturn astore_3 sload_0 sload_1 sadd sstore_0 ret 3", (a, b) -> a + b + b);
    }

    @Test
    void farBranchesAndWideConstants() throws ReflectiveOperationException {
        shorts("sload_0 iflt_w 6 goto_w 5 sload_1 sreturn sload_1 sneg sreturn", (a, b) -> a < 0 ? b : -b);
        shorts(
                "sinc_w 0 -300 sload_0 sload_1 if_scmpgt_w 5 sload_0 sreturn sload_1 sreturn",
                (a, b) -> Math.min((short) (a - 300), b));
        shorts("sspush 0x1234 bspush -7 sadd sreturn", (a, b) -> 0x1234 - 7);
    }

    @Test
    void exceptionsOfTheMachine() {
        Method division = linked(SHORTS, "sload_0 sload_1 sdiv sreturn");
        InvocationTargetException e = org.junit.jupiter.api.Assertions.assertThrows(
                InvocationTargetException.class, () -> division.invoke(null, (short) 5, (short) 0));
        assertEquals(ArithmeticException.class, e.getCause().getClass());
    }
}
