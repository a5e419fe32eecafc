// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;
import javacard.security.SecretKey;

/** Parameters of the pseudo-random function of TLS 1.1 and 1.2. */
public interface TLSPseudoRandomFunctionSpec extends AlgorithmParameterSpec {

    SecretKey getSecret();

    byte[] getSeed();
}
