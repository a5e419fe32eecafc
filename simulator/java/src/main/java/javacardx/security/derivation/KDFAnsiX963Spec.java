// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;

/** Parameters of the derivation of ANSI X9.63. */
public interface KDFAnsiX963Spec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    byte[] getSecret();

    byte[] getSharedInfo();

    short getOutputLength();
}
