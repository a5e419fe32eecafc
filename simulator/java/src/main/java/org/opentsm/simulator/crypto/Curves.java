// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javacard.security.NamedParameterSpec;
import org.bouncycastle.asn1.x9.ECNamedCurveTable;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.math.ec.ECCurve;

/** Known curves, and curves made of the parameters an applet set. Making one is slow, so the last ones are kept. */
final class Curves {

    private static final int KEPT = 64;

    /** Curves a key of this size begins with, by size; the API leaves them to the card. */
    private static final Map<Integer, String> DEFAULT_PRIME = Map.ofEntries(
            Map.entry(112, "secp112r1"),
            Map.entry(128, "secp128r1"),
            Map.entry(160, "secp160r1"),
            Map.entry(192, "secp192r1"),
            Map.entry(224, "secp224r1"),
            Map.entry(239, "prime239v1"),
            Map.entry(255, "curve25519"),
            Map.entry(256, "secp256r1"),
            Map.entry(320, "brainpoolP320r1"),
            Map.entry(384, "secp384r1"),
            Map.entry(512, "brainpoolP512r1"),
            Map.entry(521, "secp521r1"));

    private static final Map<Integer, String> DEFAULT_BINARY =
            Map.of(113, "sect113r1", 131, "sect131r1", 163, "sect163r1", 193, "sect193r1");

    private static final Map<Short, String> NAMES = Map.ofEntries(
            Map.entry(NamedParameterSpec.SECP192R1, "secp192r1"),
            Map.entry(NamedParameterSpec.SECP224R1, "secp224r1"),
            Map.entry(NamedParameterSpec.SECP256R1, "secp256r1"),
            Map.entry(NamedParameterSpec.SECP384R1, "secp384r1"),
            Map.entry(NamedParameterSpec.SECP521R1, "secp521r1"),
            Map.entry(NamedParameterSpec.FRP256V1, "FRP256v1"),
            Map.entry(NamedParameterSpec.SM2, "sm2p256v1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP192R1, "brainpoolP192r1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP192T1, "brainpoolP192t1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP224R1, "brainpoolP224r1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP224T1, "brainpoolP224t1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP256R1, "brainpoolP256r1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP256T1, "brainpoolP256t1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP320R1, "brainpoolP320r1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP320T1, "brainpoolP320t1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP384R1, "brainpoolP384r1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP384T1, "brainpoolP384t1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP512R1, "brainpoolP512r1"),
            Map.entry(NamedParameterSpec.BRAINPOOLP512T1, "brainpoolP512t1"));

    private static final Map<String, ECDomainParameters> KNOWN = new ConcurrentHashMap<>();
    private static final Map<Parameters, ECDomainParameters> MADE = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Parameters, ECDomainParameters> eldest) {
            return size() > KEPT;
        }
    };

    private Curves() {}

    private record Parameters(
            boolean binary,
            short sizeBits,
            BigInteger field,
            BigInteger a,
            BigInteger b,
            BigInteger g,
            BigInteger r,
            BigInteger k) {}

    static boolean supports(int sizeBits, boolean binary) {
        return (binary ? DEFAULT_BINARY : DEFAULT_PRIME).containsKey(sizeBits);
    }

    static ECDomainParameters byDefault(int sizeBits, boolean binary) {
        return known((binary ? DEFAULT_BINARY : DEFAULT_PRIME).get(sizeBits));
    }

    /** A curve of NamedParameterSpec, or null when the name is of no Weierstrass curve. */
    static ECDomainParameters named(short name) {
        return NAMES.containsKey(name) ? known(NAMES.get(name)) : null;
    }

    private static ECDomainParameters known(String name) {
        return KNOWN.computeIfAbsent(name, key -> {
            X9ECParameters parameters = CustomNamedCurves.getByName(key);
            return new ECDomainParameters(parameters == null ? ECNamedCurveTable.getByName(key) : parameters);
        });
    }

    /** @throws javacard.security.CryptoException ILLEGAL_VALUE when the parameters are no curve */
    static ECDomainParameters of(EcDomain domain) {
        Parameters parameters = new Parameters(
                domain.isBinary(),
                domain.sizeBits(),
                new BigInteger(1, domain.field.bytes()),
                domain.a.number(),
                domain.b.number(),
                new BigInteger(1, domain.g.bytes()),
                domain.r.number(),
                domain.cofactor());
        synchronized (MADE) {
            ECDomainParameters made = MADE.get(parameters);
            if (made == null) {
                made = make(domain);
                MADE.put(parameters, made);
            }
            return made;
        }
    }

    private static ECDomainParameters make(EcDomain domain) {
        try {
            ECDomainParameters fast = supports(domain.sizeBits(), domain.isBinary())
                    ? byDefault(domain.sizeBits(), domain.isBinary())
                    : null;
            if (fast != null && describes(domain, fast)) {
                return fast;
            }
            BigInteger[] abrk = {domain.a.number(), domain.b.number(), domain.r.number(), domain.cofactor()};
            ECCurve curve = domain.isBinary()
                    ? BinaryFields.curve(domain.sizeBits(), domain.field.bytes(), abrk)
                    : new ECCurve.Fp(domain.field.number(), abrk[0], abrk[1], abrk[2], abrk[3]);
            return new ECDomainParameters(curve, curve.decodePoint(domain.g.bytes()), abrk[2], abrk[3]);
        } catch (RuntimeException e) {
            throw Fault.illegalValue();
        }
    }

    /** The known curve has a faster arithmetic of its own. */
    private static boolean describes(EcDomain domain, ECDomainParameters known) {
        EcDomain its = new EcDomain(domain.sizeBits(), domain.isBinary());
        its.put(known);
        return Arrays.equals(domain.g.bytes(), its.g.bytes())
                && Arrays.equals(domain.field.bytes(), its.field.bytes())
                && domain.a.number().equals(its.a.number())
                && domain.b.number().equals(its.b.number())
                && domain.r.number().equals(its.r.number())
                && domain.cofactor().equals(its.cofactor());
    }
}
