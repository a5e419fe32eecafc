// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** Public key of a curve known by name. */
public interface XECPublicKey extends XECKey, PublicKey {}
