// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.security.SecureRandom;

/** A jCardSim runtime that is none of our cards: nothing is counted, and it is never reset. */
final class PlainHost implements CryptoHost {

    static final PlainHost INSTANCE = new PlainHost();

    private final SecureRandom random = new SecureRandom();

    private PlainHost() {}

    @Override
    public SecureRandom random() {
        return random;
    }

    @Override
    public void generateData(byte[] buffer, int offset, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        System.arraycopy(bytes, 0, buffer, offset, length);
    }

    @Override
    public void writing(Object array) {
        // No wear to count.
    }

    @Override
    public void mayHaveChanged() {
        // Nothing is saved.
    }

    @Override
    public int[] makeTransientInts(short length, byte event) {
        return new int[length];
    }

    @Override
    public long resets() {
        return 0;
    }

    @Override
    public long cryptoStarts(boolean brief) {
        return 0;
    }

    @Override
    public void cryptoEnds(long start) {
        // No time to count.
    }
}
