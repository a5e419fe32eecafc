// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.math;

import org.opentsm.simulator.crypto.CryptoHost;

/** Sets the lowest bit of bytes so that each has an even or odd number of ones, as in DES keys. */
public final class ParityBit {

    public ParityBit() {}

    public static void set(byte[] bArray, short bOff, short bLen, boolean isEven) {
        if (bOff < 0 || bLen < 0 || bOff + bLen > bArray.length) {
            throw new ArrayIndexOutOfBoundsException(bOff + bLen);
        }
        CryptoHost.current().writing(bArray);
        for (int i = bOff; i < bOff + bLen; i++) {
            boolean odd = (Integer.bitCount(bArray[i] & 0xFE) & 1) != 0;
            bArray[i] = (byte) (bArray[i] & 0xFE | (odd == isEven ? 1 : 0));
        }
    }
}
