// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import org.bouncycastle.crypto.CryptoException;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.signers.ISO9796d2Signer;

/** ISO/IEC 9796-2 scheme 1: the signature carries as much of the message as fits. */
final class Iso9796Scheme implements SignatureScheme {

    private final ISO9796d2Signer signer;
    private final Rsa rsa;

    Iso9796Scheme(byte digest, Rsa rsa, boolean sign) {
        this.rsa = rsa;
        try {
            signer = new ISO9796d2Signer(
                    new RsaBlocks(), Digests.make(digest), digest == javacard.security.MessageDigest.ALG_SHA);
            signer.init(sign, new RsaBlocks.Parameters(rsa));
        } catch (IllegalArgumentException e) {
            throw Fault.illegalValue();
        }
    }

    @Override
    public void update(byte[] in, int offset, int length) {
        signer.update(in, offset, length);
    }

    @Override
    public byte[] sign() {
        try {
            return signer.generateSignature();
        } catch (CryptoException | RuntimeException e) {
            throw Fault.illegalUse();
        }
    }

    /** How much of the message the signature just made carries. */
    int recoveredLength() {
        return signer.getRecoveredMessage().length;
    }

    @Override
    public boolean verify(byte[] signature) {
        try {
            return signature.length == rsa.lengthBytes() && signer.verifySignature(signature);
        } catch (RuntimeException e) {
            return false;
        }
    }

    /** @return the part of the message that the signature carries */
    byte[] recover(byte[] signature) {
        try {
            signer.updateWithRecoveredMessage(signature);
            return signer.getRecoveredMessage();
        } catch (InvalidCipherTextException | RuntimeException e) {
            throw Fault.illegalUse();
        }
    }

    @Override
    public int lengthBytes() {
        return rsa.lengthBytes();
    }
}
