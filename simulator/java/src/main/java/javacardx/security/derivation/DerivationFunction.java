// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;
import javacard.security.SecretKey;
import org.opentsm.simulator.crypto.DerivationEngine;

/** Derives keys and bytes from a secret, since 3.1. */
public abstract class DerivationFunction {

    public static final short ALG_KDF_COUNTER_MODE = 1;
    public static final short ALG_KDF_DPI_MODE = 2;
    public static final short ALG_KDF_FEEDBACK_MODE = 3;
    public static final short ALG_PRF_TLS11 = 4;
    public static final short ALG_PRF_TLS12 = 5;
    public static final short ALG_KDF_IEEE_1363 = 6;
    public static final short ALG_KDF_ICAO_MRTD = 7;
    public static final short ALG_KDF_ANSI_X9_63 = 8;
    public static final short ALG_KDF_HKDF = 9;
    public static final short ALG_HKDF_EXPAND_LABEL_TLS13 = 10;

    protected DerivationFunction() {}

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static DerivationFunction getInstance(short algorithm, boolean externalAccess) {
        return DerivationEngine.make(algorithm);
    }

    public abstract void init(AlgorithmParameterSpec params);

    public abstract short getAlgorithm();

    public abstract short nextBytes(byte[] buffer, short offset, short length);

    public abstract short nextBytes(SecretKey key);

    public abstract short lastBytes(byte[] buffer, short offset, short length);

    public abstract short lastBytes(SecretKey key);

    /** A derivation for one use. */
    public static final class OneShot extends DerivationFunction {

        private DerivationFunction engine;

        private OneShot(DerivationFunction engine) {
            this.engine = engine;
        }

        /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
        public static OneShot open(byte algorithm) {
            return new OneShot(DerivationFunction.getInstance(algorithm, false));
        }

        @Override
        public void init(AlgorithmParameterSpec params) {
            engine.init(params);
        }

        @Override
        public short getAlgorithm() {
            return engine.getAlgorithm();
        }

        @Override
        public short nextBytes(byte[] buffer, short offset, short length) {
            return engine.nextBytes(buffer, offset, length);
        }

        @Override
        public short nextBytes(SecretKey key) {
            return engine.nextBytes(key);
        }

        @Override
        public short lastBytes(byte[] buffer, short offset, short length) {
            return engine.lastBytes(buffer, offset, length);
        }

        @Override
        public short lastBytes(SecretKey key) {
            return engine.lastBytes(key);
        }

        /** Gives the object back; it must not be used after this. */
        public void close() {
            engine = null;
        }
    }
}
