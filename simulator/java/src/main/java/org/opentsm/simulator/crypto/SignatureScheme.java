// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

/** An initialized signature or MAC operation. Its end goes back to the state of an init() without vector. */
interface SignatureScheme {

    void update(byte[] in, int offset, int length);

    byte[] sign();

    boolean verify(byte[] signature);

    /** Of the longest signature. */
    int lengthBytes();

    default byte[] signHash(byte[] hash) {
        throw Fault.illegalUse();
    }

    default boolean verifyHash(byte[] hash, byte[] signature) {
        throw Fault.illegalUse();
    }

    default void resume(byte[] chain, byte[] hashed) {
        throw Fault.illegalUse();
    }
}
