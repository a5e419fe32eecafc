// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import org.bouncycastle.crypto.Digest;

/** A signature of the message's hash. */
final class HashScheme implements SignatureScheme {

    private final byte algorithm;
    private final HashSigner signer;
    private Digest digest;

    HashScheme(byte algorithm, HashSigner signer) {
        this.algorithm = algorithm;
        this.signer = signer;
        digest = Digests.make(algorithm);
    }

    @Override
    public void update(byte[] in, int offset, int length) {
        digest.update(in, offset, length);
    }

    @Override
    public byte[] sign() {
        return signer.sign(finish());
    }

    @Override
    public boolean verify(byte[] signature) {
        return signer.verify(finish(), signature);
    }

    private byte[] finish() {
        byte[] hash = Digests.finish(digest);
        digest = Digests.make(algorithm);
        return hash;
    }

    @Override
    public int lengthBytes() {
        return signer.lengthBytes();
    }

    @Override
    public byte[] signHash(byte[] hash) {
        requireLength(hash);
        return signer.sign(hash);
    }

    @Override
    public boolean verifyHash(byte[] hash, byte[] signature) {
        requireLength(hash);
        return signer.verify(hash, signature);
    }

    private void requireLength(byte[] hash) {
        if (hash.length != digest.getDigestSize()) {
            throw Fault.illegalUse();
        }
    }

    @Override
    public void resume(byte[] chain, byte[] hashed) {
        digest = Digests.resume(algorithm, chain, hashed);
    }
}
