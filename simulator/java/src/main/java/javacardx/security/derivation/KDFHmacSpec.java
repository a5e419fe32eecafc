// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;

/** Parameters of HKDF, RFC 5869. */
public interface KDFHmacSpec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    byte[] getSecret();

    byte[] getInfo();

    byte[] getSalt();

    short getOutputLength();
}
