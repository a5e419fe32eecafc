// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InstructionTest {
    private static Instruction decode(String hex) {
        byte[] code = MinimalApplet.bytes(hex);
        Instruction instruction = Instruction.decode(code, 0);
        ByteWriter out = new ByteWriter();
        instruction.encode(out);
        assertArrayEquals(code, out.toByteArray());
        assertEquals(code.length, instruction.length());
        return instruction;
    }

    @Test
    void the185InstructionsAreDefinedAndTheRestIsNot() {
        for (int value = 0; value < 256; value++) {
            assertEquals(value <= 184, Opcodes.of(value).isPresent(), "opcode " + value);
        }
    }

    @Test
    void landmarksOfTheTableHaveTheirValues() {
        Map<String, Integer> landmarks = Map.ofEntries(
                Map.entry("sspush", 17),
                Map.entry("iipush", 20),
                Map.entry("aload_0", 24),
                Map.entry("iload_3", 35),
                Map.entry("baload", 37),
                Map.entry("astore_0", 43),
                Map.entry("istore_3", 54),
                Map.entry("swap_x", 64),
                Map.entry("ineg", 76),
                Map.entry("ixor", 88),
                Map.entry("icmp", 95),
                Map.entry("goto", 112),
                Map.entry("ilookupswitch", 118),
                Map.entry("return", 122),
                Map.entry("putstatic_i", 130),
                Map.entry("putfield_i", 138),
                Map.entry("invokeinterface", 142),
                Map.entry("athrow", 147),
                Map.entry("iinc_w", 151),
                Map.entry("ifnonnull_w", 159),
                Map.entry("goto_w", 168),
                Map.entry("getfield_i_w", 172),
                Map.entry("getfield_i_this", 176),
                Map.entry("putfield_i_w", 180),
                Map.entry("putfield_i_this", 184));
        landmarks.forEach(
                (name, value) -> assertEquals(value, Opcodes.byName(name).value(), name));
    }

    @Test
    void operandsAreSignedAsTheirKind() {
        assertEquals("bspush -1", decode("10FF").toString());
        assertEquals("sload 255", decode("16FF").toString());
        assertEquals("iipush -2", decode("14FFFFFFFE").toString());
        assertEquals("goto -2", decode("70FE").toString());
        assertEquals("sinc 3 -1", decode("5903FF").toString());
        assertEquals("sinc_w 3 -256", decode("9603FF00").toString());
    }

    @Test
    void theConstantPoolIndexHasItsPlace() {
        Instruction call = decode("8E 02 0102 05");
        assertEquals(0x102, call.constantPoolIndex());
        assertEquals(2, call.constantPoolOperandOffset());
        assertEquals(2, decode("94 00 0007").constantPoolOperandOffset());
        assertEquals(1, decode("83 FF").constantPoolOperandOffset());
        assertEquals(-1, decode("00").constantPoolIndex());
    }

    @Test
    void switchesListAllTheirTargets() {
        assertEquals(List.of(9, 10, 11), decode("73 0009 FFFF 0000 000A 000B").targets());
        assertEquals(List.of(9, 10), decode("74 0009 00000005 00000005 000A").targets());
        assertEquals(
                List.of(4, 5, 6), decode("75 0004 0002 0001 0005 0100 0006").targets());
        assertEquals(List.of(4), decode("76 0004 0000").targets());
        assertEquals(List.of(4, -5), decode("76 0004 0001 80000000 FFFB").targets());
    }

    @Test
    void brokenInstructionsAreRefused() {
        for (String hex : List.of(
                "B9",
                "FE",
                "FF",
                "10",
                "14000000",
                "73 0000 0002 0000 0000 0000",
                "74 0000 80000000 7FFFFFFF 0000",
                "75 0000 FFFF 0000")) {
            assertThrows(CapFormatException.class, () -> Instruction.decode(MinimalApplet.bytes(hex), 0), hex);
        }
    }

    @Test
    void randomBytesDecodeToTheSameBytesOrFail() {
        long seed = 20260101;
        Random random = new Random(seed);
        int decoded = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] code = new byte[1 + random.nextInt(24)];
            random.nextBytes(code);
            code[0] = (byte) random.nextInt(190);
            Instruction instruction;
            try {
                instruction = Instruction.decode(code, 0);
            } catch (CapFormatException e) {
                continue;
            }
            decoded++;
            ByteWriter out = new ByteWriter();
            instruction.encode(out);
            assertArrayEquals(
                    java.util.Arrays.copyOf(code, instruction.length()),
                    out.toByteArray(),
                    "seed " + seed + " round " + i);
        }
        assertTrue(decoded > 10_000, "only " + decoded + " decoded");
    }
}
