// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.link;

/** A way into the card, served by a thread of its own. */
public interface Link extends AutoCloseable {

    /** Ends what is connected now, as when the card is pulled out; the link itself stays. */
    void drop();

    @Override
    void close();
}
