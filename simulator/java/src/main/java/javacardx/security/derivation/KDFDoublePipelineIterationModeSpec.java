// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;
import javacard.security.SecretKey;

/** Parameters of the double pipeline mode of NIST SP 800-108. */
public interface KDFDoublePipelineIterationModeSpec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    SecretKey getSecret();

    byte[] getInputData();

    short getOutputLength();

    short getCounterLength();
}
