// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Marks the public key of a pair. */
public interface PublicKey extends Key {}
