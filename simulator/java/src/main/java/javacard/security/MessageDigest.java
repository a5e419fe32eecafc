// SPDX-License-Identifier: Apache-2.0
package javacard.security;

import org.opentsm.simulator.crypto.DigestEngine;

/**
 * A message digest.
 *
 * <p>What came with later versions of the class is not abstract: subclasses of applets do not have it.
 */
public abstract class MessageDigest {

    public static final byte ALG_SHA = 1;
    public static final byte ALG_MD5 = 2;
    public static final byte ALG_RIPEMD160 = 3;
    public static final byte ALG_SHA_256 = 4;
    public static final byte ALG_SHA_384 = 5;
    public static final byte ALG_SHA_512 = 6;
    public static final byte LENGTH_MD5 = 16;
    public static final byte LENGTH_RIPEMD160 = 20;
    public static final byte LENGTH_SHA = 20;
    public static final byte LENGTH_SHA_256 = 32;
    public static final byte LENGTH_SHA_384 = 48;
    public static final byte LENGTH_SHA_512 = 64;
    public static final byte ALG_SHA_224 = 7;
    public static final byte ALG_NULL = 0;
    public static final byte LENGTH_SHA_224 = 28;
    public static final byte ALG_SHA3_224 = 8;
    public static final byte ALG_SHA3_256 = 9;
    public static final byte ALG_SHA3_384 = 10;
    public static final byte ALG_SHA3_512 = 11;
    public static final byte LENGTH_SHA3_224 = 28;
    public static final byte LENGTH_SHA3_256 = 32;
    public static final byte LENGTH_SHA3_384 = 48;
    public static final byte LENGTH_SHA3_512 = 64;
    public static final byte ALG_SM3 = 12;
    public static final byte LENGTH_SM3 = 32;

    public static MessageDigest getInstance(byte algorithm, boolean externalAccess) {
        return DigestEngine.make(algorithm);
    }

    protected MessageDigest() {}

    public static InitializedMessageDigest getInitializedMessageDigestInstance(byte algorithm, boolean externalAccess) {
        return DigestEngine.makeInitialized(algorithm);
    }

    /** True for hashes whose chaining value can be told, since 3.2. */
    public static boolean isIntermediateMessageDigestSupported(byte algorithm) {
        return DigestEngine.tellsChain(algorithm);
    }

    /** Copies the chaining value out; what was hashed so far must be whole blocks. Since 3.2. */
    public short doIntermediateMessageDigest(byte[] out, short outOffset) {
        throw new CryptoException(CryptoException.ILLEGAL_USE);
    }

    public abstract short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset);

    public abstract byte getAlgorithm();

    public abstract byte getLength();

    public abstract void reset();

    public abstract void update(byte[] buffer, short offset, short length);

    /** A digest for one use. */
    public static final class OneShot extends MessageDigest {

        private MessageDigest engine;

        private OneShot(MessageDigest engine) {
            this.engine = engine;
        }

        /** @throws CryptoException NO_SUCH_ALGORITHM */
        public static OneShot open(byte algorithm) {
            return new OneShot(getInstance(algorithm, false));
        }

        @Override
        public short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
            return engine.doFinal(in, inOffset, inLength, out, outOffset);
        }

        /** Always ILLEGAL_USE: there is no update() before it. */
        @Override
        public short doIntermediateMessageDigest(byte[] out, short outOffset) {
            throw new CryptoException(CryptoException.ILLEGAL_USE);
        }

        @Override
        public byte getAlgorithm() {
            return engine.getAlgorithm();
        }

        @Override
        public byte getLength() {
            return engine.getLength();
        }

        @Override
        public void reset() {
            engine.reset();
        }

        /** Always ILLEGAL_USE: the whole message goes to doFinal(). */
        @Override
        public void update(byte[] in, short offset, short length) {
            throw new CryptoException(CryptoException.ILLEGAL_USE);
        }

        /** Gives the object back; it must not be used after this. */
        public void close() {
            engine = null;
        }
    }
}
