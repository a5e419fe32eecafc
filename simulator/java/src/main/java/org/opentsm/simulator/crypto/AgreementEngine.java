// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import javacard.security.AlgorithmParameterSpec;
import javacard.security.KeyAgreement;
import javacard.security.MessageDigest;
import javacard.security.NamedParameterSpec;
import javacard.security.PrivateKey;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.math.ec.rfc7748.X25519;
import org.bouncycastle.math.ec.rfc7748.X448;

/** Every key agreement. The private key may be any number: applets use it to multiply points. */
public final class AgreementEngine extends KeyAgreement {

    private final byte algorithm;
    private PrivateKey key;

    private AgreementEngine(byte algorithm) {
        this.algorithm = algorithm;
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static AgreementEngine make(byte algorithm) {
        if (algorithm < ALG_EC_SVDP_DH || algorithm > ALG_XDH) {
            throw Fault.noSuchAlgorithm();
        }
        return new AgreementEngine(algorithm);
    }

    @Override
    public byte getAlgorithm() {
        return algorithm;
    }

    @Override
    public void init(PrivateKey newKey) {
        if (!newKey.isInitialized()) {
            throw Fault.uninitializedKey();
        }
        boolean fits =
                switch (algorithm) {
                    case ALG_DH_PLAIN -> newKey instanceof GroupKey.DhPrivate;
                    case ALG_XDH -> newKey instanceof XecKey;
                    default -> newKey instanceof CurveKey;
                };
        if (!fits) {
            throw Fault.illegalValue();
        }
        if (algorithm != ALG_DH_PLAIN && !(newKey instanceof XecKey xec && montgomery(xec))) {
            ((CurveKey) newKey).curve();
        } else if (algorithm != ALG_DH_PLAIN && algorithm != ALG_XDH) {
            throw Fault.illegalValue();
        }
        if (key != newKey) {
            CryptoHost.current().mayHaveChanged();
        }
        key = newKey;
    }

    @Override
    public void init(PrivateKey newKey, AlgorithmParameterSpec params) {
        throw Fault.illegalValue();
    }

    private static boolean montgomery(XecKey xec) {
        return xec.name() == NamedParameterSpec.X25519 || xec.name() == NamedParameterSpec.X448;
    }

    @Override
    public short generateSecret(byte[] in, short offset, short length, byte[] out, short outOffset) {
        if (key == null) {
            throw Fault.invalidInit();
        }
        if (!key.isInitialized()) {
            throw Fault.uninitializedKey();
        }
        Fault.checkSpan(in, offset, length);
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(false);
        try {
            byte[] publicData = Arrays.copyOfRange(in, offset, offset + length);
            return Fault.give(host, secret(publicData), out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }

    private byte[] secret(byte[] publicData) {
        if (key instanceof GroupKey group) {
            return power(group, publicData);
        }
        if (key instanceof XecKey xec && montgomery(xec)) {
            return montgomery(xec, publicData);
        }
        CurveKey own = (CurveKey) key;
        ECDomainParameters curve = own.curve();
        ECPoint theirs = point(curve, publicData);
        BigInteger scalar = new BigInteger(1, own.value());
        boolean cofactor = algorithm == ALG_EC_SVDP_DHC || algorithm == ALG_EC_SVDP_DHC_PLAIN;
        ECPoint shared = algorithm == ALG_EC_PACE_GM
                ? curve.getG().multiply(scalar).add(theirs)
                : theirs.multiply(cofactor ? scalar.multiply(curve.getH()) : scalar);
        shared = shared.normalize();
        if (shared.isInfinity()) {
            throw Fault.illegalValue();
        }
        return switch (algorithm) {
            case ALG_EC_PACE_GM, ALG_EC_SVDP_DH_PLAIN_XY -> shared.getEncoded(false);
            case ALG_EC_SVDP_DH, ALG_EC_SVDP_DHC ->
                Digests.hash(MessageDigest.ALG_SHA, shared.getAffineXCoord().getEncoded());
            default -> shared.getAffineXCoord().getEncoded();
        };
    }

    /**
     * @throws javacard.security.CryptoException ILLEGAL_VALUE when the bytes are no point of the curve, or the point at
     *     infinity
     */
    private static ECPoint point(ECDomainParameters curve, byte[] bytes) {
        try {
            ECPoint point = curve.getCurve().decodePoint(bytes);
            if (!point.isInfinity()) {
                return point;
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            // No point: the answer below is the same.
        }
        throw Fault.illegalValue();
    }

    private static byte[] power(GroupKey own, byte[] publicData) {
        BigInteger theirs = new BigInteger(1, publicData);
        BigInteger modulus = own.p();
        boolean inGroup =
                theirs.compareTo(BigInteger.ONE) > 0 && theirs.compareTo(modulus.subtract(BigInteger.ONE)) < 0;
        if (!inGroup || own.q() != null && !theirs.modPow(own.q(), modulus).equals(BigInteger.ONE)) {
            throw Fault.illegalValue();
        }
        return Rsa.fixed(theirs.modPow(own.value(), modulus), (modulus.bitLength() + 7) / 8);
    }

    private static byte[] montgomery(XecKey own, byte[] publicData) {
        boolean small = own.name() == NamedParameterSpec.X25519;
        byte[] secret = new byte[small ? X25519.POINT_SIZE : X448.POINT_SIZE];
        if (publicData.length != secret.length) {
            throw Fault.illegalValue();
        }
        boolean contributes = small
                ? X25519.calculateAgreement(own.value(), 0, publicData, 0, secret, 0)
                : X448.calculateAgreement(own.value(), 0, publicData, 0, secret, 0);
        if (!contributes) {
            throw Fault.illegalValue();
        }
        return secret;
    }
}
