// SPDX-License-Identifier: Apache-2.0
package javacard.security;

import org.opentsm.simulator.crypto.AgreementEngine;

/**
 * A key agreement.
 *
 * <p>What came with later versions of the class is not abstract: subclasses of applets do not have it.
 */
public abstract class KeyAgreement {

    public static final byte ALG_EC_SVDP_DH = 1;
    public static final byte ALG_EC_SVDP_DHC = 2;
    public static final byte ALG_EC_SVDP_DH_KDF = 1;
    public static final byte ALG_EC_SVDP_DHC_KDF = 2;
    public static final byte ALG_EC_SVDP_DH_PLAIN = 3;
    public static final byte ALG_EC_SVDP_DHC_PLAIN = 4;
    public static final byte ALG_EC_PACE_GM = 5;
    public static final byte ALG_EC_SVDP_DH_PLAIN_XY = 6;
    public static final byte ALG_DH_PLAIN = 7;
    public static final byte ALG_XDH = 8;
    public static final byte ALG_SM2 = 9;
    public static final byte ALG_SM2_WITH_CONFIRMATION = 10;

    public static KeyAgreement getInstance(byte algorithm, boolean externalAccess) {
        return AgreementEngine.make(algorithm);
    }

    protected KeyAgreement() {}

    public abstract void init(PrivateKey privateKey);

    /** Parameters are SM2's, which is not here. Since 3.2. @throws CryptoException ILLEGAL_VALUE */
    public void init(PrivateKey privateKey, AlgorithmParameterSpec params) {
        throw new CryptoException(CryptoException.ILLEGAL_USE);
    }

    public abstract byte getAlgorithm();

    public abstract short generateSecret(byte[] in, short inOffset, short inLength, byte[] out, short outOffset);
}
