// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import javacard.framework.AID;
import javacard.framework.Shareable;
import javacard.framework.SystemException;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.RegistryEntry;

/** What an applet gets of another one, or of OPEN: JCRE 3.0.4 6.2.7. */
final class SharedObjects {

    /** Parameter by which the card's remote management asks OPEN for its service. */
    private static final byte REMOTE_SERVICE = 0x52;

    private final CardRuntime card;
    private boolean withoutOpen;
    private Shareable remoteService;

    SharedObjects(CardRuntime card) {
        this.card = card;
    }

    /** The card has no OPEN that an applet could ask. */
    void leaveOpenOut() {
        withoutOpen = true;
    }

    boolean hasOpen() {
        return !withoutOpen;
    }

    void serveRemoteManagement(Shareable service) {
        remoteService = service;
    }

    Shareable get(AID server, byte parameter) {
        if (server == null) {
            return null;
        }
        AID client = card.getAID();
        if (!withoutOpen && Aids.OPEN.equals(server)) {
            return ofOpen(client, parameter);
        }
        RegistryEntry entry = card.registry().find(server);
        if (entry == null || !entry.isInstance()) {
            return null;
        }
        try {
            Shareable shared =
                    card.inContext(entry.aid, () -> entry.applet.getShareableInterfaceObject(client, parameter));
            return shared == null ? null : SharedObject.wrap(card, entry.aid, shared);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new SystemException(SystemException.ILLEGAL_USE);
        }
    }

    private Shareable ofOpen(AID client, byte parameter) {
        if (parameter == REMOTE_SERVICE && remoteService != null) {
            return card.registry().isRemoteManagement(client)
                    ? SharedObject.wrap(card, Aids.OPEN, remoteService)
                    : null;
        }
        RegistryEntry asking = card.registry().find(client);
        // Only a domain speaks to OPEN; whoever gets hold of a domain's reference is looked at again in each call.
        return parameter == 0 && asking != null && asking.isSecurityDomain()
                ? SharedObject.wrap(card, Aids.OPEN, card.open())
                : null;
    }
}
