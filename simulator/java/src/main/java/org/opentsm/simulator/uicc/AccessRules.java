// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;

/**
 * Who may do what with a file: expanded rules, in the file's own data object AB or in a record of EF.ARR that 8B names,
 * or the compact form 8C; ETSI TS 102 221 9.2, ISO 7816-4 5.4.3. What no rule speaks of is never allowed.
 */
final class AccessRules {

    /** EF.ARR of the card, and of an application. */
    static final int CARD_FILE = 0x2F06;

    static final int APPLICATION_FILE = 0x6F06;
    /** Record for what everybody may do with. */
    static final int ALWAYS = 1;

    private static final int REFERENCE = 0x8B;
    private static final int COMPACT = 0x8C;
    private static final int EXPANDED = 0xAB;
    private static final int MODES = 0x80;
    private static final int INSTRUCTION = 0x84;
    private static final int ALWAYS_DO = 0x90;
    private static final int NEVER_DO = 0x97;
    private static final int BYTE_DO = 0x9E;
    private static final int USER_DO = 0xA4;
    private static final int OR_DO = 0xA0;
    private static final int AND_DO = 0xAF;
    private static final int KEY = 0x83;
    private static final int HIGHEST_MODE = 0x40;
    private static final int NEVER = 0xFF;

    private AccessRules() {}

    /** {@code 8B 03 EF.ARR record}. */
    static byte[] reference(int file, int record) {
        return new byte[] {(byte) REFERENCE, 3, (byte) (file >> 8), (byte) file, (byte) record};
    }

    /** Whether somebody with these rights may do it. */
    static boolean allow(FileTree tree, CardFile file, int act, AccessDomain rights) {
        byte[] rules = file.security();
        if (rights.isEmpty() || rules.length < 2) {
            return false;
        }
        byte[] value = Arrays.copyOfRange(rules, 2, rules.length);
        return switch (rules[0] & 0xFF) {
            case REFERENCE -> expanded(record(tree, file, value), act, rights);
            case EXPANDED -> expanded(value, act, rights);
            case COMPACT -> compact(value, act, rights);
            default -> false;
        };
    }

    /**
     * {@code file, record} or {@code file, {environment, record}..}: of the environments 00 is the terminal's and the
     * first otherwise. The file is looked for in the file's directory and upwards.
     */
    private static byte[] record(FileTree tree, CardFile file, byte[] reference) {
        if (reference.length < 3) {
            return new byte[0];
        }
        int identifier = (reference[0] & 0xFF) << 8 | reference[1] & 0xFF;
        int record = (reference.length == 3 ? reference[2] : reference[3]) & 0xFF;
        for (CardFile at = file; at != null; at = at.parent) {
            CardFile rules = at.isDirectory() ? tree.child(at, identifier) : null;
            if (rules != null && !rules.isDirectory()) {
                boolean known = record >= 1 && record <= rules.recordCount();
                int start = (record - 1) * rules.recordLength;
                return known ? Arrays.copyOfRange(rules.body(), start, start + rules.recordLength) : new byte[0];
            }
        }
        return new byte[0];
    }

    /** {@code {80 01 modes | 84 01 instruction, conditions..}..}; one condition of several is enough. */
    private static boolean expanded(byte[] rules, int act, AccessDomain rights) {
        boolean meant = false;
        for (int at = 0; at + 1 < rules.length; ) {
            int tag = rules[at] & 0xFF;
            int length = rules[at + 1] & 0xFF;
            int from = at + 2;
            int to = from + length;
            if (to > rules.length || tag == 0xFF || tag == 0) {
                return false;
            }
            if (tag >= MODES && tag < ALWAYS_DO) {
                meant = length == 1 && means(tag, rules[from] & 0xFF, act);
            } else if (meant && holds(tag, rules, from, to, rights)) {
                return true;
            }
            at = to;
        }
        return false;
    }

    private static boolean means(int tag, int value, int act) {
        boolean byInstruction = act > FilePlace.MOST_MODES;
        return byInstruction
                ? tag == INSTRUCTION && value == act - FilePlace.MOST_MODES
                : tag == MODES && (value & act) != 0;
    }

    private static boolean holds(int tag, byte[] rules, int from, int to, AccessDomain rights) {
        return switch (tag) {
            case ALWAYS_DO -> rights.always();
            case BYTE_DO -> to > from && rules[from] == 0 && rights.always();
            case USER_DO -> rights.knows(key(rules, from, to));
            case OR_DO -> each(rules, from, to, rights, false);
            case AND_DO -> each(rules, from, to, rights, true);
            case NEVER_DO -> false;
            default -> false;
        };
    }

    private static boolean each(byte[] rules, int from, int end, AccessDomain rights, boolean all) {
        boolean found = false;
        for (int at = from; at + 1 < end; ) {
            int to = at + 2 + (rules[at + 1] & 0xFF);
            if (to > end) {
                return false;
            }
            boolean holds = holds(rules[at] & 0xFF, rules, at + 2, to, rights);
            if (holds != all) {
                return holds;
            }
            found = true;
            at = to;
        }
        return found && all;
    }

    private static int key(byte[] rules, int from, int end) {
        for (int at = from; at + 2 < end; at += 2 + (rules[at + 1] & 0xFF)) {
            if ((rules[at] & 0xFF) == KEY) {
                return rules[at + 2] & 0xFF;
            }
        }
        return -1;
    }

    /** {@code modes, a condition for each bit that is set, the highest first}. */
    private static boolean compact(byte[] value, int act, AccessDomain rights) {
        int at = 1;
        for (int mode = HIGHEST_MODE; mode > 0 && value.length > 0; mode >>= 1) {
            if ((value[0] & mode) == 0) {
                continue;
            }
            if (mode == act) {
                int condition = at < value.length ? value[at] & 0xFF : NEVER;
                return condition == 0 ? rights.always() : condition != NEVER && rights.isFull();
            }
            at++;
        }
        return false;
    }
}
