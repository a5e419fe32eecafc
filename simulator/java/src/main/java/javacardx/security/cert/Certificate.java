// SPDX-License-Identifier: Apache-2.0
package javacardx.security.cert;

import javacard.security.PublicKey;

/** A certificate that was read; Java Card API 3.1. */
public interface Certificate {

    short getType();

    PublicKey getPublicKey();

    boolean verify(PublicKey issuer);
}
