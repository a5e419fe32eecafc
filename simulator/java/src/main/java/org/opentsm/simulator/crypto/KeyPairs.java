// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.security.SecureRandom;
import javacard.framework.JCSystem;
import javacard.security.Key;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.NamedParameterSpec;
import javacard.security.PrivateKey;
import javacard.security.PublicKey;
import org.bouncycastle.crypto.generators.RSAKeyPairGenerator;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.RSAKeyGenerationParameters;
import org.bouncycastle.crypto.params.RSAPrivateCrtKeyParameters;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.bouncycastle.math.ec.rfc7748.X25519;
import org.bouncycastle.math.ec.rfc7748.X448;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.bouncycastle.math.ec.rfc8032.Ed448;

/** Makes the keys of a pair and their values. A generation is one write of the card's. */
public final class KeyPairs {

    private static final BigInteger F4 = BigInteger.valueOf(0x10001);
    private static final int PRIME_CERTAINTY = 80;

    private KeyPairs() {}

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Key[] build(byte algorithm, short length) {
        byte lasting = JCSystem.MEMORY_TYPE_PERSISTENT;
        byte[] types =
                switch (algorithm) {
                    case KeyPair.ALG_RSA ->
                        new byte[] {KeyBuilder.ALG_TYPE_RSA_PUBLIC, KeyBuilder.ALG_TYPE_RSA_PRIVATE};
                    case KeyPair.ALG_RSA_CRT ->
                        new byte[] {KeyBuilder.ALG_TYPE_RSA_PUBLIC, KeyBuilder.ALG_TYPE_RSA_CRT_PRIVATE};
                    case KeyPair.ALG_DSA ->
                        new byte[] {KeyBuilder.ALG_TYPE_DSA_PUBLIC, KeyBuilder.ALG_TYPE_DSA_PRIVATE};
                    case KeyPair.ALG_EC_F2M ->
                        new byte[] {KeyBuilder.ALG_TYPE_EC_F2M_PUBLIC, KeyBuilder.ALG_TYPE_EC_F2M_PRIVATE};
                    case KeyPair.ALG_EC_FP ->
                        new byte[] {KeyBuilder.ALG_TYPE_EC_FP_PUBLIC, KeyBuilder.ALG_TYPE_EC_FP_PRIVATE};
                    case KeyPair.ALG_DH -> new byte[] {KeyBuilder.ALG_TYPE_DH_PUBLIC, KeyBuilder.ALG_TYPE_DH_PRIVATE};
                    default -> throw Fault.noSuchAlgorithm();
                };
        return new Key[] {KeyFactory.build(types[0], lasting, length), KeyFactory.build(types[1], lasting, length)};
    }

    /** @throws javacard.security.CryptoException ILLEGAL_VALUE when the keys are not of one kind and size */
    public static void requirePair(PublicKey publicKey, PrivateKey privateKey) {
        boolean pair = publicKey.getSize() == privateKey.getSize()
                && (publicKey instanceof RsaKey && privateKey instanceof RsaKey
                        || publicKey instanceof EcKey ours
                                && privateKey instanceof EcKey theirs
                                && ours.domain().isBinary() == theirs.domain().isBinary()
                        || publicKey instanceof XecKey named
                                && privateKey instanceof XecKey secret
                                && named.name() == secret.name()
                        || publicKey instanceof GroupKey ours
                                && privateKey instanceof GroupKey theirs
                                && ours.needsQ() == theirs.needsQ());
        if (!pair) {
            throw Fault.illegalValue();
        }
    }

    /**
     * Gives both keys new values. A public exponent and domain parameters that are set are kept.
     *
     * @throws javacard.security.CryptoException ILLEGAL_VALUE when what is set allows no pair
     */
    public static void generate(PublicKey publicKey, PrivateKey privateKey) {
        CryptoHost host = CryptoHost.current();
        host.writing(publicKey);
        long start = host.cryptoStarts(false);
        try {
            SecureRandom random = host.random();
            if (publicKey instanceof RsaKey.Public rsa) {
                rsa(rsa, privateKey, random);
            } else if (publicKey instanceof EcKey ours) {
                prepareDomain(ours, (EcKey) privateKey);
                weierstrass(ours, (EcKey) privateKey, random);
            } else if (publicKey instanceof XecKey named) {
                named(named, (XecKey) privateKey, random);
            } else {
                group((GroupKey) publicKey, (GroupKey) privateKey, random);
            }
            host.keyPairMade();
        } finally {
            host.cryptoEnds(start);
        }
    }

    private static void rsa(RsaKey.Public publicKey, PrivateKey privateKey, SecureRandom random) {
        BigInteger exponent = publicKey.hasExponent() ? publicKey.exponent() : F4;
        int bits = publicKey.getSize();
        if (!exponent.testBit(0) || exponent.compareTo(BigInteger.valueOf(3)) < 0 || exponent.bitLength() > bits / 2) {
            throw Fault.illegalValue();
        }
        RSAKeyPairGenerator generator = new RSAKeyPairGenerator();
        generator.init(new RSAKeyGenerationParameters(exponent, random, bits, PRIME_CERTAINTY));
        RSAPrivateCrtKeyParameters made =
                (RSAPrivateCrtKeyParameters) generator.generateKeyPair().getPrivate();
        byte[] modulus = Rsa.fixed(made.getModulus(), bits / 8);
        publicKey.put(modulus, Rsa.fixed(exponent, (exponent.bitLength() + 7) / 8));
        if (privateKey instanceof RsaKey.Crt crt) {
            int half = (bits + 15) / 16;
            crt.put(
                    Rsa.fixed(made.getP(), half),
                    Rsa.fixed(made.getQ(), half),
                    Rsa.fixed(made.getDP(), half),
                    Rsa.fixed(made.getDQ(), half),
                    Rsa.fixed(made.getQInv(), half));
        } else {
            ((RsaKey.Private) privateKey).put(modulus, Rsa.fixed(made.getExponent(), bits / 8));
        }
    }

    private static void prepareDomain(EcKey publicKey, EcKey privateKey) {
        if (!publicKey.domain().isSet() && privateKey.domain().isSet()) {
            publicKey.domain().copyFrom(privateKey.domain());
        } else if (!publicKey.domain().isSet()) {
            publicKey
                    .domain()
                    .put(Curves.byDefault(
                            publicKey.getSize(), publicKey.domain().isBinary()));
        }
        if (privateKey.domain() != publicKey.domain()) {
            privateKey.domain().copyFrom(publicKey.domain());
        }
    }

    private static void weierstrass(CurveKey publicKey, CurveKey privateKey, SecureRandom random) {
        ECDomainParameters curve = publicKey.curve();
        BigInteger scalar = below(curve.getN(), random);
        privateKey.putValue(Rsa.fixed(scalar, (curve.getN().bitLength() + 7) / 8));
        publicKey.putValue(new FixedPointCombMultiplier()
                .multiply(curve.getG(), scalar)
                .normalize()
                .getEncoded(false));
    }

    /** Even over 1 to bound - 1. */
    private static BigInteger below(BigInteger bound, SecureRandom random) {
        if (bound.bitLength() < 2) {
            throw Fault.illegalValue();
        }
        BigInteger number;
        do {
            number = new BigInteger(bound.bitLength(), random);
        } while (number.signum() == 0 || number.compareTo(bound) >= 0);
        return number;
    }

    private static void named(XecKey publicKey, XecKey privateKey, SecureRandom random) {
        byte[] secret;
        byte[] shown;
        switch (publicKey.name()) {
            case NamedParameterSpec.X25519 -> {
                secret = new byte[X25519.SCALAR_SIZE];
                shown = new byte[X25519.POINT_SIZE];
                X25519.generatePrivateKey(random, secret);
                X25519.generatePublicKey(secret, 0, shown, 0);
            }
            case NamedParameterSpec.X448 -> {
                secret = new byte[X448.SCALAR_SIZE];
                shown = new byte[X448.POINT_SIZE];
                X448.generatePrivateKey(random, secret);
                X448.generatePublicKey(secret, 0, shown, 0);
            }
            case NamedParameterSpec.ED25519 -> {
                secret = new byte[Ed25519.SECRET_KEY_SIZE];
                shown = new byte[Ed25519.PUBLIC_KEY_SIZE];
                Ed25519.generatePrivateKey(random, secret);
                Ed25519.generatePublicKey(secret, 0, shown, 0);
            }
            case NamedParameterSpec.ED448 -> {
                secret = new byte[Ed448.SECRET_KEY_SIZE];
                shown = new byte[Ed448.PUBLIC_KEY_SIZE];
                Ed448.generatePrivateKey(random, secret);
                Ed448.generatePublicKey(secret, 0, shown, 0);
            }
            default -> {
                weierstrass(publicKey, privateKey, random);
                return;
            }
        }
        privateKey.putValue(secret);
        publicKey.putValue(shown);
    }

    private static void group(GroupKey publicKey, GroupKey privateKey, SecureRandom random) {
        int bits = publicKey.getSize();
        if (!publicKey.hasGroup() && privateKey.hasGroup()) {
            publicKey.putGroup(privateKey.p(), privateKey.q(), privateKey.g());
        } else if (!publicKey.hasGroup() && publicKey.needsQ()) {
            publicKey.putGroup(
                    Groups.dsa(bits).getP(),
                    Groups.dsa(bits).getQ(),
                    Groups.dsa(bits).getG());
        } else if (!publicKey.hasGroup()) {
            publicKey.putGroup(
                    Groups.dh(bits).getP(),
                    Groups.dh(bits).getQ(),
                    Groups.dh(bits).getG());
        }
        privateKey.putGroup(publicKey.p(), publicKey.q(), publicKey.g());
        BigInteger order = publicKey.q() == null ? publicKey.p().subtract(BigInteger.ONE) : publicKey.q();
        BigInteger secret = below(order, random);
        privateKey.putValue(secret, (order.bitLength() + 7) / 8);
        try {
            publicKey.putValue(
                    publicKey.g().modPow(secret, publicKey.p()), (publicKey.p().bitLength() + 7) / 8);
        } catch (ArithmeticException e) {
            throw Fault.illegalValue();
        }
    }
}
