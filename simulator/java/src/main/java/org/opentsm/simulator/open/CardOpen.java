// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.Shareable;
import org.globalplatform.Application;
import org.opentsm.securitydomain.Open;

/** The card's OPEN as the security domains see it: who calls, and which part of OPEN answers. */
public final class CardOpen implements Open {

    /** Parameter by which OPEN asks an application for its Application interface. */
    private static final byte FOR_OPEN = 0;

    private static final byte INS_SET_STATUS = (byte) 0xF0;
    private static final byte INS_GET_STATUS = (byte) 0xF2;
    private static final byte INS_GET_DATA = (byte) 0xCA;
    private static final byte INS_STORE_DATA = (byte) 0xE2;

    private final JavaCardRuntime runtime;
    private final Registry registry;
    private final Authority authority;
    private final CardContent content;
    private final LoadProcess loading;
    private final ContentCommands commands;
    private final LifeCycleCommands lifeCycles;
    private final StatusCommands status;
    private final ApplicationOpen applications;
    private final CardResources resources;

    public CardOpen(JavaCardRuntime runtime, Registry registry) {
        this.runtime = runtime;
        this.registry = registry;
        authority = new Authority(runtime, registry);
        Delegation delegation = new Delegation(runtime, registry);
        Memory memory = new Memory(registry);
        content = new CardContent(runtime, registry, authority, delegation, memory);
        loading = new LoadProcess(runtime, registry, content, delegation, memory);
        commands = new ContentCommands(content, loading);
        lifeCycles = new LifeCycleCommands(runtime, registry, authority);
        status = new StatusCommands(registry, authority);
        applications = new ApplicationOpen(runtime, registry);
        resources = new CardResources(registry, authority);
    }

    /** What OPEN does for applications that are no domains. */
    public ApplicationOpen applications() {
        return applications;
    }

    /** The card was reset: what a command left for the next one is gone. */
    public void reset() {
        loading.end();
        status.end();
    }

    @Override
    public short manage(
            byte ins,
            byte p1,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] response,
            short responseOffset,
            short room) {
        RegistryEntry caller = authority.caller();
        byte[] data = Arrays.copyOfRange(buffer, offset, offset + length);
        if (ins != INS_GET_STATUS) {
            status.end();
        }
        byte[] answer =
                switch (ins) {
                    case INS_GET_STATUS -> status.getStatus(caller, p1, p2, data, room);
                    case INS_GET_DATA -> resources.get(caller, (p1 & 0xFF) << 8 | p2 & 0xFF, room);
                    case INS_SET_STATUS -> {
                        lifeCycles.setStatus(caller, p1, p2, data);
                        yield new byte[0];
                    }
                    case INS_STORE_DATA -> {
                        content.rename(caller, data);
                        yield new byte[0];
                    }
                    default -> {
                        authority.requireUnlockedCard();
                        yield commands.process(caller, ins, p1, p2, data);
                    }
                };
        System.arraycopy(answer, 0, response, responseOffset, answer.length);
        return (short) (status.hasMore() ? -answer.length : answer.length);
    }

    @Override
    public byte cardState() {
        return registry.cardState();
    }

    @Override
    public void setCardState(byte state) {
        lifeCycles.setCardState(authority.caller(), state);
    }

    @Override
    public byte applicationState(AID application) {
        RegistryEntry caller = authority.caller();
        RegistryEntry entry = instance(application);
        if (!authority.maySee(caller, entry)) {
            throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
        return entry.state();
    }

    @Override
    public void setApplicationState(AID application, byte state) {
        RegistryEntry caller = authority.caller();
        lifeCycles.setState(caller, instance(application), state);
    }

    @Override
    public boolean isParent(AID parent, AID child) {
        RegistryEntry entry = registry.find(child);
        return entry != null
                && entry.parent() != null
                && parent != null
                && entry.parent().equals(parent);
    }

    @Override
    public AID controllingAuthority() {
        return registry.controllingAuthority();
    }

    public void setControllingAuthority(AID aid) {
        registry.setControllingAuthority(aid);
    }

    @Override
    public void install(AID parent, boolean selectable, byte[] buffer, short offset, short length) {
        RegistryEntry caller = authority.caller(parent);
        authority.requireUnlockedCard();
        InstallData data = InstallData.parse(buffer, offset, length);
        content.install(caller, selectable ? 0x0C : 0x04, 0, data);
    }

    /** The card maker's way: no caller, no command. */
    public RegistryEntry makeInstance(RegistryEntry.Kind kind, InstallData data, AID parent) {
        RegistryEntry loadFile = registry.find(data.loadFile());
        String className = loadFile.moduleClass(data.module());
        return content.makeInstance(kind, loadFile, className, data, registry.find(parent), true);
    }

    /**
     * The card maker's LOAD: the file comes behind what the card has. One of the same name goes first, with its
     * instances.
     *
     * @param components components of a CAP one after the other
     * @param parent     domain that has it, or null
     * @throws ISOException 6A80 when it cannot run here, 6985 when something needs the file that would go
     */
    public RegistryEntry makeLoadFile(AID name, byte[] components, AID parent) {
        LoadedCode code = runtime.link(components);
        RegistryEntry before = registry.find(name);
        if (before != null) {
            content.remove(before, true);
        }
        RegistryEntry entry = RegistryEntry.loaded(name, parent, code);
        runtime.persistentWrite();
        runtime.add(code);
        registry.add(entry);
        return entry;
    }

    @Override
    public void delete(AID by, boolean related, byte[] buffer, short offset, short length) {
        RegistryEntry caller = authority.caller(by);
        authority.requireUnlockedCard();
        AID name = Aids.aid(Arrays.copyOfRange(buffer, offset, offset + length));
        content.delete(
                caller, name, related, new Delegation.Request(0, related ? 0x80 : 0, new byte[0], null, new byte[0]));
    }

    /** The controlling authority sees all: it vouches for whoever runs the domains' own code (applet README 5.7). */
    @Override
    public short status(byte subset, short cursor, byte[] buffer, short offset, short length, short out) {
        RegistryEntry caller = authority.caller();
        boolean seesAll = caller.aid.equals(registry.controllingAuthority());
        byte[] prefix = Arrays.copyOfRange(buffer, offset, offset + length);
        List<RegistryEntry> entries = registry.entries();
        for (int index = Math.max(cursor, 0); index < entries.size(); index++) {
            RegistryEntry entry = entries.get(index);
            boolean shown = seesAll || authority.maySee(caller, entry);
            if (shown && StatusEntry.isIn(entry, subset & 0xFF) && Registry.startsWith(entry.aid, prefix)) {
                byte[] encoded = StatusEntry.encode(entry, (subset & 0x10) != 0, null);
                if (encoded.length > STATUS_ENTRY_MAX) {
                    encoded = StatusEntry.encode(entry, false, null);
                }
                System.arraycopy(encoded, 0, buffer, out, encoded.length);
                return (short) (index + 1);
            }
        }
        return 0;
    }

    @Override
    public boolean personalize(AID application, byte[] buffer, short offset, short length) {
        RegistryEntry caller = authority.caller();
        authority.requireUnlockedCard();
        RegistryEntry entry = instance(application);
        boolean below = caller.aid.equals(entry.parent());
        boolean domain = below && entry.isSecurityDomain();
        Shareable given = below && !domain ? runtime.shared(entry.aid, FOR_OPEN) : null;
        // a domain of the same code gets commands from its parent itself
        boolean named = domain
                && length == 0
                && entry.loadFile.equals(caller.loadFile)
                && !entry.aid.equals(registry.controllingAuthority());
        if (!named && !(given instanceof Application)) {
            throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
        Authority.require(!LifeCycle.isLocked(entry));
        content.allow(caller, entry, CardContent.RESTRICT_PERSONALIZATION);
        if (length != 0 && given instanceof Application target) {
            target.processData(Arrays.copyOfRange(buffer, offset, offset + length), (short) 0, length);
        }
        return domain;
    }

    private RegistryEntry instance(AID application) {
        RegistryEntry entry = registry.find(application);
        if (entry == null || !entry.isInstance()) {
            throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
        return entry;
    }
}
