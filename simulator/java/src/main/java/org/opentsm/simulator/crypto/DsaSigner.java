// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.DSA;
import org.bouncycastle.crypto.params.DSAParameters;
import org.bouncycastle.crypto.params.DSAPrivateKeyParameters;
import org.bouncycastle.crypto.params.DSAPublicKeyParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.DSAEncoding;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.StandardDSAEncoding;

/** DSA and ECDSA signatures of a hash: two numbers, as a DER sequence or one after the other. */
final class DsaSigner implements HashSigner {

    private static final int SHORT_DER_LENGTH = 127;

    private final DSA engine;
    private final BigInteger order;
    private final DSAEncoding encoding;
    private final boolean plain;

    private DsaSigner(DSA engine, CipherParameters key, boolean sign, BigInteger order, boolean plain) {
        this.engine = engine;
        this.order = order;
        this.plain = plain;
        this.encoding = plain ? PlainDSAEncoding.INSTANCE : StandardDSAEncoding.INSTANCE;
        engine.init(
                sign, sign ? new ParametersWithRandom(key, CryptoHost.current().random()) : key);
    }

    static DsaSigner dsa(GroupKey key, boolean sign) {
        DSAParameters group = new DSAParameters(key.p(), key.q(), key.g());
        return guarded(() -> new DsaSigner(
                new org.bouncycastle.crypto.signers.DSASigner(),
                sign ? new DSAPrivateKeyParameters(key.value(), group) : new DSAPublicKeyParameters(key.value(), group),
                sign,
                key.q(),
                false));
    }

    static DsaSigner ecdsa(CurveKey key, boolean sign, boolean plain) {
        return guarded(() -> new DsaSigner(
                new org.bouncycastle.crypto.signers.ECDSASigner(),
                sign
                        ? new ECPrivateKeyParameters(new BigInteger(1, key.value()), key.curve())
                        : new ECPublicKeyParameters(key.curve().getCurve().decodePoint(key.value()), key.curve()),
                sign,
                key.curve().getN(),
                plain));
    }

    /** A key that is no number or point of its group cannot be used. */
    private static DsaSigner guarded(java.util.function.Supplier<DsaSigner> make) {
        try {
            return make.get();
        } catch (IllegalArgumentException | ArithmeticException | IllegalStateException e) {
            throw Fault.illegalValue();
        }
    }

    @Override
    public int lengthBytes() {
        int number = (order.bitLength() + 7) / 8;
        if (plain) {
            return 2 * number;
        }
        int body = 2 * (number + 2) + (order.bitLength() % 8 == 0 ? 2 : 0);
        return body + (body > SHORT_DER_LENGTH ? 3 : 2);
    }

    @Override
    public byte[] sign(byte[] hash) {
        try {
            BigInteger[] numbers = engine.generateSignature(hash);
            return encoding.encode(order, numbers[0], numbers[1]);
        } catch (java.io.IOException | RuntimeException e) {
            throw Fault.illegalUse();
        }
    }

    @Override
    public boolean verify(byte[] hash, byte[] signature) {
        try {
            BigInteger[] numbers = encoding.decode(order, signature);
            return engine.verifySignature(hash, numbers[0], numbers[1]);
        } catch (java.io.IOException | RuntimeException e) {
            return false;
        }
    }
}
