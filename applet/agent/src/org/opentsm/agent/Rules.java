// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * What a server of ours says beside a script (docs/ota.md 6.1), {@code [files,]2=*,5=6A82|6A88}: behind which status
 * words of which commands, counted from 0, it goes on, and that commands of files are for the card's files. Without it
 * a script is as Amendment B has it.
 */
final class Rules {

    /** Longest text. */
    static final short MOST = (short) 200;

    private static final short STATUS_DIGITS = (short) 4;
    /** Behind the text nothing can be taken for more of it. */
    private final byte[] text =
            JCSystem.makeTransientByteArray((short) (MOST + 1 + STATUS_DIGITS), JCSystem.CLEAR_ON_RESET);

    void clear() {
        Util.arrayFillNonAtomic(text, (short) 0, (short) text.length, (byte) 0);
    }

    /** Takes the field's value. Throws PROTOCOL when it is too long. */
    void take(byte[] value, short offset, short length) {
        if (length > MOST) {
            Fault.protocol();
        }
        Util.arrayCopyNonAtomic(value, offset, text, (short) 0, length);
    }

    /** True when the script is for the card's files and its domains, command by command. */
    boolean isForBoth() {
        return text[0] == 'f';
    }

    /** True when the script goes on behind this answer to this command. */
    boolean covers(short command, short status) {
        short at = (short) 0;
        while (text[at] != 0) {
            short number = (short) 0;
            short start = at;
            while (text[at] >= '0' && text[at] <= '9' && (short) (at - start) < 3) {
                number = (short) (number * 10 + text[at] - '0');
                at++;
            }
            boolean asked = at != start && number == command && text[at] == '=';
            while (text[at] != ',' && text[at] != 0) {
                if (asked && (text[at] == '*' || isStatus((short) (at + 1), status))) {
                    return true;
                }
                at++;
            }
            if (text[at] == ',') {
                at++;
            }
        }
        return false;
    }

    private boolean isStatus(short offset, short status) {
        for (short i = (short) 0; i < STATUS_DIGITS; i++) {
            byte digit = (byte) (status >> (short) (12 - 4 * i) & 0x0F);
            if (text[(short) (offset + i)] != (byte) (digit < 10 ? '0' + digit : 'A' - 10 + digit)) {
                return false;
            }
        }
        return true;
    }
}
