// SPDX-License-Identifier: Apache-2.0
package javacardx.security.derivation;

import javacard.security.AlgorithmParameterSpec;

/** Parameters of HKDF-Expand-Label, RFC 8446 7.1. */
public interface TLSKDFExpandLabelSpec extends AlgorithmParameterSpec {

    short LABEL_PREFIX_TLS13 = 1;
    short LABEL_PREFIX_DTLS13 = 2;

    byte getAlgorithm();

    byte[] getSecret();

    short getLabelPrefix();

    byte[] getLabel();

    byte[] getContext();

    short getOutputLength();
}
