// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.crypto.CryptoHost;

/** What a card's files hold, by their numbers, and which files were made and deleted; card memory. */
public final class FileMemory {

    /** States of TS 102 221 11.1.1.4.9, and of a file that is not there. */
    static final byte ABSENT = 0;

    static final byte INACTIVE = 0x04;
    static final byte ACTIVE = 0x05;
    static final byte TERMINATED = 0x0C;

    private final Object[] bodies;
    private final byte[] lives;
    /** {@code number of the directory (2), control parameters} of each file that was made. */
    private final Object[] made;
    /** Which files the card came with: numbers mean nothing among others. */
    private final int[] layout;
    /** Rows of {@link Pins}. */
    private final byte[] pins;

    FileMemory(int files, int room, int layout, byte[] pins) {
        this.pins = pins;
        bodies = new Object[files + room];
        lives = new byte[files + room];
        made = new Object[files + room];
        this.layout = new int[] {layout};
    }

    /** @throws SimulatorException {@code state-mismatch} when a saved card had other files from the beginning */
    void require(int files) {
        if (layout[0] != files) {
            throw new SimulatorException(
                    "state-mismatch",
                    "the saved state has the files of another version of the simulator; remove it to start a new card");
        }
    }

    byte[] pins() {
        return pins;
    }

    int capacity() {
        return bodies.length;
    }

    byte[] body(int number) {
        return (byte[]) bodies[number];
    }

    void body(int number, byte[] body) {
        CryptoHost.current().writing(bodies);
        bodies[number] = body;
    }

    byte life(int number) {
        return lives[number];
    }

    void life(int number, byte state) {
        CryptoHost.current().writing(lives);
        lives[number] = state;
    }

    byte[] made(int number) {
        return (byte[]) made[number];
    }

    /** The last write of a file that is made: without it there is none. */
    void made(int number, byte[] description) {
        CryptoHost.current().writing(made);
        made[number] = description;
    }

    /** Of a fresh card. */
    void begin(int number, byte[] body, byte state) {
        bodies[number] = body;
        lives[number] = state;
    }
}
