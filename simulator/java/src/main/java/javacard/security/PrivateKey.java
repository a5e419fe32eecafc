// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Marks the private key of a pair. */
public interface PrivateKey extends Key {}
