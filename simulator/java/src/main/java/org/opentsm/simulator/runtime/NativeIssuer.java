// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.io.IOException;
import java.util.function.Supplier;

/** An issuer's domain that is no applet: it sees every command first, and has persistent memory of its own. */
public interface NativeIssuer {

    /** Of a card that has none. */
    NativeIssuer NONE = new NativeIssuer() {
        @Override
        public byte[] process(byte[] command, Supplier<byte[]> applets) {
            return applets.get();
        }

        @Override
        public byte[] save() {
            return new byte[0];
        }

        @Override
        public void load(byte[] saved) {
            // nothing was there
        }
    };

    /** @param applets gives the command to the applets, where it is not for this domain */
    byte[] process(byte[] command, Supplier<byte[]> applets);

    /** What a saved card has of it. */
    byte[] save();

    void load(byte[] saved) throws IOException;
}
