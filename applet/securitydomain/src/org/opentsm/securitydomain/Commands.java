// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/** Every instruction of the security domains once: its class, how it is cut, who runs it (README section 4). */
final class Commands {

    // Who runs a command
    static final byte CHANNEL = (byte) 0;
    static final byte KEYS = (byte) 1;
    static final byte DATA = (byte) 2;
    static final byte CONTENT = (byte) 3;
    private static final byte GROUP_MASK = (byte) 0x03;

    /** Class 00. */
    private static final byte ISO = (byte) 0x04;
    /** Class 80. */
    private static final byte GP = (byte) 0x08;
    /** Cut by class bit 10 (ISO 7816-4 5.1.1). */
    private static final byte ISO_CHAIN = (byte) 0x10;
    /** Cut by P1 bit 80 (GPCS 11.1.5.1). */
    private static final byte GP_CHAIN = (byte) 0x20;
    /** Blocks of its own, which its reader collects (GPCS 11.11). */
    private static final byte BLOCKS = (byte) 0x40;

    /** Instruction, properties. */
    private static final byte[] TABLE = {
        Gp.INS_MANAGE_SECURITY_ENVIRONMENT, CHANNEL | ISO,
        Gp.INS_PERFORM_SECURITY_OPERATION, CHANNEL | ISO | ISO_CHAIN,
        Gp.INS_INITIALIZE_UPDATE, CHANNEL | GP,
        Gp.INS_BEGIN_R_MAC_SESSION, CHANNEL | GP,
        Gp.INS_END_R_MAC_SESSION, CHANNEL | GP,
        Gp.INS_GET_CHALLENGE, CHANNEL | ISO,
        // class 00 is SCP10's, 84 that of the symmetric protocols
        Gp.INS_EXTERNAL_AUTHENTICATE, CHANNEL | ISO | GP | ISO_CHAIN,
        Gp.INS_INTERNAL_AUTHENTICATE, CHANNEL | ISO,
        Gp.INS_GENERATE_KEY_PAIR, KEYS | GP,
        Gp.INS_PUT_KEY, KEYS | GP | GP_CHAIN,
        Gp.INS_PUT_DATA, DATA | GP,
        Gp.INS_GET_DATA, DATA | ISO | GP,
        Gp.INS_GET_DATA_FILE, DATA | ISO,
        Gp.INS_STORE_DATA, DATA | ISO | GP | BLOCKS,
        Gp.INS_INSTALL, CONTENT | GP | GP_CHAIN,
        Gp.INS_LOAD, CONTENT | GP,
        Gp.INS_DELETE, CONTENT | GP | GP_CHAIN,
        Gp.INS_GET_STATUS, CONTENT | GP,
        Gp.INS_SET_STATUS, CONTENT | GP,
    };

    private static final short ROW = (short) 2;

    private Commands() {}

    /** Properties of an instruction, or 0: none has none. */
    private static byte properties(byte ins) {
        for (short at = 0; at < (short) TABLE.length; at += ROW) {
            if (TABLE[at] == ins) {
                return TABLE[(short) (at + 1)];
            }
        }
        return (byte) 0;
    }

    private static boolean has(byte ins, byte property) {
        return (properties(ins) & property) != 0;
    }

    static boolean isoChained(byte ins) {
        return has(ins, ISO_CHAIN);
    }

    static boolean gpChained(byte ins) {
        return has(ins, GP_CHAIN);
    }

    static boolean comesInBlocks(byte ins) {
        return has(ins, BLOCKS);
    }

    /** Who runs the command; 6D00 for an unknown one, 6E00 for a class it does not have. */
    static byte group(byte cla, byte ins) {
        byte properties = properties(ins);
        if (properties == 0) {
            ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
        }
        if ((properties & ((cla & Gp.CLA_TYPE_MASK) == 0 ? ISO : GP)) == 0) {
            ISOException.throwIt(Gp.SW_CLA_NOT_SUPPORTED);
        }
        return (byte) (properties & GROUP_MASK);
    }

    /** True for GET DATA in its forms, which no state of the card takes away. */
    static boolean reads(byte ins) {
        return ins == Gp.INS_GET_DATA || ins == Gp.INS_GET_DATA_FILE;
    }
}
