// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.RandomData;

/** Every random data algorithm: all draw from the card's one source, so a seed given by the applet changes nothing. */
public final class RandomEngine extends RandomData {

    private final byte algorithm;

    private RandomEngine(byte algorithm) {
        this.algorithm = algorithm;
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static RandomEngine make(byte algorithm) {
        if (algorithm < ALG_PSEUDO_RANDOM || algorithm > ALG_KEYGENERATION) {
            throw Fault.noSuchAlgorithm();
        }
        return new RandomEngine(algorithm);
    }

    @Override
    public void generateData(byte[] buffer, short offset, short length) {
        nextBytes(buffer, offset, length);
    }

    @Override
    public short nextBytes(byte[] buffer, short offset, short length) {
        Fault.checkSpan(buffer, offset, length);
        if (length == 0) {
            throw Fault.illegalValue();
        }
        CryptoHost host = CryptoHost.current();
        host.writing(buffer);
        host.generateData(buffer, offset, length);
        return (short) (offset + length);
    }

    @Override
    public void setSeed(byte[] buffer, short offset, short length) {
        Fault.checkSpan(buffer, offset, length);
    }

    @Override
    public byte getAlgorithm() {
        return algorithm;
    }
}
