// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** How thoroughly key generation tests its primes, since 3.1. */
public interface PrimalityTestParamSpec extends AlgorithmParameterSpec {

    byte MILLER_RABIN_TEST = 1;
    byte FERMAT_TEST = 2;

    short getType();

    short getRounds();
}
