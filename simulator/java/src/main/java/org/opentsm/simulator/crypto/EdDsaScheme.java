// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.io.ByteArrayOutputStream;
import javacard.security.NamedParameterSpec;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.bouncycastle.math.ec.rfc8032.Ed448;

/** EdDSA of RFC 8032, pure or prehashed. The message is needed twice, so it is kept to the end. */
final class EdDsaScheme implements SignatureScheme {

    private static final byte[] NO_CONTEXT = {};

    private final boolean curve448;
    private final boolean prehash;
    private final byte[] key;
    private final ByteArrayOutputStream message = new ByteArrayOutputStream();

    /** @throws javacard.security.CryptoException ILLEGAL_VALUE when the key is of another curve */
    EdDsaScheme(XecKey key, boolean prehash) {
        curve448 = key.name() == NamedParameterSpec.ED448;
        if (!curve448 && key.name() != NamedParameterSpec.ED25519) {
            throw Fault.illegalValue();
        }
        this.prehash = prehash;
        this.key = key.value();
    }

    @Override
    public void update(byte[] in, int offset, int length) {
        message.write(in, offset, length);
    }

    @Override
    public int lengthBytes() {
        return curve448 ? Ed448.SIGNATURE_SIZE : Ed25519.SIGNATURE_SIZE;
    }

    @Override
    public byte[] sign() {
        byte[] text = take();
        byte[] out = new byte[lengthBytes()];
        if (curve448 && prehash) {
            byte[] hash = prehash448(text);
            Ed448.signPrehash(key, 0, NO_CONTEXT, hash, 0, out, 0);
        } else if (curve448) {
            Ed448.sign(key, 0, NO_CONTEXT, text, 0, text.length, out, 0);
        } else if (prehash) {
            Ed25519.signPrehash(
                    key, 0, NO_CONTEXT, Digests.hash(javacard.security.MessageDigest.ALG_SHA_512, text), 0, out, 0);
        } else {
            Ed25519.sign(key, 0, text, 0, text.length, out, 0);
        }
        return out;
    }

    @Override
    public boolean verify(byte[] signature) {
        byte[] text = take();
        if (signature.length != lengthBytes()) {
            return false;
        }
        if (curve448 && prehash) {
            return Ed448.verifyPrehash(signature, 0, key, 0, NO_CONTEXT, prehash448(text), 0);
        }
        if (curve448) {
            return Ed448.verify(signature, 0, key, 0, NO_CONTEXT, text, 0, text.length);
        }
        return prehash
                ? Ed25519.verifyPrehash(
                        signature,
                        0,
                        key,
                        0,
                        NO_CONTEXT,
                        Digests.hash(javacard.security.MessageDigest.ALG_SHA_512, text),
                        0)
                : Ed25519.verify(signature, 0, key, 0, text, 0, text.length);
    }

    private byte[] take() {
        byte[] text = message.toByteArray();
        message.reset();
        return text;
    }

    private static byte[] prehash448(byte[] text) {
        org.bouncycastle.crypto.Xof shake = Ed448.createPrehash();
        shake.update(text, 0, text.length);
        byte[] hash = new byte[Ed448.PREHASH_SIZE];
        shake.doFinal(hash, 0, hash.length);
        return hash;
    }
}
