// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.gp;

import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import org.opentsm.securitydomain.ApplicationChannel;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.open.ApplicationOpen;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;

/**
 * Whose session it is that a domain has under way for an application: the one that began it, until it is deselected.
 * Another application of the same domain never finds it. GPCS 2.3.1 10.2, A.2.
 */
final class ChannelLease {

    /** @param alive RAM of the application's own, which its deselection clears */
    private record Holder(AID application, AID domain, byte[] alive) {}

    private static final Map<CardRuntime, Holder> HOLDERS = Collections.synchronizedMap(new WeakHashMap<>());
    private final CardRuntime card = CardRuntime.current();
    private final AID caller = card.getAID();
    private final ApplicationOpen open = card.open().applications();

    private static ISOException refused() {
        return new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }

    /** The channel of the caller's domain, which may begin a session: one that is another's ends. */
    ApplicationChannel begin() {
        RegistryEntry entry = open.find(caller);
        RegistryEntry domain = entry == null ? null : open.find(entry.parent());
        if (domain == null || card.isActive(domain.aid)) {
            throw refused();
        }
        ApplicationChannel channel = channelOf(domain.aid);
        if (!isHeldBy(domain.aid)) {
            channel.resetSecurity();
            byte[] alive = CryptoHost.allocate(1, JCSystem.CLEAR_ON_DESELECT);
            alive[0] = 1;
            HOLDERS.put(card, new Holder(caller, domain.aid, alive));
        }
        return channel;
    }

    /** The channel of the caller's session, or null when it has none. */
    ApplicationChannel held() {
        RegistryEntry entry = open.find(caller);
        return entry != null && entry.parent() != null && isHeldBy(entry.parent()) && !card.isActive(entry.parent())
                ? channelOf(entry.parent())
                : null;
    }

    /** The session the caller has. @throws ISOException 6985 when it has none */
    ApplicationChannel require() {
        ApplicationChannel held = held();
        if (held == null) {
            throw refused();
        }
        return held;
    }

    void end() {
        ApplicationChannel held = held();
        if (held != null) {
            HOLDERS.remove(card);
            held.resetSecurity();
        }
    }

    private boolean isHeldBy(AID domain) {
        Holder holder = HOLDERS.get(card);
        return holder != null
                && holder.alive[0] != 0
                && holder.application.equals(caller)
                && holder.domain.equals(domain);
    }

    private ApplicationChannel channelOf(AID domain) {
        if (card.shared(domain, ApplicationChannel.PARAMETER) instanceof ApplicationChannel channel) {
            return channel;
        }
        throw refused();
    }
}
