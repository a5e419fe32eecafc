// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacardx.crypto.Cipher;
import org.bouncycastle.crypto.CryptoException;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.SignerWithRecovery;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.ISO9796d2PSSSigner;
import org.bouncycastle.crypto.signers.ISO9796d2Signer;

/**
 * ISO/IEC 9796-2: the signature carries as much of the message as fits. Scheme 1, scheme 2 with a salt as long as the
 * hash, scheme 3 without; the trailer is BC, with option 2 it names the hash.
 */
final class Iso9796Scheme implements SignatureScheme {

    private final SignerWithRecovery signer;
    private final Rsa rsa;

    Iso9796Scheme(byte digest, byte padding, Rsa rsa, boolean sign) {
        this.rsa = rsa;
        try {
            signer = signer(Digests.make(digest), digest, padding);
            RsaBlocks.Parameters key = new RsaBlocks.Parameters(rsa);
            boolean salted =
                    padding == Cipher.PAD_ISO9796_MR_SCHEME_2 || padding == Cipher.PAD_ISO9796_MR_SCHEME_2_OPT_2;
            signer.init(
                    sign,
                    salted && sign
                            ? new ParametersWithRandom(key, CryptoHost.current().random())
                            : key);
        } catch (IllegalArgumentException e) {
            throw Fault.illegalValue();
        }
    }

    /** True of the paddings that this class makes. */
    static boolean isIts(byte padding) {
        return switch (padding) {
            case Cipher.PAD_ISO9796,
                    Cipher.PAD_ISO9796_MR,
                    Cipher.PAD_ISO9796_MR_SCHEME_2,
                    Cipher.PAD_ISO9796_MR_SCHEME_3,
                    Cipher.PAD_ISO9796_MR_SCHEME_1_OPT_2,
                    Cipher.PAD_ISO9796_MR_SCHEME_2_OPT_2,
                    Cipher.PAD_ISO9796_MR_SCHEME_3_OPT_2 -> true;
            default -> false;
        };
    }

    private static SignerWithRecovery signer(Digest hash, byte digest, byte padding) {
        RsaBlocks blocks = new RsaBlocks();
        return switch (padding) {
            case Cipher.PAD_ISO9796_MR_SCHEME_1_OPT_2 -> new ISO9796d2Signer(blocks, hash, false);
            case Cipher.PAD_ISO9796_MR_SCHEME_2 -> new ISO9796d2PSSSigner(blocks, hash, hash.getDigestSize(), true);
            case Cipher.PAD_ISO9796_MR_SCHEME_2_OPT_2 ->
                new ISO9796d2PSSSigner(blocks, hash, hash.getDigestSize(), false);
            case Cipher.PAD_ISO9796_MR_SCHEME_3 -> new ISO9796d2PSSSigner(blocks, hash, 0, true);
            case Cipher.PAD_ISO9796_MR_SCHEME_3_OPT_2 -> new ISO9796d2PSSSigner(blocks, hash, 0, false);
            default -> new ISO9796d2Signer(blocks, hash, digest == javacard.security.MessageDigest.ALG_SHA);
        };
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
