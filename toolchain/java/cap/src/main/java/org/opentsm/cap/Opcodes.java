// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The instruction table: values, mnemonics and operand layout. */
public final class Opcodes {
    /** Layout of stableswitch and itableswitch: default R, low, high, R[high-low+1]. */
    public static final String TABLESWITCH = "T";
    /** Layout of slookupswitch and ilookupswitch: default R, u2 n, {match, R}[n]. */
    public static final String LOOKUPSWITCH = "L";

    private static final Opcode[] TABLE = new Opcode[256];
    private static final Map<String, Opcode> BY_NAME = new HashMap<>();

    static {
        add(0, "", "nop aconst_null");
        add(2, "", "sconst_m1 sconst_0 sconst_1 sconst_2 sconst_3 sconst_4 sconst_5");
        add(9, "", "iconst_m1 iconst_0 iconst_1 iconst_2 iconst_3 iconst_4 iconst_5");
        add(16, "b", "bspush");
        add(17, "s", "sspush");
        add(18, "b", "bipush");
        add(19, "s", "sipush");
        add(20, "i", "iipush");
        add(21, "u", "aload sload iload");
        add(24, "", "aload_0 aload_1 aload_2 aload_3 sload_0 sload_1 sload_2 sload_3 iload_0 iload_1 iload_2 iload_3");
        add(36, "", "aaload baload saload iaload");
        add(40, "u", "astore sstore istore");
        add(43, "", "astore_0 astore_1 astore_2 astore_3 sstore_0 sstore_1 sstore_2 sstore_3");
        add(51, "", "istore_0 istore_1 istore_2 istore_3");
        add(55, "", "aastore bastore sastore iastore pop pop2 dup dup2");
        add(63, "u", "dup_x swap_x");
        add(65, "", "sadd iadd ssub isub smul imul sdiv idiv srem irem sneg ineg");
        add(77, "", "sshl ishl sshr ishr sushr iushr sand iand sor ior sxor ixor");
        add(89, "ub", "sinc iinc");
        add(91, "", "s2b s2i i2b i2s icmp");
        add(96, "r", "ifeq ifne iflt ifge ifgt ifle ifnull ifnonnull");
        add(104, "r", "if_acmpeq if_acmpne if_scmpeq if_scmpne if_scmplt if_scmpge if_scmpgt if_scmple goto");
        add(113, "R", "jsr");
        add(114, "u", "ret");
        add(115, TABLESWITCH, "stableswitch itableswitch");
        add(117, LOOKUPSWITCH, "slookupswitch ilookupswitch");
        add(119, "", "areturn sreturn ireturn return");
        add(
                123,
                "C",
                "getstatic_a getstatic_b getstatic_s getstatic_i putstatic_a putstatic_b putstatic_s putstatic_i");
        add(131, "c", "getfield_a getfield_b getfield_s getfield_i putfield_a putfield_b putfield_s putfield_i");
        add(139, "C", "invokevirtual invokespecial invokestatic");
        add(142, "uCu", "invokeinterface");
        add(143, "C", "new");
        add(144, "u", "newarray");
        add(145, "C", "anewarray");
        add(146, "", "arraylength athrow");
        add(148, "uC", "checkcast instanceof");
        add(150, "us", "sinc_w iinc_w");
        add(152, "R", "ifeq_w ifne_w iflt_w ifge_w ifgt_w ifle_w ifnull_w ifnonnull_w");
        add(
                160,
                "R",
                "if_acmpeq_w if_acmpne_w if_scmpeq_w if_scmpne_w if_scmplt_w if_scmpge_w if_scmpgt_w if_scmple_w");
        add(168, "R", "goto_w");
        add(169, "C", "getfield_a_w getfield_b_w getfield_s_w getfield_i_w");
        add(173, "c", "getfield_a_this getfield_b_this getfield_s_this getfield_i_this");
        add(177, "C", "putfield_a_w putfield_b_w putfield_s_w putfield_i_w");
        add(181, "c", "putfield_a_this putfield_b_this putfield_s_this putfield_i_this");
    }

    private Opcodes() {}

    private static void add(int first, String operands, String mnemonics) {
        int value = first;
        for (String mnemonic : mnemonics.split(" ")) {
            Opcode opcode = new Opcode(value, mnemonic, operands);
            if (TABLE[value] != null || BY_NAME.put(mnemonic, opcode) != null) {
                throw new IllegalStateException("opcode " + value + " or name " + mnemonic + " is listed twice");
            }
            TABLE[value++] = opcode;
        }
    }

    /** Empty for undefined values and for impdep1, impdep2, which a CAP may not hold. */
    public static Optional<Opcode> of(int value) {
        return value >= 0 && value < 256 ? Optional.ofNullable(TABLE[value]) : Optional.empty();
    }

    /** @throws IllegalArgumentException when no instruction has that name */
    public static Opcode byName(String mnemonic) {
        Opcode opcode = BY_NAME.get(mnemonic);
        if (opcode == null) {
            throw new IllegalArgumentException("no instruction " + mnemonic);
        }
        return opcode;
    }

    static int width(char operand) {
        return switch (operand) {
            case 'b', 'u', 'r', 'c' -> 1;
            case 's', 'R', 'C' -> 2;
            case 'i' -> 4;
            default -> throw new IllegalArgumentException("operand " + operand);
        };
    }
}
