// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;
import javacard.framework.AID;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * The twenty logical channels of a card: which are open, and what is selected on each. JCRE 3.0.4 4, ISO 7816-4 5.4.2.
 */
final class LogicalChannels {

    static final int COUNT = 20;

    private final boolean[] open = new boolean[COUNT];
    private final RegistryEntry[] selected = new RegistryEntry[COUNT];

    LogicalChannels() {
        reset();
    }

    /** Only the basic channel is open. */
    void reset() {
        Arrays.fill(open, false);
        Arrays.fill(selected, null);
        open[0] = true;
    }

    boolean isOpen(int channel) {
        return open[channel];
    }

    void open(int channel) {
        open[channel] = true;
    }

    void close(int channel) {
        open[channel] = false;
        selected[channel] = null;
    }

    /** The lowest channel that is closed, or -1. */
    int free() {
        for (int channel = 0; channel < COUNT; channel++) {
            if (!open[channel]) {
                return channel;
            }
        }
        return -1;
    }

    RegistryEntry selected(int channel) {
        return selected[channel];
    }

    void select(int channel, RegistryEntry entry) {
        selected[channel] = entry;
    }

    /** Whether this very instance is selected on another channel than this one. */
    boolean isActiveElsewhere(RegistryEntry entry, int channel) {
        return elsewhere(channel).anyMatch(other -> other == entry);
    }

    /** Selected instances of a load file on other channels than this one. */
    Stream<RegistryEntry> ofGroupElsewhere(AID group, int channel) {
        return elsewhere(channel).filter(other -> group.equals(other.loadFile));
    }

    boolean isSelected(AID instance) {
        return Arrays.stream(selected).filter(Objects::nonNull).anyMatch(entry -> entry.aid.equals(instance));
    }

    private Stream<RegistryEntry> elsewhere(int channel) {
        Stream.Builder<RegistryEntry> found = Stream.builder();
        for (int other = 0; other < COUNT; other++) {
            if (other != channel && selected[other] != null) {
                found.add(selected[other]);
            }
        }
        return found.build();
    }
}
