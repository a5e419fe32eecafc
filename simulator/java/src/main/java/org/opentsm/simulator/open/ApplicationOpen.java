// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.List;
import java.util.function.Consumer;
import javacard.framework.AID;

/**
 * What OPEN does for an application that is no security domain, through org.globalplatform. Who asks is the context the
 * runtime names, never a parameter. GPCS 2.3.1 A.2.
 */
public final class ApplicationOpen {

    private static final byte APPLICATION_BITS = 0x07;
    private final JavaCardRuntime runtime;
    private final Registry registry;

    ApplicationOpen(JavaCardRuntime runtime, Registry registry) {
        this.runtime = runtime;
        this.registry = registry;
    }

    /** Life cycle byte of the caller; INSTALLED while its install() runs. */
    public byte state(AID caller) {
        RegistryEntry entry = find(caller);
        return entry == null ? LifeCycle.INSTALLED : entry.state();
    }

    public byte cardState() {
        return registry.cardState();
    }

    /**
     * An application gives the states 07 to 7F with their three low bits set its own meaning, and may lock itself; GPCS
     * 5.3.1.
     */
    public boolean setOwnState(AID caller, byte state) {
        RegistryEntry entry = find(caller);
        if (entry == null || entry.kind != RegistryEntry.Kind.APPLICATION || LifeCycle.isLocked(entry)) {
            return false;
        }
        boolean own = (state & LifeCycle.LOCKED_BIT) == 0
                && (state & APPLICATION_BITS) == APPLICATION_BITS
                && LifeCycle.isSelectable(entry.state());
        boolean locks = state == (byte) (entry.state() | LifeCycle.LOCKED_BIT);
        boolean domain = entry.isSecurityDomain() && state != LifeCycle.PERSONALIZED && !locks;
        return (own || locks)
                && !domain
                && write(() -> registry.change(entry, entry.row().inState(state)));
    }

    /** Another's state: locked and unlocked by who has Global Lock. */
    public boolean setState(AID caller, AID application, byte state) {
        RegistryEntry entry = find(application);
        RegistryEntry asking = find(caller);
        if (entry == null || asking == null) {
            return false;
        }
        if (entry == asking) {
            return setOwnState(caller, state);
        }
        boolean turned = (byte) (state ^ entry.state()) == LifeCycle.LOCKED_BIT;
        boolean may = asking.has(Privilege.GLOBAL_LOCK) && entry.kind == RegistryEntry.Kind.APPLICATION && turned;
        return may && write(() -> registry.change(entry, entry.row().inState(state)));
    }

    /** Locks the card for all but its issuer. */
    public boolean lockCard(AID caller) {
        return setCardState(caller, Privilege.CARD_LOCK, LifeCycle.CARD_LOCKED);
    }

    public boolean terminateCard(AID caller) {
        return setCardState(caller, Privilege.CARD_TERMINATE, LifeCycle.TERMINATED);
    }

    private boolean setCardState(AID caller, Privilege privilege, byte state) {
        RegistryEntry entry = find(caller);
        boolean may = entry != null && entry.has(privilege) && LifeCycle.cardMay(registry.cardState(), state);
        return may && write(() -> registry.setCardState(state));
    }

    /**
     * The caller's own entry for null, another's for who has Global Registry or stands above it; null when there is
     * none to see.
     */
    public RegistryEntry entry(AID caller, AID wanted) {
        RegistryEntry asking = find(caller);
        if (wanted == null || wanted.equals(caller)) {
            return asking;
        }
        RegistryEntry entry = registry.find(wanted);
        boolean sees = asking != null
                && entry != null
                && (asking.has(Privilege.GLOBAL_REGISTRY)
                        || asking.isSecurityDomain() && registry.isAncestor(asking.aid, entry));
        return sees ? entry : null;
    }

    /** The row of an instance, or null. */
    public RegistryEntry find(AID aid) {
        RegistryEntry entry = aid == null ? null : registry.find(aid);
        return entry == null || !entry.isInstance() ? null : entry;
    }

    public List<RegistryEntry> instances() {
        return registry.instances();
    }

    private boolean write(Runnable change) {
        runtime.persistentWrite();
        change.run();
        return true;
    }

    /** A store to persistent memory that is not in the registry. */
    public <T> void write(T object, Consumer<T> change) {
        runtime.persistentWrite();
        change.accept(object);
    }
}
