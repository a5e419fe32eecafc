// SPDX-License-Identifier: Apache-2.0
package javacard.security;

import org.opentsm.simulator.crypto.RandomEngine;

/**
 * Random data.
 *
 * <p>What came with later versions of the class is not abstract: subclasses of applets do not have it.
 */
public abstract class RandomData {

    public static final byte ALG_PSEUDO_RANDOM = 1;
    public static final byte ALG_SECURE_RANDOM = 2;
    public static final byte ALG_TRNG = 3;
    public static final byte ALG_PRESEEDED_DRBG = 4;
    public static final byte ALG_FAST = 5;
    public static final byte ALG_KEYGENERATION = 6;

    public static RandomData getInstance(byte algorithm) {
        return RandomEngine.make(algorithm);
    }

    /** Since 3.2. */
    public static RandomData getInstance(byte algorithm, boolean externalAccess) {
        return RandomEngine.make(algorithm);
    }

    protected RandomData() {}

    public abstract void generateData(byte[] buffer, short offset, short length);

    public abstract void setSeed(byte[] buffer, short offset, short length);

    public short nextBytes(byte[] buffer, short offset, short length) {
        throw new CryptoException(CryptoException.ILLEGAL_USE);
    }

    public byte getAlgorithm() {
        throw new CryptoException(CryptoException.ILLEGAL_USE);
    }

    /** A generator for one use. */
    public static final class OneShot extends RandomData {

        private RandomData engine;

        private OneShot(RandomData engine) {
            this.engine = engine;
        }

        /** @throws CryptoException NO_SUCH_ALGORITHM */
        public static OneShot open(byte algorithm) {
            return new OneShot(RandomData.getInstance(algorithm));
        }

        @Override
        public void generateData(byte[] buffer, short offset, short length) {
            engine.generateData(buffer, offset, length);
        }

        @Override
        public void setSeed(byte[] buffer, short offset, short length) {
            engine.setSeed(buffer, offset, length);
        }

        @Override
        public short nextBytes(byte[] buffer, short offset, short length) {
            return engine.nextBytes(buffer, offset, length);
        }

        @Override
        public byte getAlgorithm() {
            return engine.getAlgorithm();
        }

        /** Gives the object back; it must not be used after this. */
        public void close() {
            engine = null;
        }
    }
}
