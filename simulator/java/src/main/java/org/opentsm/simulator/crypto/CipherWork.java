// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

/** An initialized cipher operation. */
interface CipherWork {

    /** @return what the cipher gives out so far */
    byte[] update(byte[] in, int offset, int length);

    /** Ends the text and goes back to the state of an init() without vector. */
    byte[] finish(byte[] in, int offset, int length);
}
