// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Parameters of the SM2 key exchange, since 3.2; no algorithm here takes them. */
public interface SM2KeyAgreementParameterSpec extends AlgorithmParameterSpec {

    byte[] getInitiatorID();

    byte[] getResponderID();

    boolean isInitiator();

    short getLength();

    XECPrivateKey getEphemeralPrivateKey();

    byte[] getEphemeralPublicKey();

    byte[] getConfirmationValue();
}
