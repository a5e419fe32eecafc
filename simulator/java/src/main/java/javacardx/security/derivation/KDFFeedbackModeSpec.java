// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;
import javacard.security.SecretKey;

/** Parameters of the feedback mode of NIST SP 800-108. */
public interface KDFFeedbackModeSpec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    SecretKey getSecret();

    byte[] getInputData();

    byte[] getIV();

    short getOutputLength();

    short getCounterLength();
}
