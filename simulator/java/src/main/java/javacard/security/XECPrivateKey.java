// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Private key of a curve known by name. */
public interface XECPrivateKey extends XECKey, PrivateKey {}
