// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;

/** Parameters of the derivation of ICAO Doc 9303-11. */
public interface KDFIcaoMrtdSpec extends AlgorithmParameterSpec {

    byte getAlgorithm();

    byte[] getSecret();

    byte[] getCounter();
}
