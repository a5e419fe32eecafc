// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import javacard.framework.AID;
import org.opentsm.simulator.crypto.CryptoHost;

/** All registrations of a card, and who has which timer; card memory. */
final class ToolkitMemory {

    private static final int CAPACITY = 64;
    private final Registration[] registrations = new Registration[CAPACITY];
    private final AID[] timers = new AID[InstallLimits.MAX_TIMERS];

    Registration find(AID aid) {
        for (Registration known : registrations) {
            if (known != null && known.aid.equals(aid)) {
                return known;
            }
        }
        return null;
    }

    /** @return false when the card has no room for one more */
    boolean add(Registration made) {
        for (int i = 0; i < CAPACITY; i++) {
            if (registrations[i] == null) {
                CryptoHost.current().writing(registrations);
                registrations[i] = made;
                return true;
            }
        }
        return false;
    }

    /** Forgets what is registered by applications that are gone. */
    void keep(Predicate<AID> exists) {
        for (int i = 0; i < CAPACITY; i++) {
            if (registrations[i] != null && !exists.test(registrations[i].aid)) {
                CryptoHost.current().writing(registrations);
                registrations[i] = null;
            }
        }
        for (int i = 0; i < timers.length; i++) {
            if (timers[i] != null && !exists.test(timers[i])) {
                timers[i] = null;
            }
        }
    }

    /** In the order in which they are triggered: by priority, 01 first, then as they came. */
    List<Registration> ordered() {
        List<Registration> found = new ArrayList<>();
        for (Registration known : registrations) {
            if (known != null) {
                found.add(known);
            }
        }
        found.sort(Comparator.comparingInt(Registration::priority));
        return found;
    }

    /** @return 1 to 8, or 0 when none is free or the application has all it may have */
    byte allocateTimer(Registration owner) {
        int held = 0;
        int free = 0;
        for (int i = timers.length; i > 0; i--) {
            AID holder = timers[i - 1];
            held += holder != null && holder.equals(owner.aid) ? 1 : 0;
            free = holder == null ? i : free;
        }
        if (free == 0 || held >= owner.timers()) {
            return 0;
        }
        CryptoHost.current().writing(timers);
        timers[free - 1] = owner.aid;
        return (byte) free;
    }

    boolean hasTimer(AID owner, int identifier) {
        return identifier >= 1
                && identifier <= timers.length
                && timers[identifier - 1] != null
                && timers[identifier - 1].equals(owner);
    }

    boolean hasTimers(AID owner) {
        for (int i = 1; i <= timers.length; i++) {
            if (hasTimer(owner, i)) {
                return true;
            }
        }
        return false;
    }

    void releaseTimer(int identifier) {
        CryptoHost.current().writing(timers);
        timers[identifier - 1] = null;
    }

    Registration timerOwner(int identifier) {
        boolean known = identifier >= 1 && identifier <= timers.length && timers[identifier - 1] != null;
        return known ? find(timers[identifier - 1]) : null;
    }

    /** A menu entry's number that no application has yet, beginning with those cards give themselves. */
    byte freeIdentifier() {
        for (int identifier = 0x80; identifier < 0x100; identifier++) {
            byte wanted = (byte) identifier;
            if (ordered().stream().noneMatch(known -> known.entry(wanted) != null)) {
                return wanted;
            }
        }
        return 0;
    }
}
