// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.security.MessageDigest;

/**
 * The digest of all handshake messages so far, which both Finished are over. A card's digest cannot be read and go on,
 * so there is one for each.
 */
final class Transcript {

    private final MessageDigest first = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);
    private final MessageDigest second = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);

    void begin() {
        first.reset();
        second.reset();
    }

    void add(byte[] message, short offset, short length) {
        first.update(message, offset, length);
        second.update(message, offset, length);
    }

    /** Digest for the client's Finished; it hears no more. */
    void endFirst(byte[] out, short offset) {
        first.doFinal(out, offset, (short) 0, out, offset);
    }

    /** Digest for the server's Finished. */
    void endSecond(byte[] out, short offset) {
        second.doFinal(out, offset, (short) 0, out, offset);
    }
}
