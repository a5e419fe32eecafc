// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.Util;

/** The key of the session's security domain that its parameters name; it stands in RAM while it is made use of. */
final class PreSharedKey {

    /** Longest key, and the premaster secret of one: {@code L 00.. L key} (RFC 4279 2). */
    private static final short KEY_MAX = (short) 64;

    static final short PREMASTER_MAX = (short) (2 * (2 + KEY_MAX) + 1);

    private final OpenLink link;
    private final SessionStore store;

    PreSharedKey(OpenLink link, SessionStore store) {
        this.link = link;
        this.store = store;
    }

    /** Writes the identity; its length. */
    short identity(byte[] out, short offset) {
        return store.identity(out, offset);
    }

    /** Writes the premaster secret; its length, 0 when the domain has no such key. The caller wipes it. */
    short premaster(byte[] out, short offset) {
        short reference = store.keyReference();
        // its type takes the place of a byte of the length before the value
        short typed = (short) (offset + 3 + KEY_MAX);
        short length = link.key(
                (byte) (reference >> 8),
                (byte) reference,
                store.bytes,
                store.domain(),
                store.domainLength(),
                out,
                typed);
        if (length < 2 || length > (short) (KEY_MAX + 1)) {
            return (short) 0;
        }
        short size = (short) (length - 1);
        Util.setShort(out, offset, size);
        Util.arrayFillNonAtomic(out, (short) (offset + 2), size, (byte) 0);
        Util.arrayCopyNonAtomic(out, (short) (typed + 1), out, (short) (offset + 4 + size), size);
        Util.setShort(out, (short) (offset + 2 + size), size);
        return (short) (4 + 2 * size);
    }
}
