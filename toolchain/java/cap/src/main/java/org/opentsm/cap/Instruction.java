// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/**
 * A decoded instruction.
 *
 * @param offset   place in its method's bytecode (0 = first byte)
 * @param operands in the order of the layout; branches are distances from the opcode. Table switches: default, low,
 *                 high, distances. Lookup switches: default, n, then match, distance pairs.
 */
public record Instruction(int offset, Opcode opcode, List<Integer> operands) {
    public Instruction {
        operands = List.copyOf(operands);
    }

    public static Instruction of(int offset, String mnemonic, Integer... operands) {
        return new Instruction(offset, Opcodes.byName(mnemonic), List.of(operands));
    }

    public int operand(int index) {
        return operands.get(index);
    }

    public int length() {
        if (!opcode.isSwitch()) {
            return opcode.length();
        }
        int match = wide() ? 4 : 2;
        if (opcode.operands().equals(Opcodes.TABLESWITCH)) {
            return 3 + 2 * match + 2 * (operands.size() - 3);
        }
        return 5 + (operands.size() - 2) / 2 * (match + 2);
    }

    /** The constant pool index, or -1 when the instruction has none. */
    public int constantPoolIndex() {
        int at = constantPoolOperand();
        return at < 0 ? -1 : operands.get(at);
    }

    /** Distance from the opcode to the index bytes, or -1. */
    public int constantPoolOperandOffset() {
        int at = constantPoolOperand();
        int offset = 1;
        for (int i = 0; i < at; i++) {
            offset += Opcodes.width(opcode.operands().charAt(i));
        }
        return at < 0 ? -1 : offset;
    }

    private int constantPoolOperand() {
        return Math.max(opcode.operands().indexOf('c'), opcode.operands().indexOf('C'));
    }

    /** Bytecode offsets this instruction may branch to, not counting the next instruction. */
    public List<Integer> targets() {
        List<Integer> targets = new ArrayList<>();
        switch (opcode.operands()) {
            case "r", "R" -> targets.add(offset + operands.get(0));
            case Opcodes.TABLESWITCH -> {
                targets.add(offset + operands.get(0));
                operands.subList(3, operands.size()).forEach(distance -> targets.add(offset + distance));
            }
            case Opcodes.LOOKUPSWITCH -> {
                targets.add(offset + operands.get(0));
                for (int i = 3; i < operands.size(); i += 2) {
                    targets.add(offset + operands.get(i));
                }
            }
            default -> {}
        }
        return targets;
    }

    /** False when control never reaches the next instruction from here. */
    public boolean fallsThrough() {
        return switch (opcode.mnemonic()) {
            case "goto", "goto_w", "ret", "areturn", "sreturn", "ireturn", "return", "athrow" -> false;
            default -> !opcode.isSwitch();
        };
    }

    private boolean wide() {
        return opcode.mnemonic().charAt(0) == 'i';
    }

    /** @throws CapFormatException for an undefined opcode or operands that leave the code */
    public static Instruction decode(byte[] code, int offset) {
        ByteReader in = new ByteReader("bytecode", code, offset, code.length);
        int value = in.u1();
        Opcode opcode = Opcodes.of(value)
                .orElseThrow(
                        () -> new CapFormatException("bytecode", offset, "a defined opcode", String.valueOf(value)));
        List<Integer> operands = new ArrayList<>();
        boolean wide = opcode.mnemonic().charAt(0) == 'i';
        switch (opcode.operands()) {
            case Opcodes.TABLESWITCH -> decodeTable(in, operands, wide);
            case Opcodes.LOOKUPSWITCH -> decodeLookup(in, operands, wide);
            default -> {
                for (int i = 0; i < opcode.operands().length(); i++) {
                    operands.add(operand(in, opcode.operands().charAt(i)));
                }
            }
        }
        return new Instruction(offset, opcode, operands);
    }

    private static int operand(ByteReader in, char kind) {
        return switch (kind) {
            case 'b', 'r' -> in.s1();
            case 'u', 'c' -> in.u1();
            case 's', 'R' -> in.s2();
            case 'C' -> in.u2();
            default -> in.s4();
        };
    }

    private static void decodeTable(ByteReader in, List<Integer> operands, boolean wide) {
        operands.add(in.s2());
        int low = wide ? in.s4() : in.s2();
        int high = wide ? in.s4() : in.s2();
        long count = (long) high - low + 1;
        if (count < 0 || count > in.remaining() / 2) {
            throw new CapFormatException(
                    "bytecode", in.position(), "low <= high and a table that fits", low + ".." + high);
        }
        operands.add(low);
        operands.add(high);
        for (int i = 0; i < count; i++) {
            operands.add(in.s2());
        }
    }

    private static void decodeLookup(ByteReader in, List<Integer> operands, boolean wide) {
        operands.add(in.s2());
        int count = in.u2();
        operands.add(count);
        for (int i = 0; i < count; i++) {
            operands.add(wide ? in.s4() : in.s2());
            operands.add(in.s2());
        }
    }

    /** All instructions of a method, in order. */
    public static List<Instruction> decodeAll(byte[] code) {
        List<Instruction> instructions = new ArrayList<>();
        for (int offset = 0; offset < code.length; ) {
            Instruction instruction = decode(code, offset);
            instructions.add(instruction);
            offset += instruction.length();
        }
        return instructions;
    }

    public void encode(ByteWriter out) {
        out.u1(opcode.value());
        if (opcode.isSwitch()) {
            encodeSwitch(out);
            return;
        }
        for (int i = 0; i < operands.size(); i++) {
            int value = operands.get(i);
            switch (opcode.operands().charAt(i)) {
                case 'b', 'r' -> out.s1(value);
                case 'u', 'c' -> out.u1(value);
                case 's', 'R' -> out.s2(value);
                case 'C' -> out.u2(value);
                default -> out.s4(value);
            }
        }
    }

    private void encodeSwitch(ByteWriter out) {
        out.s2(operands.get(0));
        if (opcode.operands().equals(Opcodes.TABLESWITCH)) {
            match(out, operands.get(1));
            match(out, operands.get(2));
            operands.subList(3, operands.size()).forEach(out::s2);
            return;
        }
        out.u2(operands.get(1));
        for (int i = 2; i < operands.size(); i += 2) {
            match(out, operands.get(i));
            out.s2(operands.get(i + 1));
        }
    }

    private void match(ByteWriter out, int value) {
        if (wide()) {
            out.s4(value);
        } else {
            out.s2(value);
        }
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(opcode.mnemonic());
        operands.forEach(value -> text.append(' ').append(value));
        return text.toString();
    }
}
