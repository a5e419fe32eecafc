// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import javacard.security.RSAPrivateCrtKey;
import javacard.security.RSAPrivateKey;
import javacard.security.RSAPublicKey;

/** RSA keys. A setter takes what it is given, to the byte; nothing is judged before the key is used. */
public abstract class RsaKey extends CardKey {

    private RsaKey(byte type, int sizeBits, byte memoryType) {
        super(type, sizeBits, memoryType);
    }

    /** The key's numbers, to compute with. */
    abstract Rsa numbers();

    /** Modulus and exponent, public or private. */
    private abstract static class Plain extends RsaKey {

        private final Component modulus;
        private final Component exponent;

        Plain(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, memoryType);
            modulus = secret((sizeBits + 7) / 8);
            exponent = secret((sizeBits + 7) / 8);
        }

        @Override
        final Component[] components() {
            return new Component[] {modulus, exponent};
        }

        public final void setModulus(byte[] in, short offset, short length) {
            setNumber(modulus, in, offset, length);
        }

        public final void setExponent(byte[] in, short offset, short length) {
            setNumber(exponent, in, offset, length);
        }

        public final short getModulus(byte[] out, short offset) {
            return modulus.get(out, offset);
        }

        public final short getExponent(byte[] out, short offset) {
            return exponent.get(out, offset);
        }

        final boolean hasExponent() {
            return exponent.isSet();
        }

        final BigInteger exponent() {
            return exponent.number();
        }

        final void put(byte[] newModulus, byte[] newExponent) {
            modulus.put(newModulus);
            exponent.put(newExponent);
        }

        @Override
        final Rsa numbers() {
            return new Rsa(this instanceof Private, getSize(), modulus.number(), exponent.number(), null);
        }
    }

    static final class Public extends Plain implements RSAPublicKey {
        Public(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, memoryType);
        }
    }

    static final class Private extends Plain implements RSAPrivateKey {
        Private(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, memoryType);
        }
    }

    static final class Crt extends RsaKey implements RSAPrivateCrtKey {

        private final Component p;
        private final Component q;
        private final Component dp;
        private final Component dq;
        private final Component pq;

        Crt(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, memoryType);
            int half = (sizeBits + 15) / 16;
            p = secret(half);
            q = secret(half);
            dp = secret(half);
            dq = secret(half);
            pq = secret(half);
        }

        @Override
        Component[] components() {
            return new Component[] {p, q, dp, dq, pq};
        }

        void put(byte[] newP, byte[] newQ, byte[] newDp, byte[] newDq, byte[] newPq) {
            p.put(newP);
            q.put(newQ);
            dp.put(newDp);
            dq.put(newDq);
            pq.put(newPq);
        }

        @Override
        Rsa numbers() {
            BigInteger[] crt = {p.number(), q.number(), dp.number(), dq.number(), pq.number()};
            return new Rsa(true, getSize(), crt[0].multiply(crt[1]), BigInteger.ONE, crt);
        }

        @Override
        public void setP(byte[] in, short offset, short length) {
            setNumber(p, in, offset, length);
        }

        @Override
        public void setQ(byte[] in, short offset, short length) {
            setNumber(q, in, offset, length);
        }

        @Override
        public void setDP1(byte[] in, short offset, short length) {
            setNumber(dp, in, offset, length);
        }

        @Override
        public void setDQ1(byte[] in, short offset, short length) {
            setNumber(dq, in, offset, length);
        }

        @Override
        public void setPQ(byte[] in, short offset, short length) {
            setNumber(pq, in, offset, length);
        }

        @Override
        public short getP(byte[] out, short offset) {
            return p.get(out, offset);
        }

        @Override
        public short getQ(byte[] out, short offset) {
            return q.get(out, offset);
        }

        @Override
        public short getDP1(byte[] out, short offset) {
            return dp.get(out, offset);
        }

        @Override
        public short getDQ1(byte[] out, short offset) {
            return dq.get(out, offset);
        }

        @Override
        public short getPQ(byte[] out, short offset) {
            return pq.get(out, offset);
        }
    }
}
