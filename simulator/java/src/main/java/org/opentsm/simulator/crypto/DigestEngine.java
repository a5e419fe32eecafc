// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.security.InitializedMessageDigest;
import org.bouncycastle.crypto.Digest;

/** Every message digest. One class serves both kinds: what may be resumed is asked of the algorithm. */
public final class DigestEngine extends InitializedMessageDigest {

    private final byte algorithm;
    private transient Digest digest;
    private transient long resets;

    private DigestEngine(byte algorithm) {
        this.algorithm = algorithm;
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static DigestEngine make(byte algorithm) {
        Digests.make(algorithm);
        return new DigestEngine(algorithm);
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM where a hash cannot go on from a chaining value */
    public static DigestEngine makeInitialized(byte algorithm) {
        if (!Digests.resumes(algorithm)) {
            throw Fault.noSuchAlgorithm();
        }
        return make(algorithm);
    }

    private Digest ready(CryptoHost host) {
        if (digest == null || resets != host.resets()) {
            digest = Digests.make(algorithm);
            resets = host.resets();
        }
        return digest;
    }

    @Override
    public byte getAlgorithm() {
        return algorithm;
    }

    @Override
    public byte getLength() {
        return (byte) Digests.make(algorithm).getDigestSize();
    }

    @Override
    public void update(byte[] given, short offset, short length) {
        byte[] in = Fault.input(given, offset, length);
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(true);
        try {
            ready(host).update(in, offset, length);
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public short doFinal(byte[] given, short inOffset, short inLength, byte[] out, short outOffset) {
        byte[] in = Fault.input(given, inOffset, inLength);
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(true);
        try {
            Digest engine = ready(host);
            Fault.checkSpan(out, outOffset, engine.getDigestSize());
            engine.update(in, inOffset, inLength);
            return Fault.give(host, Digests.finish(engine), out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }

    /** True for hashes whose chaining value can be told. */
    public static boolean tellsChain(byte algorithm) {
        return Digests.resumes(algorithm);
    }

    @Override
    public short doIntermediateMessageDigest(byte[] out, short outOffset) {
        CryptoHost host = CryptoHost.current();
        return Fault.give(host, Digests.chain(algorithm, ready(host)), out, outOffset);
    }

    @Override
    public void reset() {
        digest = null;
    }

    @Override
    public void setInitialDigest(
            byte[] chain, short chainOffset, short chainLength, byte[] hashed, short hashedOffset, short hashedLength) {
        Fault.checkSpan(chain, chainOffset, chainLength);
        Fault.checkSpan(hashed, hashedOffset, hashedLength);
        digest = Digests.resume(
                algorithm,
                Arrays.copyOfRange(chain, chainOffset, chainOffset + chainLength),
                Arrays.copyOfRange(hashed, hashedOffset, hashedOffset + hashedLength));
        resets = CryptoHost.current().resets();
    }
}
