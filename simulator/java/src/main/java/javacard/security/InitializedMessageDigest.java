// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** A message digest that can go on where another device left off. */
public abstract class InitializedMessageDigest extends MessageDigest {

    protected InitializedMessageDigest() {}

    public abstract void setInitialDigest(
            byte[] chain, short chainOffset, short chainLength, byte[] hashed, short hashedOffset, short hashedLength);

    /** A digest for one use. */
    public static final class OneShot extends InitializedMessageDigest {

        private InitializedMessageDigest engine;

        private OneShot(InitializedMessageDigest engine) {
            this.engine = engine;
        }

        /** @throws CryptoException NO_SUCH_ALGORITHM */
        public static OneShot open(byte algorithm) {
            return new OneShot(MessageDigest.getInitializedMessageDigestInstance(algorithm, false));
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

        @Override
        public void setInitialDigest(
                byte[] chain,
                short chainOffset,
                short chainLength,
                byte[] hashed,
                short hashedOffset,
                short hashedLength) {
            engine.setInitialDigest(chain, chainOffset, chainLength, hashed, hashedOffset, hashedLength);
        }
    }
}
