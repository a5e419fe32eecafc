// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import javacard.security.AlgorithmParameterSpec;
import javacard.security.MessageDigest;
import javacard.security.SecretKey;
import javacard.security.Signature;
import javacardx.security.derivation.DerivationFunction;
import javacardx.security.derivation.KDFAnsiX963Spec;
import javacardx.security.derivation.KDFCounterModeSpec;
import javacardx.security.derivation.KDFDoublePipelineIterationModeSpec;
import javacardx.security.derivation.KDFFeedbackModeSpec;
import javacardx.security.derivation.KDFHmacSpec;
import javacardx.security.derivation.KDFIcaoMrtdSpec;
import javacardx.security.derivation.KDFIeee1363Spec;
import javacardx.security.derivation.TLSKDFExpandLabelSpec;
import javacardx.security.derivation.TLSPseudoRandomFunctionSpec;
import org.bouncycastle.crypto.DerivationParameters;
import org.bouncycastle.crypto.Mac;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.generators.KDF2BytesGenerator;
import org.bouncycastle.crypto.generators.KDFCounterBytesGenerator;
import org.bouncycastle.crypto.generators.KDFDoublePipelineIterationBytesGenerator;
import org.bouncycastle.crypto.generators.KDFFeedbackBytesGenerator;
import org.bouncycastle.crypto.macs.CMac;
import org.bouncycastle.crypto.macs.HMac;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KDFCounterParameters;
import org.bouncycastle.crypto.params.KDFDoublePipelineIterationParameters;
import org.bouncycastle.crypto.params.KDFFeedbackParameters;
import org.bouncycastle.crypto.params.KDFParameters;

/**
 * Every derivation function. The bytes are derived at init(), as many as the parameters say, and handed out in parts.
 * An algorithm is named by its hash or by its MAC: MessageDigest's and Signature's constants do not overlap.
 */
public final class DerivationEngine extends DerivationFunction {

    /** TLS parameters name no length; the longest key block of the protocol is far shorter. */
    private static final int TLS_OUTPUT_LENGTH = 1024;

    private static final int BITS_PER_BYTE = 8;

    private final short algorithm;
    private transient byte[] output;
    private transient int given;
    private transient long resets;

    private DerivationEngine(short algorithm) {
        this.algorithm = algorithm;
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static DerivationEngine make(short algorithm) {
        if (algorithm < ALG_KDF_COUNTER_MODE || algorithm > ALG_HKDF_EXPAND_LABEL_TLS13) {
            throw Fault.noSuchAlgorithm();
        }
        return new DerivationEngine(algorithm);
    }

    @Override
    public short getAlgorithm() {
        return algorithm;
    }

    @Override
    public void init(AlgorithmParameterSpec params) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(true);
        try {
            output = derive(params);
            given = 0;
            resets = host.resets();
        } catch (ClassCastException | IllegalArgumentException e) {
            throw Fault.illegalValue();
        } finally {
            host.cryptoEnds(start);
        }
    }

    private byte[] derive(AlgorithmParameterSpec params) {
        switch (algorithm) {
            case ALG_KDF_COUNTER_MODE: {
                KDFCounterModeSpec spec = (KDFCounterModeSpec) params;
                return run(
                        new KDFCounterBytesGenerator(mac(spec.getAlgorithm())),
                        new KDFCounterParameters(
                                secret(spec.getSecret()),
                                bytes(spec.getInputDataBeforeCounter()),
                                bytes(spec.getInputDataAfterCounter()),
                                bits(spec.getCounterLength())),
                        spec.getOutputLength());
            }
            case ALG_KDF_DPI_MODE: {
                KDFDoublePipelineIterationModeSpec spec = (KDFDoublePipelineIterationModeSpec) params;
                byte[] input = bytes(spec.getInputData());
                return run(
                        new KDFDoublePipelineIterationBytesGenerator(mac(spec.getAlgorithm())),
                        spec.getCounterLength() == 0
                                ? KDFDoublePipelineIterationParameters.createWithoutCounter(
                                        secret(spec.getSecret()), input)
                                : KDFDoublePipelineIterationParameters.createWithCounter(
                                        secret(spec.getSecret()), input, bits(spec.getCounterLength())),
                        spec.getOutputLength());
            }
            case ALG_KDF_FEEDBACK_MODE: {
                KDFFeedbackModeSpec spec = (KDFFeedbackModeSpec) params;
                byte[] input = bytes(spec.getInputData());
                return run(
                        new KDFFeedbackBytesGenerator(mac(spec.getAlgorithm())),
                        spec.getCounterLength() == 0
                                ? KDFFeedbackParameters.createWithoutCounter(
                                        secret(spec.getSecret()), bytes(spec.getIV()), input)
                                : KDFFeedbackParameters.createWithCounter(
                                        secret(spec.getSecret()),
                                        bytes(spec.getIV()),
                                        input,
                                        bits(spec.getCounterLength())),
                        spec.getOutputLength());
            }
            case ALG_KDF_ANSI_X9_63: {
                KDFAnsiX963Spec spec = (KDFAnsiX963Spec) params;
                return run(
                        new KDF2BytesGenerator(Digests.make(digest(spec.getAlgorithm()))),
                        new KDFParameters(spec.getSecret(), bytes(spec.getSharedInfo())),
                        spec.getOutputLength());
            }
            case ALG_KDF_HKDF: {
                KDFHmacSpec spec = (KDFHmacSpec) params;
                return run(
                        new HKDFBytesGenerator(Digests.make(digest(spec.getAlgorithm()))),
                        new HKDFParameters(spec.getSecret(), spec.getSalt(), spec.getInfo()),
                        spec.getOutputLength());
            }
            case ALG_HKDF_EXPAND_LABEL_TLS13: {
                TLSKDFExpandLabelSpec spec = (TLSKDFExpandLabelSpec) params;
                return run(
                        new HKDFBytesGenerator(Digests.make(digest(spec.getAlgorithm()))),
                        HKDFParameters.skipExtractParameters(spec.getSecret(), labelled(spec)),
                        spec.getOutputLength());
            }
            case ALG_KDF_IEEE_1363: {
                KDFIeee1363Spec spec = (KDFIeee1363Spec) params;
                return Digests.hash(digest(spec.getAlgorithm()), joined(spec.getSecret(), bytes(spec.getParameters())));
            }
            case ALG_KDF_ICAO_MRTD: {
                KDFIcaoMrtdSpec spec = (KDFIcaoMrtdSpec) params;
                return Digests.hash(digest(spec.getAlgorithm()), joined(spec.getSecret(), bytes(spec.getCounter())));
            }
            default:
                return tls((TLSPseudoRandomFunctionSpec) params);
        }
    }

    /** HkdfLabel of RFC 8446 7.1, with the prefix of RFC 9147 5.9 for DTLS. */
    private static byte[] labelled(TLSKDFExpandLabelSpec spec) {
        String prefix = spec.getLabelPrefix() == TLSKDFExpandLabelSpec.LABEL_PREFIX_DTLS13 ? "dtls13" : "tls13 ";
        byte[] label = joined(prefix.getBytes(StandardCharsets.US_ASCII), bytes(spec.getLabel()));
        byte[] context = bytes(spec.getContext());
        return ByteBuffer.allocate(4 + label.length + context.length)
                .putShort(spec.getOutputLength())
                .put((byte) label.length)
                .put(label)
                .put((byte) context.length)
                .put(context)
                .array();
    }

    /** RFC 5246 5; RFC 4346 5 exclusive-ors two functions over halves of the secret. */
    private byte[] tls(TLSPseudoRandomFunctionSpec spec) {
        byte[] key = secret(spec.getSecret());
        if (algorithm == ALG_PRF_TLS12) {
            return expand(MessageDigest.ALG_SHA_256, key, spec.getSeed());
        }
        int half = (key.length + 1) / 2;
        byte[] out = expand(MessageDigest.ALG_MD5, Arrays.copyOf(key, half), spec.getSeed());
        byte[] other =
                expand(MessageDigest.ALG_SHA, Arrays.copyOfRange(key, key.length - half, key.length), spec.getSeed());
        for (int i = 0; i < out.length; i++) {
            out[i] ^= other[i];
        }
        return out;
    }

    private static byte[] expand(byte digest, byte[] key, byte[] seed) {
        MacScheme mac = MacScheme.hmac(digest, key);
        byte[] out = new byte[TLS_OUTPUT_LENGTH];
        byte[] chain = seed;
        for (int at = 0; at < out.length; ) {
            mac.update(chain, 0, chain.length);
            chain = mac.sign();
            mac.update(chain, 0, chain.length);
            mac.update(seed, 0, seed.length);
            byte[] block = mac.sign();
            int part = Math.min(block.length, out.length - at);
            System.arraycopy(block, 0, out, at, part);
            at += part;
        }
        return out;
    }

    private static byte[] run(
            org.bouncycastle.crypto.DerivationFunction function, DerivationParameters parameters, short length) {
        if (length < 1) {
            throw Fault.illegalValue();
        }
        function.init(parameters);
        byte[] out = new byte[length];
        function.generateBytes(out, 0, length);
        return out;
    }

    private static Mac mac(byte algorithm) {
        return algorithm == Signature.ALG_AES_CMAC_128
                ? new CMac(AESEngine.newInstance())
                : new HMac(Digests.make(digest(algorithm)));
    }

    private static byte digest(byte algorithm) {
        return switch (algorithm) {
            case Signature.ALG_HMAC_SHA1 -> MessageDigest.ALG_SHA;
            case Signature.ALG_HMAC_SHA_256 -> MessageDigest.ALG_SHA_256;
            case Signature.ALG_HMAC_SHA_384 -> MessageDigest.ALG_SHA_384;
            case Signature.ALG_HMAC_SHA_512 -> MessageDigest.ALG_SHA_512;
            case Signature.ALG_HMAC_MD5 -> MessageDigest.ALG_MD5;
            case Signature.ALG_HMAC_RIPEMD160 -> MessageDigest.ALG_RIPEMD160;
            default -> algorithm;
        };
    }

    /** Counters are told in bits; small numbers can only be bytes. */
    private static int bits(short counterLength) {
        return counterLength < BITS_PER_BYTE ? BITS_PER_BYTE * counterLength : counterLength;
    }

    private static byte[] secret(SecretKey key) {
        if (!(key instanceof SymmetricKey symmetric)) {
            throw Fault.illegalValue();
        }
        return symmetric.bytes();
    }

    private static byte[] bytes(byte[] optional) {
        return optional == null ? new byte[0] : optional;
    }

    private static byte[] joined(byte[] one, byte[] other) {
        byte[] out = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, out, one.length, other.length);
        return out;
    }

    @Override
    public short nextBytes(byte[] buffer, short offset, short length) {
        Fault.checkSpan(buffer, offset, length);
        return Fault.give(CryptoHost.current(), take(length), buffer, offset);
    }

    @Override
    public short nextBytes(SecretKey key) {
        SymmetricKey target = (SymmetricKey) key;
        byte[] bytes = take(Math.min(target.maxLength(), (target.getSize() + 7) / 8));
        target.take(bytes);
        return (short) bytes.length;
    }

    @Override
    public short lastBytes(byte[] buffer, short offset, short length) {
        short done = nextBytes(buffer, offset, length);
        output = null;
        return done;
    }

    @Override
    public short lastBytes(SecretKey key) {
        short done = nextBytes(key);
        output = null;
        return done;
    }

    private byte[] take(int length) {
        if (output == null || resets != CryptoHost.current().resets()) {
            throw Fault.invalidInit();
        }
        if (length < 1 || given + length > output.length) {
            throw Fault.illegalUse();
        }
        given += length;
        return Arrays.copyOfRange(output, given - length, given);
    }
}
