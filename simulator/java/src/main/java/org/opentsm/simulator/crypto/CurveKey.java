// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.Key;
import org.bouncycastle.crypto.params.ECDomainParameters;

/** A key over a Weierstrass curve, whether the applet set the parameters or named them. */
interface CurveKey extends Key {

    /** @throws javacard.security.CryptoException ILLEGAL_VALUE when the parameters are no curve */
    ECDomainParameters curve();

    /** A scalar, or a point of SEC 1. */
    byte[] value();

    void putValue(byte[] bytes);
}
