// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import javacard.security.ECKey;
import javacard.security.ECPrivateKey;
import javacard.security.ECPublicKey;
import org.bouncycastle.crypto.params.ECDomainParameters;

/** Keys over a curve whose domain parameters the applet may set; at first they are those of the size's usual curve. */
public class EcKey extends CardKey implements ECKey, CurveKey {

    private final EcDomain domain;
    private final Component value;

    /**
     * @param shared a key to share domain parameters with, or null
     * @param maxValueLength 0 for parameters alone
     */
    EcKey(byte type, int sizeBits, byte memoryType, boolean binary, EcKey shared, int maxValueLength) {
        super(type, sizeBits, memoryType);
        domain = shared == null ? new EcDomain(sizeBits, binary) : shared.domain;
        value = maxValueLength == 0 ? null : secret(maxValueLength);
        if (shared == null) {
            domain.put(Curves.byDefault(sizeBits, binary));
        }
    }

    @Override
    final Component[] components() {
        Component[] all = Arrays.copyOf(domain.components(), domain.components().length + (value == null ? 0 : 1));
        if (value != null) {
            all[all.length - 1] = value;
        }
        return all;
    }

    @Override
    public final boolean isInitialized() {
        return domain.isSet() && (value == null || value.isSet());
    }

    final EcDomain domain() {
        return domain;
    }

    @Override
    public final ECDomainParameters curve() {
        return domain.curve();
    }

    @Override
    public final byte[] value() {
        return value.bytes();
    }

    @Override
    public final void putValue(byte[] bytes) {
        value.put(bytes);
    }

    @Override
    public final void setFieldFP(byte[] in, short offset, short length) {
        if (domain.isBinary()) {
            throw Fault.noSuchAlgorithm();
        }
        setNumber(domain.field, in, offset, length);
    }

    @Override
    public final void setFieldF2M(short e) {
        setBinaryField(e);
    }

    @Override
    public final void setFieldF2M(short e1, short e2, short e3) {
        setBinaryField(e1, e2, e3);
    }

    private void setBinaryField(int... exponents) {
        if (!domain.isBinary()) {
            throw Fault.noSuchAlgorithm();
        }
        for (int exponent : exponents) {
            if (exponent <= 0 || exponent >= getSize()) {
                throw Fault.illegalValue();
            }
        }
        domain.field.set(BinaryFields.shorts(exponents));
    }

    @Override
    public final void setA(byte[] in, short offset, short length) {
        setNumber(domain.a, in, offset, length);
    }

    @Override
    public final void setB(byte[] in, short offset, short length) {
        setNumber(domain.b, in, offset, length);
    }

    @Override
    public final void setG(byte[] in, short offset, short length) {
        setPoint(domain.g, in, offset, length);
    }

    @Override
    public final void setR(byte[] in, short offset, short length) {
        setNumber(domain.r, in, offset, length);
    }

    @Override
    public final void setK(short cofactor) {
        if (cofactor == 0) {
            throw Fault.illegalValue();
        }
        domain.k.set(BinaryFields.shorts(cofactor));
    }

    @Override
    public final short getField(byte[] out, short offset) {
        return domain.field.get(out, offset);
    }

    @Override
    public final short getA(byte[] out, short offset) {
        return domain.a.get(out, offset);
    }

    @Override
    public final short getB(byte[] out, short offset) {
        return domain.b.get(out, offset);
    }

    @Override
    public final short getG(byte[] out, short offset) {
        return domain.g.get(out, offset);
    }

    @Override
    public final short getR(byte[] out, short offset) {
        return domain.r.get(out, offset);
    }

    @Override
    public final short getK() {
        return new BigInteger(1, domain.k.bytes()).shortValue();
    }

    @Override
    public final void copyDomainParametersFrom(ECKey other) {
        EcKey source = (EcKey) other;
        if (source.domain.sizeBits() != domain.sizeBits() || source.domain.isBinary() != domain.isBinary()) {
            throw Fault.illegalValue();
        }
        if (!source.domain.isSet()) {
            throw Fault.uninitializedKey();
        }
        CryptoHost.current().writing(this);
        domain.copyFrom(source.domain);
    }

    public final void setS(byte[] in, short offset, short length) {
        setNumber(value, in, offset, length);
    }

    public final void setW(byte[] in, short offset, short length) {
        setPoint(value, in, offset, length);
    }

    public final short getS(byte[] out, short offset) {
        return value.get(out, offset);
    }

    public final short getW(byte[] out, short offset) {
        return value.get(out, offset);
    }

    private void setPoint(Component component, byte[] in, short offset, short length) {
        byte[] point = plain(in, offset, length);
        if (point.length < 1 || point.length > component.maxLength()) {
            throw Fault.illegalValue();
        }
        component.set(point);
    }

    static final class Public extends EcKey implements ECPublicKey {
        Public(byte type, int sizeBits, byte memoryType, boolean binary, EcKey shared) {
            super(type, sizeBits, memoryType, binary, shared, 1 + 2 * ((sizeBits + 7) / 8));
        }
    }

    static final class Private extends EcKey implements ECPrivateKey {
        Private(byte type, int sizeBits, byte memoryType, boolean binary, EcKey shared) {
            super(type, sizeBits, memoryType, binary, shared, (sizeBits + 7) / 8 + 1);
        }
    }
}
