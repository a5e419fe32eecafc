// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import javacard.security.DHKey;
import javacard.security.DHPrivateKey;
import javacard.security.DHPublicKey;
import javacard.security.DSAKey;
import javacard.security.DSAPrivateKey;
import javacard.security.DSAPublicKey;
import javacard.security.PrivateKey;
import javacard.security.PublicKey;

/** Keys of a multiplicative group: DSA and Diffie-Hellman, with domain parameters P, Q and G that keys may share. */
public abstract class GroupKey extends CardKey {

    private final Component p;
    private final Component q;
    private final Component g;
    private final Component value;

    /** @param shared a key to share domain parameters with, or null */
    private GroupKey(byte type, int sizeBits, byte memoryType, GroupKey shared, boolean hasValue) {
        super(type, sizeBits, memoryType);
        int length = (sizeBits + 7) / 8;
        p = shared == null ? lasting(length) : shared.p;
        q = shared == null ? lasting(length) : shared.q;
        g = shared == null ? lasting(length) : shared.g;
        value = hasValue ? secret(length) : null;
    }

    abstract boolean needsQ();

    @Override
    final Component[] components() {
        return value == null ? new Component[] {p, q, g} : new Component[] {p, q, g, value};
    }

    @Override
    public final boolean isInitialized() {
        return hasGroup() && (value == null || value.isSet());
    }

    /** Diffie-Hellman does without Q. */
    final boolean hasGroup() {
        return p.isSet() && g.isSet() && (q.isSet() || !needsQ());
    }

    final BigInteger p() {
        return p.number();
    }

    /** Null when it was not set. */
    final BigInteger q() {
        return q.isSet() ? q.number() : null;
    }

    final BigInteger g() {
        return g.number();
    }

    final BigInteger value() {
        return value.number();
    }

    final void putGroup(BigInteger newP, BigInteger newQ, BigInteger newG) {
        p.put(Rsa.fixed(newP, p.maxLength()));
        g.put(Rsa.fixed(newG, p.maxLength()));
        if (newQ == null) {
            return;
        }
        q.put(Rsa.fixed(newQ, (newQ.bitLength() + 7) / 8));
    }

    final void putValue(BigInteger number, int lengthBytes) {
        value.put(Rsa.fixed(number, lengthBytes));
    }

    public final void setP(byte[] in, short offset, short length) {
        setNumber(p, in, offset, length);
    }

    public final void setQ(byte[] in, short offset, short length) {
        setNumber(q, in, offset, length);
    }

    public final void setG(byte[] in, short offset, short length) {
        setNumber(g, in, offset, length);
    }

    public final short getP(byte[] out, short offset) {
        return p.get(out, offset);
    }

    public final short getQ(byte[] out, short offset) {
        return q.get(out, offset);
    }

    public final short getG(byte[] out, short offset) {
        return g.get(out, offset);
    }

    public final void setX(byte[] in, short offset, short length) {
        setNumber(value, in, offset, length);
    }

    public final short getX(byte[] out, short offset) {
        return value.get(out, offset);
    }

    public final void setY(byte[] in, short offset, short length) {
        setNumber(value, in, offset, length);
    }

    public final short getY(byte[] out, short offset) {
        return value.get(out, offset);
    }

    /** A DSA key, or the parameters alone. */
    static class Dsa extends GroupKey implements DSAKey {
        Dsa(byte type, int sizeBits, byte memoryType, GroupKey shared, boolean hasValue) {
            super(type, sizeBits, memoryType, shared, hasValue);
        }

        @Override
        final boolean needsQ() {
            return true;
        }
    }

    static final class DsaPublic extends Dsa implements DSAPublicKey, PublicKey {
        DsaPublic(byte type, int sizeBits, byte memoryType, GroupKey shared) {
            super(type, sizeBits, memoryType, shared, true);
        }
    }

    static final class DsaPrivate extends Dsa implements DSAPrivateKey, PrivateKey {
        DsaPrivate(byte type, int sizeBits, byte memoryType, GroupKey shared) {
            super(type, sizeBits, memoryType, shared, true);
        }
    }

    /** A Diffie-Hellman key, or the parameters alone. */
    static class Dh extends GroupKey implements DHKey {
        Dh(byte type, int sizeBits, byte memoryType, GroupKey shared, boolean hasValue) {
            super(type, sizeBits, memoryType, shared, hasValue);
        }

        @Override
        final boolean needsQ() {
            return false;
        }
    }

    static final class DhPublic extends Dh implements DHPublicKey, PublicKey {
        DhPublic(byte type, int sizeBits, byte memoryType, GroupKey shared) {
            super(type, sizeBits, memoryType, shared, true);
        }
    }

    static final class DhPrivate extends Dh implements DHPrivateKey, PrivateKey {
        DhPrivate(byte type, int sizeBits, byte memoryType, GroupKey shared) {
            super(type, sizeBits, memoryType, shared, true);
        }
    }
}
