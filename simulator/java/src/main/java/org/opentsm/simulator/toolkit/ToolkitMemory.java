// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import javacard.framework.AID;
import org.opentsm.simulator.crypto.CryptoHost;

/** All registrations of a card, and who has which timer and service; card memory. */
final class ToolkitMemory {

    private static final int CAPACITY = 64;
    private final Registration[] registrations = new Registration[CAPACITY];
    private final AID[] timers = new AID[InstallLimits.MAX_TIMERS];
    private final AID[] services = new AID[InstallLimits.MAX_SERVICES];

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
                made.numbered(1
                        + Arrays.stream(registrations)
                                .filter(Objects::nonNull)
                                .mapToInt(Registration::number)
                                .max()
                                .orElse(0));
                CryptoHost.current().writing(registrations);
                registrations[i] = made;
                return true;
            }
        }
        return false;
    }

    /**
     * Gives the entry its line: at the position, before what stood there, or as the last one; ETSI TS 102 226
     * 8.2.1.3.2.2.
     *
     * @param position 1 for the first line, 0 for the last
     */
    void insert(MenuEntry made, int position) {
        List<MenuEntry> all = Arrays.stream(registrations)
                .filter(Objects::nonNull)
                .flatMap(known -> Arrays.stream(known.menu))
                .filter(Objects::nonNull)
                .sorted(Comparator.comparingInt(MenuEntry::line))
                .collect(Collectors.toCollection(ArrayList::new));
        all.add(position == 0 ? all.size() : Math.min(position - 1, all.size()), made);
        for (int i = 0; i < all.size(); i++) {
            all.get(i).line(i + 1);
        }
    }

    /** True when INSTALL gave none of these menu identifiers to an application. */
    boolean areFree(byte[] identifiers) {
        for (byte identifier : identifiers) {
            boolean taken = Arrays.stream(registrations)
                    .filter(Objects::nonNull)
                    .anyMatch(known -> InstallLimits.contains(known.identifiers, identifier));
            if (taken) {
                return false;
            }
        }
        return true;
    }

    /** Forgets what is registered by applications that are gone. */
    void keep(Predicate<AID> exists) {
        for (int i = 0; i < CAPACITY; i++) {
            if (registrations[i] != null && !exists.test(registrations[i].aid)) {
                CryptoHost.current().writing(registrations);
                registrations[i] = null;
            }
        }
        free(timers, exists);
        free(services, exists);
    }

    private static void free(AID[] held, Predicate<AID> exists) {
        for (int i = 0; i < held.length; i++) {
            if (held[i] != null && !exists.test(held[i])) {
                CryptoHost.current().writing(held);
                held[i] = null;
            }
        }
    }

    /** In the order in which they are triggered: by priority, 01 first; of one priority the last that came first. */
    List<Registration> ordered() {
        List<Registration> found = new ArrayList<>();
        for (Registration known : registrations) {
            if (known != null) {
                found.add(known);
            }
        }
        found.sort(Comparator.comparingInt(Registration::priority)
                .thenComparing(Comparator.comparingInt(Registration::number).reversed()));
        return found;
    }

    /** @return 1 to 8, or 0 when none is free or the application has all it may have */
    byte allocateTimer(Registration owner) {
        return (byte) (1 + allocate(timers, owner.aid, owner.timers()));
    }

    /** @return 0 to 7, or -1 when none is free or the application has all it may have */
    byte allocateService(Registration owner) {
        return (byte) allocate(services, owner.aid, owner.services());
    }

    /** @return the place that the owner has now, or -1 */
    private static int allocate(AID[] places, AID owner, int most) {
        int held = 0;
        int free = -1;
        for (int i = places.length - 1; i >= 0; i--) {
            held += owner.equals(places[i]) ? 1 : 0;
            free = places[i] == null ? i : free;
        }
        if (free < 0 || held >= most) {
            return -1;
        }
        CryptoHost.current().writing(places);
        places[free] = owner;
        return free;
    }

    boolean hasService(AID owner, int identifier) {
        return identifier >= 0 && identifier < services.length && owner.equals(services[identifier]);
    }

    boolean hasServices(AID owner) {
        return Arrays.asList(services).contains(owner);
    }

    void releaseService(int identifier) {
        CryptoHost.current().writing(services);
        services[identifier] = null;
    }

    Registration serviceOwner(int identifier) {
        boolean known = identifier >= 0 && identifier < services.length && services[identifier] != null;
        return known ? find(services[identifier]) : null;
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
