// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.io.IOException;
import java.security.MessageDigest;
import java.util.Arrays;
import javacardx.crypto.Cipher;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.DigestInfo;
import org.bouncycastle.crypto.CryptoException;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.PSSSigner;

/** RSA signatures of a hash: PKCS#1 v1.5 (with the hash's name, or bare as RFC 2409 5.1 has it) and PSS. */
final class RsaSigner implements HashSigner {

    /** Zero, block type 1, at least eight FF, zero. */
    private static final int MIN_PADDING_LENGTH = 11;

    private final byte digest;
    private final byte padding;
    private final Rsa rsa;

    RsaSigner(byte digest, byte padding, Rsa rsa) {
        this.digest = digest;
        this.padding = padding;
        this.rsa = rsa;
    }

    @Override
    public int lengthBytes() {
        return rsa.lengthBytes();
    }

    @Override
    public byte[] sign(byte[] hash) {
        if (padding != Cipher.PAD_PKCS1_PSS) {
            return rsa.apply(encoded(hash));
        }
        try {
            PSSSigner signer = pss(hash, true);
            return fitted(signer.generateSignature());
        } catch (CryptoException | RuntimeException e) {
            throw Fault.illegalUse();
        }
    }

    /** As long as the key's size, when its modulus is shorter. */
    private byte[] fitted(byte[] signature) {
        byte[] out = new byte[rsa.lengthBytes()];
        System.arraycopy(signature, 0, out, out.length - signature.length, signature.length);
        return out;
    }

    @Override
    public boolean verify(byte[] hash, byte[] signature) {
        if (signature.length != rsa.lengthBytes()) {
            return false;
        }
        try {
            if (padding == Cipher.PAD_PKCS1_PSS) {
                int modulusLength = (rsa.modulus().bitLength() + 7) / 8;
                return pss(hash, false)
                        .verifySignature(
                                Arrays.copyOfRange(signature, signature.length - modulusLength, signature.length));
            }
            return MessageDigest.isEqual(encoded(hash), rsa.apply(signature));
        } catch (RuntimeException e) {
            return false;
        }
    }

    private PSSSigner pss(byte[] hash, boolean signing) {
        Digest function = Digests.make(digest);
        PSSSigner signer = PSSSigner.createRawSigner(
                new RsaBlocks(), function, Digests.make(digest), function.getDigestSize(), PSSSigner.TRAILER_IMPLICIT);
        signer.init(
                signing,
                new ParametersWithRandom(
                        new RsaBlocks.Parameters(rsa), CryptoHost.current().random()));
        signer.update(hash, 0, hash.length);
        return signer;
    }

    private byte[] encoded(byte[] hash) {
        byte[] payload = padding == Cipher.PAD_RFC2409 ? hash : named(hash);
        int length = rsa.lengthBytes();
        if (payload.length + MIN_PADDING_LENGTH > length) {
            throw Fault.illegalUse();
        }
        byte[] block = new byte[length];
        Arrays.fill(block, 2, length - payload.length - 1, (byte) 0xFF);
        block[1] = 1;
        System.arraycopy(payload, 0, block, length - payload.length, payload.length);
        return block;
    }

    private byte[] named(byte[] hash) {
        try {
            return new DigestInfo(new AlgorithmIdentifier(Digests.identifier(digest), DERNull.INSTANCE), hash)
                    .getEncoded();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
