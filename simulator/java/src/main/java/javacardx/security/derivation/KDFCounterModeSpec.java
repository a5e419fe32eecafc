// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;
import javacard.security.SecretKey;

/** Parameters of the counter mode of NIST SP 800-108. */
public interface KDFCounterModeSpec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    SecretKey getSecret();

    byte[] getInputDataBeforeCounter();

    byte[] getInputDataAfterCounter();

    short getOutputLength();

    short getCounterLength();
}
