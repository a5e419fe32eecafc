// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacardx.crypto.Cipher;
import org.bouncycastle.crypto.AsymmetricBlockCipher;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.encodings.ISO9796d1Encoding;
import org.bouncycastle.crypto.encodings.OAEPEncoding;
import org.bouncycastle.crypto.encodings.PKCS1Encoding;
import org.bouncycastle.crypto.params.ParametersWithRandom;

/** RSA encryption: one block, padded; without padding it is the bare power, in both modes. */
final class RsaWork implements CipherWork {

    private final Rsa rsa;
    /** Null without padding. */
    private final AsymmetricBlockCipher padded;

    private final byte[] block;
    private int length;

    RsaWork(Rsa rsa, byte padding, boolean encrypt) {
        this.rsa = rsa;
        this.padded = padded(padding);
        this.block = new byte[rsa.lengthBytes()];
        if (padded != null) {
            try {
                padded.init(
                        encrypt,
                        new ParametersWithRandom(
                                new RsaBlocks.Parameters(rsa),
                                CryptoHost.current().random()));
            } catch (IllegalArgumentException e) {
                throw Fault.illegalValue();
            }
        }
    }

    static boolean supports(byte padding) {
        return switch (padding) {
            case Cipher.PAD_NOPAD, Cipher.PAD_PKCS1, Cipher.PAD_ISO9796 -> true;
            default -> oaepDigest(padding) != 0;
        };
    }

    private static AsymmetricBlockCipher padded(byte padding) {
        return switch (padding) {
            case Cipher.PAD_NOPAD -> null;
            case Cipher.PAD_PKCS1 -> new PKCS1Encoding(new RsaBlocks());
            case Cipher.PAD_ISO9796 -> new ISO9796d1Encoding(new RsaBlocks());
            default -> new OAEPEncoding(new RsaBlocks(), Digests.make(oaepDigest(padding)));
        };
    }

    private static byte oaepDigest(byte padding) {
        return switch (padding) {
            case Cipher.PAD_PKCS1_OAEP -> javacard.security.MessageDigest.ALG_SHA;
            case Cipher.PAD_PKCS1_OAEP_SHA224 -> javacard.security.MessageDigest.ALG_SHA_224;
            case Cipher.PAD_PKCS1_OAEP_SHA256 -> javacard.security.MessageDigest.ALG_SHA_256;
            case Cipher.PAD_PKCS1_OAEP_SHA384 -> javacard.security.MessageDigest.ALG_SHA_384;
            case Cipher.PAD_PKCS1_OAEP_SHA512 -> javacard.security.MessageDigest.ALG_SHA_512;
            case Cipher.PAD_PKCS1_OAEP_SHA3_224 -> javacard.security.MessageDigest.ALG_SHA3_224;
            case Cipher.PAD_PKCS1_OAEP_SHA3_256 -> javacard.security.MessageDigest.ALG_SHA3_256;
            case Cipher.PAD_PKCS1_OAEP_SHA3_384 -> javacard.security.MessageDigest.ALG_SHA3_384;
            case Cipher.PAD_PKCS1_OAEP_SHA3_512 -> javacard.security.MessageDigest.ALG_SHA3_512;
            default -> 0;
        };
    }

    @Override
    public byte[] update(byte[] in, int offset, int inLength) {
        if (length + inLength > block.length) {
            length = 0;
            throw Fault.illegalUse();
        }
        System.arraycopy(in, offset, block, length, inLength);
        length += inLength;
        return new byte[0];
    }

    @Override
    public byte[] finish(byte[] in, int offset, int inLength) {
        update(in, offset, inLength);
        byte[] text = Arrays.copyOf(block, length);
        length = 0;
        if (padded == null) {
            if (text.length != block.length) {
                throw Fault.illegalUse();
            }
            return rsa.apply(text);
        }
        try {
            return padded.processBlock(text, 0, text.length);
        } catch (InvalidCipherTextException
                | IllegalArgumentException
                | IllegalStateException
                | ArithmeticException e) {
            throw Fault.illegalUse();
        } catch (org.bouncycastle.crypto.RuntimeCryptoException | ArrayIndexOutOfBoundsException e) {
            throw Fault.illegalUse();
        }
    }
}
