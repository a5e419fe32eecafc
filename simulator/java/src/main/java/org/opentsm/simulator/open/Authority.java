// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * Who asks, and what he may: OPEN takes the caller's name from the runtime and his rights from the
 * registry, never from the call. GPCS 2.3.1 5.1, 6.6.
 */
final class Authority {

    private final JavaCardRuntime runtime;
    private final Registry registry;

    Authority(JavaCardRuntime runtime, Registry registry) {
        this.runtime = runtime;
        this.registry = registry;
    }

    /** The security domain that calls. @throws ISOException 6985 for anybody else, and for a domain that is locked */
    RegistryEntry caller() {
        RegistryEntry caller = registry.find(runtime.caller());
        require(caller != null
                && caller.isSecurityDomain()
                && registry.cardState() != LifeCycle.TERMINATED
                && !LifeCycle.isLocked(caller));
        return caller;
    }

    /** The caller, who acts in his own name. @throws ISOException 6985 when the call names another */
    RegistryEntry caller(AID named) {
        RegistryEntry caller = caller();
        require(caller.aid.equals(named));
        return caller;
    }

    RegistryEntry callerWith(Privilege privilege) {
        RegistryEntry caller = caller();
        require(caller.has(privilege));
        return caller;
    }

    /** GPCS 5.1.1.4: a locked card's content does not change. */
    void requireUnlockedCard() {
        require(registry.cardState() != LifeCycle.CARD_LOCKED && registry.cardState() != LifeCycle.TERMINATED);
    }

    /** True for the domain itself, what is associated with it directly or through others, and for who may see all. */
    boolean maySee(RegistryEntry caller, RegistryEntry entry) {
        return caller.has(Privilege.GLOBAL_REGISTRY) || isIn(caller, entry);
    }

    boolean isIn(RegistryEntry domain, RegistryEntry entry) {
        return entry == domain || registry.isAncestor(domain.aid, entry);
    }

    static void require(boolean held) {
        if (!held) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
    }
}
