// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

/** Signs and verifies a hash. */
interface HashSigner {

    byte[] sign(byte[] hash);

    boolean verify(byte[] hash, byte[] signature);

    int lengthBytes();
}
