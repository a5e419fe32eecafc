// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.SimulatorSystem;
import java.security.SecureRandom;
import java.util.Set;

/** What the crypto classes need of the card whose command is running. */
public interface CryptoHost {

    /** The source for keys, paddings and nonces. */
    SecureRandom random();

    /** Fills a span for RandomData; an image may give these bytes. */
    void generateData(byte[] buffer, int offset, int length);

    /** Called before each store into an array that may be persistent: counted, and the place where power can fail. */
    void writing(Object array);

    /** Something that lasts was changed without a write that a card counts: the key an engine holds. */
    void mayHaveChanged();

    /** A number that changes when the card is reset: engines go back to the state of their init(). */
    long resets();

    /**
     * Begins a use of the crypto unit; the answer goes to {@link #cryptoEnds}.
     *
     * @param brief true for what takes microseconds, where to ask for a thread's time would take as long
     */
    long cryptoStarts(boolean brief);

    void cryptoEnds(long start);

    /** A pair of keys has got new values. */
    default void keyPairMade() {}

    /** RAM for the integer extension; jCardSim has none. */
    int[] makeTransientInts(short length, byte event);

    /** What this card lacks; see {@link Lacking}. */
    default Set<String> lacking() {
        return Set.of();
    }

    /**
     * Called for each RSA key pair object. @throws javacard.framework.SystemException NO_RESOURCE when there is no room
     */
    default void takeKeyPair() {
        // there is room
    }

    /** The card of this thread, or a plain jCardSim runtime with the machine's randomness. */
    static CryptoHost current() {
        SimulatorRuntime runtime = SimulatorSystem.instance();
        return runtime instanceof CryptoHost host ? host : PlainHost.INSTANCE;
    }

    /** @param event JCSystem.CLEAR_ON_RESET or CLEAR_ON_DESELECT, or 0 for persistent memory */
    static byte[] allocate(int length, byte event) {
        return event == 0
                ? new byte[length]
                : SimulatorSystem.instance().getTransientMemory().makeByteArray(length, event);
    }
}
