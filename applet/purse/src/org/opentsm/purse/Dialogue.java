// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.RandomData;

/**
 * One transaction between its INITIALIZE and its commit. What INITIALIZE was given and answered stands in RAM; the
 * commit, done or refused, ends it, and so does every other command.
 */
final class Dialogue {

    // RAM: type (0: none), account, slot of the key, then what MACs are made over
    private static final short TYPE = (short) 0;
    private static final short WHICH = (short) 1;
    private static final short SLOT = (short) 2;
    /** Random, counter, terminal counter, type: the context of a session key. */
    private static final short CONTEXT = (short) 3;

    private static final short CONTEXT_COUNTER = (short) (CONTEXT + Spec.RANDOM);
    private static final short CONTEXT_TERMINAL = (short) (CONTEXT_COUNTER + Spec.COUNTER);
    private static final short CONTEXT_TYPE = (short) (CONTEXT_TERMINAL + Spec.TERMINAL_COUNTER);
    private static final short AMOUNT = (short) (CONTEXT_TYPE + 1);
    private static final short TERMINAL = (short) (AMOUNT + Spec.AMOUNT);
    /** The balance that the commit brings. */
    private static final short AFTER = (short) (TERMINAL + Spec.TERMINAL);

    private static final short DATA = (short) (AFTER + Spec.AMOUNT);
    private static final short ROW = (short) (DATA + 40);
    /** Counter after the step, MAC, TAC. */
    private static final short PROOF = (short) (ROW + Accounts.LOG_ROW);

    private static final short PROOF_MAC = (short) (PROOF + Spec.COUNTER);
    private static final short PROOF_TAC = (short) (PROOF_MAC + Spec.MAC);
    private static final short SIZE = (short) (PROOF_TAC + Spec.MAC);

    private final byte[] ram = JCSystem.makeTransientByteArray(SIZE, JCSystem.CLEAR_ON_DESELECT);
    private final Accounts accounts;
    private final Keys keys;
    private final Cryptography cryptography;
    private final CappFile capp;
    private final RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);

    Dialogue(Accounts accounts, Keys keys, Cryptography cryptography, CappFile capp) {
        this.capp = capp;
        this.accounts = accounts;
        this.keys = keys;
        this.cryptography = cryptography;
    }

    void end() {
        capp.drop();
        cryptography.wipe();
        Util.arrayFillNonAtomic(ram, (short) 0, SIZE, (byte) 0);
    }

    private static boolean isOffline(byte type) {
        return type == Spec.TYPE_PURCHASE_DEPOSIT || type == Spec.TYPE_PURCHASE_PURSE || type == Spec.TYPE_CAPP;
    }

    private static byte keyKind(byte type) {
        if (isOffline(type)) {
            return Spec.KEY_PURCHASE;
        }
        if (type == Spec.TYPE_LIMIT) {
            return Spec.KEY_UPDATE;
        }
        return type == Spec.TYPE_UNLOAD ? Spec.KEY_UNLOAD : Spec.KEY_LOAD;
    }

    /**
     * INITIALIZE: {@code key index(1), amount(4) but for a limit, terminal(6)} at {@code data}. Writes the response,
     * returns its length. 9403, 9303, 9402 by key and counter; 9401 more than the balance; 6985 a load that would
     * exceed the maximum.
     */
    short initialize(byte type, byte which, byte[] buffer, short data, short out) {
        short slot = keys.find(keyKind(type), buffer[data]);
        boolean offline = isOffline(type);
        accounts.requireCounter(which, offline);
        short at = (short) (data + 1);
        if (type != Spec.TYPE_LIMIT) {
            Util.arrayCopyNonAtomic(buffer, at, ram, AMOUNT, Spec.AMOUNT);
            at += Spec.AMOUNT;
        }
        Util.arrayCopyNonAtomic(buffer, at, ram, TERMINAL, Spec.TERMINAL);
        planBalance(type, which);
        ram[WHICH] = which;
        ram[SLOT] = (byte) slot;
        random.generateData(ram, CONTEXT, Spec.RANDOM);
        accounts.putCounter(which, offline, ram, CONTEXT_COUNTER);
        ram[CONTEXT_TYPE] = type;
        short end = accounts.putBalance(which, buffer, out);
        end = Util.arrayCopyNonAtomic(ram, CONTEXT_COUNTER, buffer, end, Spec.COUNTER);
        if (offline || type == Spec.TYPE_LIMIT) {
            end = which == Spec.DEPOSIT
                    ? accounts.putOverdraft(buffer, end)
                    : Util.arrayFillNonAtomic(buffer, end, Spec.LIMIT, (byte) 0);
        }
        buffer[end] = keys.version(slot);
        buffer[(short) (end + 1)] = cryptography.algorithm();
        end = Util.arrayCopyNonAtomic(ram, CONTEXT, buffer, (short) (end + 2), Spec.RANDOM);
        if (!offline) {
            cryptography.startSession(keys.key(slot), ram, CONTEXT, false);
            end = putFirstMac(type, which, buffer, end);
        }
        ram[TYPE] = type;
        return (short) (end - out);
    }

    /** The balance after, for all but a limit, which the commit names. */
    private void planBalance(byte type, byte which) {
        accounts.putBalance(which, ram, AFTER);
        if (type == Spec.TYPE_LOAD_DEPOSIT || type == Spec.TYPE_LOAD_PURSE) {
            if (Amount.add(ram, AFTER, ram, AMOUNT) || accounts.exceedsMaximum(which, ram, AFTER)) {
                ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
            }
        } else if (type != Spec.TYPE_LIMIT && Amount.subtract(ram, AFTER, ram, AMOUNT)) {
            ISOException.throwIt(Spec.SW_BALANCE_TOO_SMALL);
        }
    }

    /** MAC1 of an on-line type over {@code balance, amount or old limit, type, terminal}. */
    private short putFirstMac(byte type, byte which, byte[] out, short offset) {
        short end = accounts.putBalance(which, ram, DATA);
        end = type == Spec.TYPE_LIMIT
                ? accounts.putOverdraft(ram, end)
                : Util.arrayCopyNonAtomic(ram, AMOUNT, ram, end, Spec.AMOUNT);
        end = putTypeAndTerminal(end);
        cryptography.mac(ram, DATA, (short) (end - DATA), out, offset);
        return (short) (offset + Spec.MAC);
    }

    private short putTypeAndTerminal(short offset) {
        ram[offset] = ram[CONTEXT_TYPE];
        return Util.arrayCopyNonAtomic(ram, TERMINAL, ram, (short) (offset + 1), Spec.TERMINAL);
    }

    /** New content for a record, between the INITIALIZE FOR CAPP PURCHASE and its debit: 6985 elsewhere. */
    void cacheRecord(byte tag, byte[] buffer, short data, short length) {
        if (ram[TYPE] != Spec.TYPE_CAPP) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        capp.cache(tag, buffer, data, length);
    }

    /** The type that a commit finds open; 6985 when there is none, or one for which it is another command. */
    private byte requireOpen(byte type, byte alternative) {
        byte open = ram[TYPE];
        boolean ready = open != Spec.TYPE_CAPP || capp.hasCached();
        if (open == 0 || !ready || (open != type && open != alternative)) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        // what follows commits or refuses: there is no second try on this session key
        ram[TYPE] = (byte) 0;
        return open;
    }

    /** Counts before it compares; 9302 with the dialogue at its end. */
    private void requireMac(short length, byte[] buffer, short mac) {
        short slot = ram[SLOT];
        cryptography.mac(ram, DATA, length, ram, PROOF_MAC);
        keys.countTry(slot);
        if (Util.arrayCompare(ram, PROOF_MAC, buffer, mac, Spec.MAC) != 0) {
            end();
            ISOException.throwIt(Spec.SW_MAC_WRONG);
        }
        Util.arrayFillNonAtomic(ram, PROOF_MAC, Spec.MAC, (byte) 0);
    }

    /** CREDIT FOR LOAD, {@code date, time, MAC2}: writes the TAC. */
    short credit(byte[] buffer, short data, short out) {
        byte type = requireOpen(Spec.TYPE_LOAD_DEPOSIT, Spec.TYPE_LOAD_PURSE);
        requireMac(putAmountToTime(buffer, data), buffer, (short) (data + Spec.DATE_TIME));
        putTac(type, putResult(buffer, data));
        commit(type, buffer, data);
        return answer(PROOF_TAC, Spec.MAC, buffer, out);
    }

    /** DEBIT FOR UNLOAD, {@code date, time, MAC2}: writes MAC3. */
    short unload(byte[] buffer, short data, short out) {
        byte type = requireOpen(Spec.TYPE_UNLOAD, Spec.TYPE_UNLOAD);
        requireMac(putAmountToTime(buffer, data), buffer, (short) (data + Spec.DATE_TIME));
        cryptography.mac(ram, DATA, putResult(buffer, data), ram, PROOF_TAC);
        commit(type, buffer, data);
        return answer(PROOF_TAC, Spec.MAC, buffer, out);
    }

    /** DEBIT FOR PURCHASE, {@code terminal counter, date, time, MAC1}: writes {@code TAC, MAC2}. */
    short purchase(byte[] buffer, short data, short out) {
        byte open = ram[TYPE];
        byte type = requireOpen(isOffline(open) ? open : Spec.TYPE_PURCHASE_PURSE, Spec.TYPE_PURCHASE_DEPOSIT);
        short dateTime = (short) (data + Spec.TERMINAL_COUNTER);
        Util.arrayCopyNonAtomic(buffer, data, ram, CONTEXT_TERMINAL, Spec.TERMINAL_COUNTER);
        cryptography.startSession(keys.key(ram[SLOT]), ram, CONTEXT, true);
        requireMac(putAmountToTime(buffer, dateTime), buffer, (short) (dateTime + Spec.DATE_TIME));
        cryptography.mac(ram, AMOUNT, Spec.AMOUNT, ram, PROOF_MAC);
        short end = Util.arrayCopyNonAtomic(ram, AMOUNT, ram, DATA, Spec.AMOUNT);
        end = putTypeAndTerminal(end);
        end = Util.arrayCopyNonAtomic(buffer, data, ram, end, (short) (Spec.TERMINAL_COUNTER + Spec.DATE_TIME));
        putTac(type, (short) (end - DATA));
        commit(type, buffer, dateTime);
        Util.arrayCopyNonAtomic(ram, PROOF_MAC, buffer, (short) (out + Spec.MAC), Spec.MAC);
        return (short) (answer(PROOF_TAC, Spec.MAC, buffer, out) + Spec.MAC);
    }

    /**
     * UPDATE OVERDRAW LIMIT, {@code new limit, date, time, MAC2}: writes the TAC. 6985 over the maximum, 9401 below
     * zero.
     */
    short updateLimit(byte[] buffer, short data, short out) {
        byte type = requireOpen(Spec.TYPE_LIMIT, Spec.TYPE_LIMIT);
        short dateTime = (short) (data + Spec.LIMIT);
        short end = Util.arrayCopyNonAtomic(buffer, data, ram, DATA, Spec.LIMIT);
        end = putTypeAndTerminal(end);
        end = Util.arrayCopyNonAtomic(buffer, dateTime, ram, end, Spec.DATE_TIME);
        requireMac((short) (end - DATA), buffer, (short) (dateTime + Spec.DATE_TIME));
        planLimit(buffer, data);
        end = Util.arrayCopyNonAtomic(ram, AFTER, ram, DATA, Spec.AMOUNT);
        end = Util.arrayCopyNonAtomic(ram, CONTEXT_COUNTER, ram, end, Spec.COUNTER);
        end = Util.arrayCopyNonAtomic(buffer, data, ram, end, Spec.LIMIT);
        end = putTypeAndTerminal(end);
        end = Util.arrayCopyNonAtomic(buffer, dateTime, ram, end, Spec.DATE_TIME);
        putTac(type, (short) (end - DATA));
        commit(type, buffer, dateTime);
        return answer(PROOF_TAC, Spec.MAC, buffer, out);
    }

    /** Balance without the old limit and with the new one, which is the amount from here on. */
    private void planLimit(byte[] buffer, short limit) {
        ram[AMOUNT] = (byte) 0;
        accounts.putOverdraft(ram, (short) (AMOUNT + 1));
        short refusal = (short) 0;
        boolean over = false;
        // the new one first: what was spent of the old one may exceed the balance on the way
        ram[DATA] = (byte) 0;
        Util.arrayCopyNonAtomic(buffer, limit, ram, (short) (DATA + 1), Spec.LIMIT);
        over = Amount.add(ram, AFTER, ram, DATA);
        if (Amount.subtract(ram, AFTER, ram, AMOUNT)) {
            refusal = Spec.SW_BALANCE_TOO_SMALL;
        } else if (over || accounts.exceedsMaximum(Spec.DEPOSIT, ram, AFTER)) {
            refusal = ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        if (refusal != 0) {
            // the MAC was right: only the limit is refused
            keys.forgive(ram[SLOT]);
            end();
            ISOException.throwIt(refusal);
        }
        Util.arrayCopyNonAtomic(ram, DATA, ram, AMOUNT, Spec.AMOUNT);
    }

    /** {@code amount, type, terminal, date, time} at DATA; returns its length. */
    private short putAmountToTime(byte[] buffer, short dateTime) {
        short end = Util.arrayCopyNonAtomic(ram, AMOUNT, ram, DATA, Spec.AMOUNT);
        end = putTypeAndTerminal(end);
        return (short) (Util.arrayCopyNonAtomic(buffer, dateTime, ram, end, Spec.DATE_TIME) - DATA);
    }

    /** {@code balance after, counter before, amount, type, terminal, date, time} at DATA; returns its length. */
    private short putResult(byte[] buffer, short dateTime) {
        short end = Util.arrayCopyNonAtomic(ram, AFTER, ram, DATA, Spec.AMOUNT);
        end = Util.arrayCopyNonAtomic(ram, CONTEXT_COUNTER, ram, end, Spec.COUNTER);
        end = Util.arrayCopyNonAtomic(ram, AMOUNT, ram, end, Spec.AMOUNT);
        end = putTypeAndTerminal(end);
        return (short) (Util.arrayCopyNonAtomic(buffer, dateTime, ram, end, Spec.DATE_TIME) - DATA);
    }

    /** Under the TAC key of index 1. */
    private void putTac(byte type, short length) {
        short slot = keys.find(Spec.KEY_TAC, (byte) 1);
        cryptography.tac(keys.key(slot), ram, DATA, length, ram, PROOF_TAC);
    }

    /** Balance, counter, log, proof and the key's wrong MACs, together or not at all. */
    private void commit(byte type, byte[] buffer, short dateTime) {
        boolean offline = isOffline(type);
        byte which = ram[WHICH];
        short after = (short) (Util.getShort(ram, CONTEXT_COUNTER) + 1);
        Util.setShort(ram, PROOF, after);
        short end = Util.setShort(ram, ROW, after);
        end = which == Spec.DEPOSIT
                ? accounts.putOverdraft(ram, end)
                : Util.arrayFillNonAtomic(ram, end, Spec.LIMIT, (byte) 0);
        end = Util.arrayCopyNonAtomic(ram, AMOUNT, ram, end, Spec.AMOUNT);
        end = putTypeAndTerminal(end);
        Util.arrayCopyNonAtomic(buffer, dateTime, ram, end, Spec.DATE_TIME);
        JCSystem.beginTransaction();
        accounts.move(which, offline, ram, AFTER);
        if (type == Spec.TYPE_LIMIT) {
            accounts.setOverdraft(ram, (short) (AMOUNT + 1));
        }
        if (type == Spec.TYPE_CAPP) {
            capp.commit();
        }
        accounts.log(ram, ROW);
        accounts.prove(type, ram, PROOF);
        keys.forgive(ram[SLOT]);
        JCSystem.commitTransaction();
    }

    private short answer(short from, short length, byte[] buffer, short out) {
        Util.arrayCopyNonAtomic(ram, from, buffer, out, length);
        end();
        return length;
    }
}
