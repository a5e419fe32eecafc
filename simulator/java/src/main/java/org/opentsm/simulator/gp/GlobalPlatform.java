// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.gp;

import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Shareable;
import org.globalplatform.CVM;
import org.globalplatform.GPRegistryEntry;
import org.globalplatform.GPSystem;
import org.globalplatform.GlobalService;
import org.globalplatform.SecureChannel;
import org.opentsm.simulator.open.ApplicationOpen;
import org.opentsm.simulator.open.Privilege;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.PlatformMemory;

/** org.globalplatform for the application whose code is running. */
public final class GlobalPlatform {

    private static final short SW_NOT_FOUND = 0x6A88;

    /** What is kept on the card. */
    private static final class Memory {
        private final Services services = new Services();
        private final GlobalPin pin = new GlobalPin();
    }

    private final CardRuntime card;
    private final ApplicationOpen open;
    private final AID caller;

    private GlobalPlatform(CardRuntime card) {
        this.card = card;
        this.open = card.open().applications();
        this.caller = card.getAID();
    }

    public static GlobalPlatform current() {
        return new GlobalPlatform(CardRuntime.current());
    }

    private Memory memory() {
        PlatformMemory all = card.platformMemory();
        if (all.get(PlatformMemory.GLOBAL_PLATFORM) == null) {
            all.set(PlatformMemory.GLOBAL_PLATFORM, new Memory());
        }
        return (Memory) all.get(PlatformMemory.GLOBAL_PLATFORM);
    }

    public ApplicationOpen open() {
        return open;
    }

    /** Context that asks. */
    public AID caller() {
        return caller;
    }

    /** The entry as the application may see it, or null. */
    public GPRegistryEntry entry(AID wanted) {
        RegistryEntry found = open.entry(caller, wanted);
        return found == null ? null : new EntryView(found.aid);
    }

    public CVM cvm(byte identifier) {
        return identifier == GPSystem.CVM_GLOBAL_PIN ? memory().pin : null;
    }

    boolean callerHas(Privilege privilege) {
        RegistryEntry entry = open.find(caller);
        return entry != null && entry.has(privilege);
    }

    /** A channel through the security domain the caller is associated with. */
    public SecureChannel channel() {
        return new DomainChannel();
    }

    void register(short name) {
        requireServiceProvider();
        if (!memory().services.add(name, caller)) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        card.persistentWrite();
    }

    void deregister(short name) {
        if (!memory().services.remove(name, caller)) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        card.persistentWrite();
    }

    private void requireServiceProvider() {
        if (!callerHas(Privilege.GLOBAL_SERVICE)) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
    }

    /** @throws ISOException 6A88 when nobody offers the service */
    public GlobalService service(AID server, short name) {
        AID found = memory().services.find(server, name);
        if (found == null || open.find(found) == null) {
            throw new ISOException(SW_NOT_FOUND);
        }
        Shareable shared = card.getSharedObject(found, GPSystem.GLOBAL_SERVICE_IDENTIFIER);
        if (shared instanceof GlobalService service) {
            return service;
        }
        throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
}
