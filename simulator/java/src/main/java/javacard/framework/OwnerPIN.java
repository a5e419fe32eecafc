// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

/**
 * A PIN that its owner sets. Applets extend it and keep the flag themselves, by the two hooks: so the constructor calls
 * none of them, since their fields have no values yet.
 */
public class OwnerPIN implements PIN {

    private static final byte VALIDATED = 0;

    private final byte tryLimit;
    private final byte maxPINSize;
    private final byte[] pinValue;
    private byte pinSize;
    private final boolean[] flags;
    /** Stands outside transactions. */
    private final byte[] triesLeft;

    /** @throws PINException ILLEGAL_VALUE for a limit or size below 1 */
    public OwnerPIN(byte tryLimit, byte maxPINSize) throws PINException {
        if (tryLimit < 1 || maxPINSize < 1) {
            PINException.throwIt(PINException.ILLEGAL_VALUE);
        }
        this.tryLimit = tryLimit;
        this.maxPINSize = maxPINSize;
        pinValue = new byte[maxPINSize];
        pinSize = maxPINSize;
        triesLeft = new byte[1];
        tries(tryLimit);
        flags = JCSystem.makeTransientBooleanArray((short) 1, JCSystem.CLEAR_ON_RESET);
    }

    protected boolean getValidatedFlag() {
        return flags[VALIDATED];
    }

    protected void setValidatedFlag(boolean value) {
        flags[VALIDATED] = value;
    }

    private void tries(byte left) {
        Util.arrayFillNonAtomic(triesLeft, (short) 0, (short) 1, left);
    }

    @Override
    public byte getTriesRemaining() {
        return triesLeft[0];
    }

    /** The counter goes down before the PIN is looked at, and stays there whatever comes of it. */
    @Override
    public boolean check(byte[] pin, short offset, byte length)
            throws ArrayIndexOutOfBoundsException, NullPointerException {
        setValidatedFlag(false);
        boolean blocked = getTriesRemaining() == 0;
        if (!blocked) {
            tries((byte) (triesLeft[0] - 1));
        }
        // one that is longer is compared with itself: for the exceptions of arrays alone
        boolean fits = length <= pinSize;
        boolean same = Util.arrayCompare(pin, offset, fits ? pinValue : pin, fits ? (short) 0 : offset, length) == 0;
        if (blocked || !same || length != pinSize) {
            return false;
        }
        setValidatedFlag(true);
        tries(tryLimit);
        return true;
    }

    @Override
    public boolean isValidated() {
        return getValidatedFlag();
    }

    @Override
    public void reset() {
        if (isValidated()) {
            resetAndUnblock();
        }
    }

    /** @throws PINException ILLEGAL_VALUE for a PIN that is too long */
    public void update(byte[] pin, short offset, byte length) throws PINException {
        if (length > maxPINSize) {
            PINException.throwIt(PINException.ILLEGAL_VALUE);
        }
        Util.arrayCopy(pin, offset, pinValue, (short) 0, length);
        pinSize = length;
        tries(tryLimit);
        setValidatedFlag(false);
    }

    public void resetAndUnblock() {
        tries(tryLimit);
        setValidatedFlag(false);
    }
}
