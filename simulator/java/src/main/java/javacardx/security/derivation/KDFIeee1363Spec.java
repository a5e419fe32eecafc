// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;

/** Parameters of KDF1 of IEEE 1363. */
public interface KDFIeee1363Spec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    byte[] getSecret();

    byte[] getParameters();
}
