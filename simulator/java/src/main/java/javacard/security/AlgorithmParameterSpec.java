// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Marks parameters of an algorithm, since 3.1. */
public interface AlgorithmParameterSpec {}
