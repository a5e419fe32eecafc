// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * Balances, counters, log and last proofs in one array. A commit changes them in the caller's one transaction, so that
 * a cut of the power leaves all of it before or all of it after.
 */
final class Accounts {

    // One account, deposit first
    private static final short BALANCE = (short) 0;
    private static final short ONLINE = (short) (BALANCE + Spec.AMOUNT);
    private static final short OFFLINE = (short) (ONLINE + Spec.COUNTER);
    private static final short MAXIMUM = (short) (OFFLINE + Spec.COUNTER);
    private static final short ACCOUNT = (short) (MAXIMUM + Spec.AMOUNT);

    private static final short OVERDRAFT = (short) (2 * ACCOUNT);
    private static final short NEXT_ROW = (short) (OVERDRAFT + Spec.LIMIT);
    private static final short ROWS_USED = (short) (NEXT_ROW + 1);
    private static final short LOG = (short) (ROWS_USED + 1);
    /** Counter after the step, overdraft, amount, type, terminal, date and time. */
    static final short LOG_ROW = (short) (Spec.COUNTER + Spec.LIMIT + Spec.AMOUNT + 1 + Spec.TERMINAL + Spec.DATE_TIME);

    private static final short LOG_ROWS = (short) 10;
    private static final short PROOFS = (short) (LOG + LOG_ROWS * LOG_ROW);
    /** Present, counter after the step, MAC, TAC. */
    private static final short PROOF = (short) (1 + Spec.COUNTER + 2 * Spec.MAC);

    private static final short SIZE = (short) (PROOFS + Spec.TYPE_LAST * PROOF);

    private final byte[] store = new byte[SIZE];

    private static short account(byte which) {
        return which == Spec.DEPOSIT ? (short) 0 : ACCOUNT;
    }

    /** Personalisation: largest balance of deposit and of purse. */
    void setMaxima(byte[] buffer, short offset) {
        Util.arrayCopy(buffer, offset, store, MAXIMUM, Spec.AMOUNT);
        Util.arrayCopy(buffer, (short) (offset + Spec.AMOUNT), store, (short) (ACCOUNT + MAXIMUM), Spec.AMOUNT);
    }

    short putBalance(byte which, byte[] out, short offset) {
        return Util.arrayCopyNonAtomic(store, (short) (account(which) + BALANCE), out, offset, Spec.AMOUNT);
    }

    short putCounter(byte which, boolean offline, byte[] out, short offset) {
        return Util.setShort(out, offset, counter(which, offline));
    }

    short putOverdraft(byte[] out, short offset) {
        return Util.arrayCopyNonAtomic(store, OVERDRAFT, out, offset, Spec.LIMIT);
    }

    private short counter(byte which, boolean offline) {
        return Util.getShort(store, (short) (account(which) + (offline ? OFFLINE : ONLINE)));
    }

    /** 9402 when the counter takes no further step. */
    void requireCounter(byte which, boolean offline) {
        if (counter(which, offline) == (short) 0xFFFF) {
            ISOException.throwIt(Spec.SW_COUNTER_AT_END);
        }
    }

    /** True when the amount is more than the balance of this account may be. */
    boolean exceedsMaximum(byte which, byte[] amount, short offset) {
        return Amount.isGreater(amount, offset, store, (short) (account(which) + MAXIMUM));
    }

    /** Inside the transaction of a commit: the new balance, and the counter one step on. */
    void move(byte which, boolean offline, byte[] balance, short offset) {
        short at = account(which);
        Util.arrayCopy(balance, offset, store, (short) (at + BALANCE), Spec.AMOUNT);
        Util.setShort(store, (short) (at + (offline ? OFFLINE : ONLINE)), (short) (counter(which, offline) + 1));
    }

    /** Inside the transaction of a commit. */
    void setOverdraft(byte[] limit, short offset) {
        Util.arrayCopy(limit, offset, store, OVERDRAFT, Spec.LIMIT);
    }

    /** Inside the transaction of a commit: a row {@link #LOG_ROW} bytes long in place of the oldest. */
    void log(byte[] row, short offset) {
        short next = store[NEXT_ROW];
        Util.arrayCopy(row, offset, store, (short) (LOG + (short) (next * LOG_ROW)), LOG_ROW);
        store[NEXT_ROW] = (byte) ((short) (next + 1) % LOG_ROWS);
        if (store[ROWS_USED] < LOG_ROWS) {
            store[ROWS_USED]++;
        }
    }

    /** Inside the transaction of a commit: replaces the proof of this type with {@code counter, MAC, TAC}. */
    void prove(byte type, byte[] proof, short offset) {
        short at = (short) (PROOFS + (short) ((short) (type - 1) * PROOF));
        store[at] = (byte) 1;
        Util.arrayCopy(proof, offset, store, (short) (at + 1), (short) (PROOF - 1));
    }

    /** Writes a row of the log, 1 the newest; 6A83 when there is none. */
    short putLogRow(short number, byte[] out, short offset) {
        if (number < 1 || number > store[ROWS_USED]) {
            ISOException.throwIt(ISO7816.SW_RECORD_NOT_FOUND);
        }
        short row = (short) ((short) (store[NEXT_ROW] + LOG_ROWS - number) % LOG_ROWS);
        return Util.arrayCopyNonAtomic(store, (short) (LOG + (short) (row * LOG_ROW)), out, offset, LOG_ROW);
    }

    /** Writes {@code MAC, TAC} of the last transaction of a type; 9406 unless it made this counter. */
    short putProof(byte type, byte[] counter, short counterOffset, byte[] out, short offset) {
        short at = (short) (PROOFS + (short) ((short) (type - 1) * PROOF));
        if (type < 1
                || type > Spec.TYPE_LAST
                || store[at] == 0
                || Util.arrayCompare(store, (short) (at + 1), counter, counterOffset, Spec.COUNTER) != 0) {
            ISOException.throwIt(Spec.SW_NO_PROOF);
        }
        return Util.arrayCopyNonAtomic(store, (short) (at + 1 + Spec.COUNTER), out, offset, (short) (2 * Spec.MAC));
    }
}
