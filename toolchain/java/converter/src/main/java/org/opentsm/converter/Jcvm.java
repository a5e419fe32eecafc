// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

/** JCVM opcodes the translator emits by name; neighbours of a family are reached by adding to its first one. */
final class Jcvm {
    static final int NOP = 0;
    static final int ACONST_NULL = 1;
    static final int SCONST_0 = 3;
    static final int ICONST_0 = 10;
    static final int BSPUSH = 16;
    static final int SSPUSH = 17;
    static final int BIPUSH = 18;
    static final int SIPUSH = 19;
    static final int IIPUSH = 20;
    static final int ALOAD = 21;
    static final int SLOAD = 22;
    static final int ILOAD = 23;
    static final int ALOAD_0 = 24;
    static final int SLOAD_0 = 28;
    static final int ILOAD_0 = 32;
    static final int AALOAD = 36;
    static final int BALOAD = 37;
    static final int SALOAD = 38;
    static final int IALOAD = 39;
    static final int ASTORE = 40;
    static final int SSTORE = 41;
    static final int ISTORE = 42;
    static final int ASTORE_0 = 43;
    static final int SSTORE_0 = 47;
    static final int ISTORE_0 = 51;
    static final int AASTORE = 55;
    static final int BASTORE = 56;
    static final int SASTORE = 57;
    static final int IASTORE = 58;
    static final int POP = 59;
    static final int POP2 = 60;
    static final int DUP = 61;
    static final int DUP2 = 62;
    static final int DUP_X = 63;
    static final int SWAP_X = 64;
    /** Pairs: short form, then int form, in the order add sub mul div rem neg shl shr ushr and or xor. */
    static final int SADD = 65;

    static final int SSUB = 67;
    static final int SMUL = 69;
    static final int SDIV = 71;
    static final int SREM = 73;
    static final int SNEG = 75;
    static final int SSHL = 77;
    static final int SSHR = 79;
    static final int SUSHR = 81;
    static final int SAND = 83;
    static final int SOR = 85;
    static final int SXOR = 87;
    static final int SINC = 89;
    static final int IINC = 90;
    static final int S2B = 91;
    static final int S2I = 92;
    static final int I2B = 93;
    static final int I2S = 94;
    static final int ICMP = 95;
    static final int IFEQ = 96;
    static final int IFNULL = 102;
    static final int IFNONNULL = 103;
    static final int IF_ACMPEQ = 104;
    static final int IF_SCMPEQ = 106;
    static final int IF_SCMPLE = 111;
    static final int GOTO = 112;
    static final int STABLESWITCH = 115;
    static final int ITABLESWITCH = 116;
    static final int SLOOKUPSWITCH = 117;
    static final int ILOOKUPSWITCH = 118;
    static final int ARETURN = 119;
    static final int SRETURN = 120;
    static final int IRETURN = 121;
    static final int RETURN = 122;
    /** Families of four by type: a, b, s, i. */
    static final int GETSTATIC_A = 123;

    static final int PUTSTATIC_A = 127;
    static final int GETFIELD_A = 131;
    static final int PUTFIELD_A = 135;
    static final int INVOKEVIRTUAL = 139;
    static final int INVOKESPECIAL = 140;
    static final int INVOKESTATIC = 141;
    static final int INVOKEINTERFACE = 142;
    static final int NEW = 143;
    static final int NEWARRAY = 144;
    static final int ANEWARRAY = 145;
    static final int ARRAYLENGTH = 146;
    static final int ATHROW = 147;
    static final int CHECKCAST = 148;
    static final int INSTANCEOF = 149;
    static final int SINC_W = 150;
    static final int IINC_W = 151;
    /** Branches 96 to 112 have their wide form this much higher. */
    static final int WIDE_BRANCH = 152 - IFEQ;

    static final int GOTO_W = 168;
    static final int GETFIELD_A_W = 169;
    static final int GETFIELD_A_THIS = 173;
    static final int PUTFIELD_A_W = 177;
    static final int PUTFIELD_A_THIS = 181;

    private Jcvm() {}

    static boolean isBranch(int op) {
        return op >= IFEQ && op <= GOTO;
    }

    static boolean isSwitch(int op) {
        return op >= STABLESWITCH && op <= ILOOKUPSWITCH;
    }

    /** True when control never passes to the next instruction. */
    static boolean endsBlock(int op) {
        return op == GOTO || op == GOTO_W || op == ATHROW || isSwitch(op) || op >= ARETURN && op <= RETURN;
    }
}
