// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

/** An authenticated encryption under way: additional data, then text, then the tag. */
interface AeadWork {

    void additional(byte[] in, int offset, int length);

    byte[] update(byte[] in, int offset, int length);

    /** Ends the text. */
    byte[] finish(byte[] in, int offset, int length);

    /** The whole tag, after {@link #finish}. */
    byte[] tag();

    boolean allowsTagLength(int lengthBytes);
}
