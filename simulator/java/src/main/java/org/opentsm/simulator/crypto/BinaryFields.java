// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import org.bouncycastle.math.ec.ECCurve;
import org.bouncycastle.math.field.PolynomialExtensionField;

/** Fields of characteristic 2, whose reduction polynomial a key holds as one exponent or three, two bytes each. */
final class BinaryFields {

    private BinaryFields() {}

    static byte[] encode(ECCurve curve) {
        int[] present = ((PolynomialExtensionField) curve.getField())
                .getMinimalPolynomial()
                .getExponentsPresent();
        // Between 1 and the field's own size, highest first.
        int[] middle = new int[present.length - 2];
        for (int i = 0; i < middle.length; i++) {
            middle[i] = present[present.length - 2 - i];
        }
        return shorts(middle);
    }

    static byte[] shorts(int... exponents) {
        byte[] out = new byte[2 * exponents.length];
        for (int i = 0; i < exponents.length; i++) {
            out[2 * i] = (byte) (exponents[i] >> 8);
            out[2 * i + 1] = (byte) exponents[i];
        }
        return out;
    }

    static ECCurve curve(int sizeBits, byte[] exponents, BigInteger[] abrk) {
        int[] e = new int[exponents.length / 2];
        for (int i = 0; i < e.length; i++) {
            e[i] = (exponents[2 * i] & 0xFF) << 8 | exponents[2 * i + 1] & 0xFF;
        }
        java.util.Arrays.sort(e);
        return e.length == 1
                ? new ECCurve.F2m(sizeBits, e[0], abrk[0], abrk[1], abrk[2], abrk[3])
                : new ECCurve.F2m(sizeBits, e[0], e[1], e[2], abrk[0], abrk[1], abrk[2], abrk[3]);
    }
}
