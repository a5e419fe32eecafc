// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import org.opentsm.simulator.crypto.CryptoHost;

/** What a card's files hold, by their numbers; card memory. */
public final class FileMemory {

    private final Object[] bodies;
    private final byte[] inactive;

    FileMemory(int files) {
        bodies = new Object[files];
        inactive = new byte[files];
    }

    void set(int number, byte[] body) {
        bodies[number] = body;
    }

    byte[] body(int number) {
        return (byte[]) bodies[number];
    }

    boolean isActive(int number) {
        return inactive[number] == 0;
    }

    void activate(int number, boolean active) {
        CryptoHost.current().writing(inactive);
        inactive[number] = (byte) (active ? 0 : 1);
    }

    int files() {
        return bodies.length;
    }
}
