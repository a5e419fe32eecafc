// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.nio.ByteBuffer;
import javacard.security.MessageDigest;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.teletrust.TeleTrusTObjectIdentifiers;
import org.bouncycastle.asn1.x509.X509ObjectIdentifiers;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.digests.EncodableDigest;
import org.bouncycastle.crypto.digests.MD5Digest;
import org.bouncycastle.crypto.digests.RIPEMD160Digest;
import org.bouncycastle.crypto.digests.SHA1Digest;
import org.bouncycastle.crypto.digests.SHA224Digest;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.digests.SHA384Digest;
import org.bouncycastle.crypto.digests.SHA3Digest;
import org.bouncycastle.crypto.digests.SHA512Digest;
import org.bouncycastle.crypto.digests.SM3Digest;

/** Hash functions by MessageDigest's constants. */
final class Digests {

    private Digests() {}

    static boolean supports(byte algorithm) {
        return algorithm >= MessageDigest.ALG_SHA && algorithm <= MessageDigest.ALG_SM3;
    }

    static Digest make(byte algorithm) {
        return switch (algorithm) {
            case MessageDigest.ALG_SHA -> new SHA1Digest();
            case MessageDigest.ALG_MD5 -> new MD5Digest();
            case MessageDigest.ALG_RIPEMD160 -> new RIPEMD160Digest();
            case MessageDigest.ALG_SHA_256 -> new SHA256Digest();
            case MessageDigest.ALG_SHA_384 -> new SHA384Digest();
            case MessageDigest.ALG_SHA_512 -> new SHA512Digest();
            case MessageDigest.ALG_SHA_224 -> new SHA224Digest();
            case MessageDigest.ALG_SHA3_224 -> new SHA3Digest(224);
            case MessageDigest.ALG_SHA3_256 -> new SHA3Digest(256);
            case MessageDigest.ALG_SHA3_384 -> new SHA3Digest(384);
            case MessageDigest.ALG_SHA3_512 -> new SHA3Digest(512);
            case MessageDigest.ALG_SM3 -> new SM3Digest();
            default -> throw Fault.noSuchAlgorithm();
        };
    }

    static ASN1ObjectIdentifier identifier(byte algorithm) {
        return switch (algorithm) {
            case MessageDigest.ALG_SHA -> X509ObjectIdentifiers.id_SHA1;
            case MessageDigest.ALG_MD5 -> PKCSObjectIdentifiers.md5;
            case MessageDigest.ALG_RIPEMD160 -> TeleTrusTObjectIdentifiers.ripemd160;
            case MessageDigest.ALG_SHA_256 -> NISTObjectIdentifiers.id_sha256;
            case MessageDigest.ALG_SHA_384 -> NISTObjectIdentifiers.id_sha384;
            case MessageDigest.ALG_SHA_512 -> NISTObjectIdentifiers.id_sha512;
            case MessageDigest.ALG_SHA_224 -> NISTObjectIdentifiers.id_sha224;
            case MessageDigest.ALG_SHA3_224 -> NISTObjectIdentifiers.id_sha3_224;
            case MessageDigest.ALG_SHA3_256 -> NISTObjectIdentifiers.id_sha3_256;
            case MessageDigest.ALG_SHA3_384 -> NISTObjectIdentifiers.id_sha3_384;
            case MessageDigest.ALG_SHA3_512 -> NISTObjectIdentifiers.id_sha3_512;
            case MessageDigest.ALG_SM3 -> GMObjectIdentifiers.sm3;
            default -> throw Fault.noSuchAlgorithm();
        };
    }

    static byte[] hash(byte algorithm, byte[] message) {
        Digest digest = make(algorithm);
        digest.update(message, 0, message.length);
        return finish(digest);
    }

    static byte[] finish(Digest digest) {
        byte[] out = new byte[digest.getDigestSize()];
        digest.doFinal(out, 0);
        return out;
    }

    /** True where a hash can go on from a chaining value. */
    static boolean resumes(byte algorithm) {
        return switch (algorithm) {
            case MessageDigest.ALG_SHA,
                    MessageDigest.ALG_MD5,
                    MessageDigest.ALG_SHA_224,
                    MessageDigest.ALG_SHA_256,
                    MessageDigest.ALG_SHA_384,
                    MessageDigest.ALG_SHA_512 -> true;
            default -> false;
        };
    }

    /**
     * A hash that goes on after a part hashed elsewhere.
     *
     * @param chain  the chaining value: 16, 20, 32 or 64 bytes
     * @param hashed how many bytes it stands for, big-endian; whole blocks
     */
    static Digest resume(byte algorithm, byte[] chain, byte[] hashed) {
        boolean wide = algorithm == MessageDigest.ALG_SHA_384 || algorithm == MessageDigest.ALG_SHA_512;
        long count = 0;
        for (byte part : hashed) {
            if (count >>> 48 != 0) {
                throw Fault.illegalValue();
            }
            count = count << 8 | part & 0xFF;
        }
        if (!resumes(algorithm)) {
            throw Fault.illegalUse();
        }
        if (chain.length != chainLength(algorithm) || count == 0 || count % (wide ? 128 : 64) != 0) {
            throw Fault.illegalValue();
        }
        // The library's saved state: buffer, its fill, byte count, chaining value, fill of the block, block; purpose.
        ByteBuffer state = ByteBuffer.allocate(wide ? 8 + 4 + 8 + 8 + chain.length + 4 : 4 + 4 + 8 + chain.length + 4);
        if (wide) {
            state.putLong(0).putInt(0).putLong(count).putLong(0).put(chain).putInt(0);
        } else {
            state.putInt(0).putInt(0).putLong(count).put(chain).putInt(0);
        }
        byte[] saved = java.util.Arrays.copyOf(state.array(), state.capacity() + 1);
        saved[saved.length - 1] = (byte) org.bouncycastle.crypto.CryptoServicePurpose.ANY.ordinal();
        return switch (algorithm) {
            case MessageDigest.ALG_SHA -> new SHA1Digest(saved);
            case MessageDigest.ALG_MD5 -> new MD5Digest(littleEndianWords(saved));
            case MessageDigest.ALG_SHA_224 -> new SHA224Digest(saved);
            case MessageDigest.ALG_SHA_256 -> new SHA256Digest(saved);
            case MessageDigest.ALG_SHA_384 -> new SHA384Digest(saved);
            default -> new SHA512Digest(saved);
        };
    }

    /**
     * The chaining value after whole blocks.
     *
     * @throws javacard.security.CryptoException ILLEGAL_USE within a block, or for a hash that does not tell it
     */
    static byte[] chain(byte algorithm, Digest digest) {
        if (!resumes(algorithm)) {
            throw Fault.illegalUse();
        }
        boolean wide = algorithm == MessageDigest.ALG_SHA_384 || algorithm == MessageDigest.ALG_SHA_512;
        byte[] state = ((EncodableDigest) digest).getEncodedState();
        int at = wide ? 28 : 16;
        long count = wide
                ? ByteBuffer.wrap(state).getLong(12)
                : ByteBuffer.wrap(state).getLong(8);
        if (count % (wide ? 128 : 64) != 0) {
            throw Fault.illegalUse();
        }
        byte[] told = algorithm == MessageDigest.ALG_MD5 ? littleEndianWords(state) : state;
        return java.util.Arrays.copyOfRange(told, at, at + chainLength(algorithm));
    }

    private static int chainLength(byte algorithm) {
        return switch (algorithm) {
            case MessageDigest.ALG_MD5 -> 16;
            case MessageDigest.ALG_SHA -> 20;
            case MessageDigest.ALG_SHA_224, MessageDigest.ALG_SHA_256 -> 32;
            default -> 64;
        };
    }

    /** MD5's chaining value is bytes in its own order, the library's state is words. */
    private static byte[] littleEndianWords(byte[] saved) {
        for (int word = 16; word < 32; word += 4) {
            byte first = saved[word];
            byte second = saved[word + 1];
            saved[word] = saved[word + 3];
            saved[word + 1] = saved[word + 2];
            saved[word + 2] = second;
            saved[word + 3] = first;
        }
        return saved;
    }
}
