package com.licel.jcardsim.crypto;

import java.security.SecureRandom;
import org.opentsm.simulator.runtime.CardRuntime;

/**
 * Stands before jCardSim's class of this name on the class path: that one starts every generator
 * from the same constant, so each key pair of each card would be the same. This one asks the card
 * whose command is running.
 */
class SecureRandomNullProvider extends SecureRandom {

    private static final long serialVersionUID = 1L;

    SecureRandomNullProvider() {
        super(null, null);
    }

    @Override
    public void nextBytes(byte[] bytes) {
        CardRuntime.current().random().nextBytes(bytes);
    }

    @Override
    public byte[] generateSeed(int numBytes) {
        byte[] seed = new byte[numBytes];
        nextBytes(seed);
        return seed;
    }
}
