// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.math.ec.ECCurve;

/** Domain parameters of one or several elliptic curve keys, in card memory. */
final class EcDomain {

    private static final int POINT_FORMAT_LENGTH = 1;

    final Component field;
    final Component a;
    final Component b;
    final Component g;
    final Component r;
    final Component k;
    private final boolean binary;
    private final short sizeBits;

    /** @param binary a field of characteristic 2 */
    EcDomain(int sizeBits, boolean binary) {
        int length = (sizeBits + 7) / 8;
        this.sizeBits = (short) sizeBits;
        this.binary = binary;
        field = CardKey.lasting(binary ? 6 : length);
        a = CardKey.lasting(length);
        b = CardKey.lasting(length);
        g = CardKey.lasting(POINT_FORMAT_LENGTH + 2 * length);
        r = CardKey.lasting(length + 1);
        k = CardKey.lasting(2);
    }

    Component[] components() {
        return new Component[] {field, a, b, g, r, k};
    }

    /** The cofactor has a default, 1. */
    boolean isSet() {
        return field.isSet() && a.isSet() && b.isSet() && g.isSet() && r.isSet();
    }

    int lengthBytes() {
        return (sizeBits + 7) / 8;
    }

    boolean isBinary() {
        return binary;
    }

    short sizeBits() {
        return sizeBits;
    }

    /** @throws javacard.security.CryptoException ILLEGAL_VALUE when the parameters are no curve */
    ECDomainParameters curve() {
        if (!isSet()) {
            throw Fault.uninitializedKey();
        }
        return Curves.of(this);
    }

    /** Fills in a known curve. */
    void put(ECDomainParameters curve) {
        ECCurve known = curve.getCurve();
        int length = lengthBytes();
        field.put(
                binary ? BinaryFields.encode(known) : Rsa.fixed(known.getField().getCharacteristic(), length));
        a.put(Rsa.fixed(known.getA().toBigInteger(), length));
        b.put(Rsa.fixed(known.getB().toBigInteger(), length));
        g.put(curve.getG().getEncoded(false));
        r.put(Rsa.fixed(curve.getN(), (curve.getN().bitLength() + 7) / 8));
        k.put(Rsa.fixed(curve.getH(), 2));
    }

    void copyFrom(EcDomain other) {
        Component[] mine = components();
        Component[] theirs = other.components();
        for (int i = 0; i < mine.length; i++) {
            if (theirs[i].isSet()) {
                mine[i].put(theirs[i].bytes());
            }
        }
    }

    BigInteger cofactor() {
        return k.isSet() ? k.number() : BigInteger.ONE;
    }
}
