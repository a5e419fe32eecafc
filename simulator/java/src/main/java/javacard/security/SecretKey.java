// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Marks a symmetric key. */
public interface SecretKey extends Key {}
