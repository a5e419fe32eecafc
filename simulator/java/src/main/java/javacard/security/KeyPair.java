// SPDX-License-Identifier: Apache-2.0
package javacard.security;

import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.crypto.KeyPairs;
import org.opentsm.simulator.crypto.Lacking;

/** A public and a private key that are generated together. */
public final class KeyPair {

    public static final byte ALG_RSA = 1;
    public static final byte ALG_RSA_CRT = 2;
    public static final byte ALG_DSA = 3;
    public static final byte ALG_EC_F2M = 4;
    public static final byte ALG_EC_FP = 5;
    public static final byte ALG_DH = 6;

    private final PublicKey publicKey;
    private final PrivateKey privateKey;

    /** @throws CryptoException NO_SUCH_ALGORITHM */
    public KeyPair(byte algorithm, short keyLength) {
        if (algorithm == ALG_RSA || algorithm == ALG_RSA_CRT) {
            Lacking.refuse(KeyBuilder.class, "LENGTH_RSA_", keyLength);
            CryptoHost.current().takeKeyPair();
        }
        Key[] keys = KeyPairs.build(algorithm, keyLength);
        publicKey = (PublicKey) keys[0];
        privateKey = (PrivateKey) keys[1];
    }

    /** @throws CryptoException ILLEGAL_VALUE when the keys are not of one kind and size */
    public KeyPair(PublicKey publicKey, PrivateKey privateKey) {
        KeyPairs.requirePair(publicKey, privateKey);
        this.publicKey = publicKey;
        this.privateKey = privateKey;
    }

    /** @throws CryptoException ILLEGAL_VALUE when what the public key holds allows no pair */
    public void genKeyPair() {
        KeyPairs.generate(publicKey, privateKey);
    }

    /** Primes are tested for a failure rate of 2^-80 whatever is asked for. */
    public void genKeyPair(AlgorithmParameterSpec params) {
        KeyPairs.generate(publicKey, privateKey);
    }

    public PublicKey getPublic() {
        return publicKey;
    }

    public PrivateKey getPrivate() {
        return privateKey;
    }
}
