// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.util.intx;

import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.opentsm.simulator.crypto.CryptoHost;

/** Integers of four bytes. */
public final class JCint {

    private JCint() {}

    public static int makeInt(byte b1, byte b2, byte b3, byte b4) {
        return b1 << 24 | (b2 & 0xFF) << 16 | (b3 & 0xFF) << 8 | b4 & 0xFF;
    }

    public static int makeInt(short s1, short s2) {
        return s1 << 16 | s2 & 0xFFFF;
    }

    public static int getInt(byte[] bArray, short bOff) {
        return makeInt(Util.getShort(bArray, bOff), Util.getShort(bArray, (short) (bOff + 2)));
    }

    public static short setInt(byte[] bArray, short bOff, int iValue) {
        if (bOff < 0 || bOff + 4 > bArray.length) {
            throw new ArrayIndexOutOfBoundsException(bOff);
        }
        CryptoHost.current().writing(bArray);
        Util.setShort(bArray, bOff, (short) (iValue >> 16));
        return Util.setShort(bArray, (short) (bOff + 2), (short) iValue);
    }

    /** @param event JCSystem.CLEAR_ON_RESET or CLEAR_ON_DESELECT */
    public static int[] makeTransientIntArray(short length, byte event) {
        return CryptoHost.current().makeTransientInts(length, event);
    }

    /** Since 1.1; {@link JCSystem#makeArrayView} says more. */
    public static int[] makeIntArrayView(
            int[] array, short offset, short length, short attributes, Shareable siObject) {
        return (int[]) JCSystem.makeArrayView(array, offset, length, attributes, siObject);
    }
}
