// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;

/**
 * One card's source of randomness: the machine's, or a repeatable one from the image's seed.
 * Bytes given by the image for vector replay go to RandomData only, in order, before the rest.
 */
public final class CardRandom extends SecureRandom {

    private static final long serialVersionUID = 1L;
    private static final SecureRandom MACHINE = new SecureRandom();

    private final byte[] seed;
    private final byte[] given;
    private long counter;
    private int givenUsed;

    /**
     * @param seed null for the machine's randomness
     * @param given bytes RandomData serves first; may be empty
     */
    public CardRandom(byte[] seed, byte[] given) {
        super(null, null);
        this.seed = seed;
        this.given = given;
    }

    /** Fills for RandomData: the given bytes first. */
    synchronized void generateData(byte[] buffer, int offset, int length) {
        int fromList = Math.min(length, given.length - givenUsed);
        System.arraycopy(given, givenUsed, buffer, offset, fromList);
        givenUsed += fromList;
        byte[] rest = new byte[length - fromList];
        nextBytes(rest);
        System.arraycopy(rest, 0, buffer, offset + fromList, rest.length);
    }

    @Override
    public synchronized void nextBytes(byte[] bytes) {
        if (seed == null) {
            MACHINE.nextBytes(bytes);
            return;
        }
        for (int done = 0; done < bytes.length; ) {
            byte[] block = nextBlock();
            int part = Math.min(block.length, bytes.length - done);
            System.arraycopy(block, 0, bytes, done, part);
            done += part;
        }
    }

    /** Where a seeded source and the given bytes stand, so that a restarted card goes on from there. */
    public synchronized long[] position() {
        return new long[] {counter, givenUsed};
    }

    public synchronized void moveTo(long[] position) {
        counter = position[0];
        givenUsed = (int) Math.min(position[1], given.length);
    }

    private byte[] nextBlock() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(seed);
            for (int shift = 56; shift >= 0; shift -= 8) {
                digest.update((byte) (counter >>> shift));
            }
            counter++;
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
