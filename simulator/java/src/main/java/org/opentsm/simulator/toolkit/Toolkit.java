// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.List;
import javacard.framework.AID;
import javacard.framework.JCSystem;
import org.opentsm.simulator.open.FileGrant;
import org.opentsm.simulator.open.PacketTarget;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.PlatformMemory;
import org.opentsm.simulator.runtime.TransientArrays;
import org.opentsm.simulator.uicc.AccessDomain;
import org.opentsm.simulator.uicc.FileMemory;
import org.opentsm.simulator.uicc.FileSystem;
import org.opentsm.simulator.uicc.FileTree;
import uicc.toolkit.ToolkitException;

/**
 * One card's toolkit framework: what is registered, the terminal's profile, and the card's files; {@link Turns} has
 * what runs, {@link Handlers} what the applications in it see. ETSI TS 102 241 4.
 */
public final class Toolkit {

    static final int HANDLER_CAPACITY = 255 + 3;
    private static final short SHARED_LENGTH = 512;
    private static final short NO_DURATION = 0;

    private final CardRuntime card;
    private final Handlers handlers = new Handlers();
    private final Turns turns;
    private final SystemCommands system = new SystemCommands(this, this::terminalHas);
    private byte[] profile;
    private short pollInterval;
    private FileTree files;
    private byte[] shared;
    /** The install() in which the last registration was made: another one of the same AID begins anew. */
    private long registeredIn = -1;

    private Toolkit(CardRuntime card) {
        this.card = card;
        turns = new Turns(card, this);
    }

    /** The toolkit of the card whose command this thread is running. */
    public static Toolkit current() {
        return of(CardRuntime.current());
    }

    public static Toolkit of(CardRuntime card) {
        if (card.extension() == null) {
            card.extend(new Toolkit(card));
        }
        return (Toolkit) card.extension();
    }

    ToolkitMemory memory() {
        PlatformMemory all = card.platformMemory();
        if (all.get(PlatformMemory.TOOLKIT) == null) {
            all.set(PlatformMemory.TOOLKIT, new ToolkitMemory());
        }
        return (ToolkitMemory) all.get(PlatformMemory.TOOLKIT);
    }

    SystemCommands system() {
        return system;
    }

    public Handlers handlers() {
        return handlers;
    }

    Turns turns() {
        return turns;
    }

    /** Power or reset: whoever waits for the terminal never comes back. */
    public void reset() {
        turns.reset();
        handlers.clear();
        profile = null;
        pollInterval = NO_DURATION;
        system.begin();
        if (files != null) {
            files();
        }
    }

    /** The card's files, with the contents that its memory holds. */
    public void files(FileTree tree) {
        files = tree;
    }

    FileTree files() {
        if (files == null) {
            files = FileSystem.of(new byte[10], true).tree();
        }
        PlatformMemory all = card.platformMemory();
        if (all.get(PlatformMemory.FILES) == null) {
            all.set(PlatformMemory.FILES, files.memory());
        }
        files.live((FileMemory) all.get(PlatformMemory.FILES));
        return files;
    }

    /** RAM of the card that all applications may use, and none may keep. */
    public byte[] volatileArray() {
        if (shared == null) {
            shared = (byte[]) JCSystem.makeGlobalArray(JCSystem.ARRAY_TYPE_BYTE, SHARED_LENGTH);
        }
        return shared;
    }

    // --- registration -----------------------------------------------------------------------

    /** The caller's registration, made when it has none. */
    public AID register(Face face) {
        AID caller = card.getAID();
        boolean continued = registeredIn == card.installs();
        memory().keep(aid -> continued && aid.equals(caller) || isInstance(aid));
        if (caller == null) {
            throw face.fault(ToolkitException.REGISTRY_ERROR);
        }
        if (memory().find(caller) == null) {
            InstallLimits limits = InstallLimits.of(card.installParameters());
            // References of three bytes that no other application has; ETSI TS 102 226 8.2.1.3.2.5.
            boolean references = PacketTarget.of(card.installParameters()).isWellFormed()
                    && !card.registry().isAssigned(limits.tar(), caller);
            registeredIn = card.installs();
            InstallLimits named = limits.receiving(card.registry().references(card.installParameters(), caller));
            boolean free = named.allowed() && memory().areFree(named.identifiers());
            if (!references || !free || !memory().add(new Registration(caller, named))) {
                throw face.fault(ToolkitException.REGISTRY_ERROR);
            }
        }
        return caller;
    }

    /**
     * What the caller may do in a file system: as INSTALL gave it, else what everybody may, and nothing as an
     * administrator.
     *
     * @return null for who is no application yet, ETSI TS 102 241 annex A
     */
    AccessDomain rights(byte[] application, boolean administration) {
        AID caller = card.getAID();
        if (caller == null || card.isUnregistered()) {
            return null;
        }
        FileGrant grant = grant(caller);
        if (administration) {
            return AccessDomain.of(grant.administrator(), application);
        }
        return grant.user() == null ? AccessDomain.ALWAYS : AccessDomain.of(grant.user(), application);
    }

    /** The same in the card's own files for a view of the SIM, which may be made before register(). */
    AccessDomain simRights() {
        AID caller = card.getAID();
        byte[] user = caller == null ? null : grant(caller).user();
        return user == null ? AccessDomain.ALWAYS : AccessDomain.of(user, null);
    }

    /** Of an application that is being installed INSTALL itself says it. */
    private FileGrant grant(AID caller) {
        Registration known = memory().find(caller);
        RegistryEntry row = card.registry().find(caller);
        if (row == null) {
            return FileGrant.of(card.installParameters());
        }
        return known == null ? row.row().options().files() : known.files();
    }

    /** False while another applet than the owner of a CLEAR_ON_DESELECT array is selected. */
    boolean isInReach(Object array) {
        TransientArrays ram = card.transients();
        AID owner = ram.group(array);
        return ram.isTransient(array) != JCSystem.CLEAR_ON_DESELECT || owner == null || card.isSelectedContext(owner);
    }

    private boolean isInstance(AID aid) {
        return card.open().applications().find(aid) != null;
    }

    Registration registration(AID aid, Face face) {
        Registration found = memory().find(aid);
        if (found == null) {
            throw face.fault(ToolkitException.REGISTRY_ERROR);
        }
        return found;
    }

    short pollInterval() {
        return pollInterval;
    }

    /** Applications that may be triggered now, by priority. */
    List<Registration> selectable() {
        memory().keep(this::isInstance);
        return memory().ordered().stream()
                .filter(known -> isSelectable(known.aid))
                .toList();
    }

    private boolean terminalHas(int bit) {
        return profile != null && bit / 8 < profile.length && (profile[bit / 8] >> bit % 8 & 1) != 0;
    }

    byte[] profile() {
        return profile;
    }

    // --- triggering -------------------------------------------------------------------------

    /** Registrations for an event, in the order of their priority. */
    List<Registration> registered(short event) {
        return selectable().stream().filter(known -> known.has(event)).toList();
    }

    /** False when the application's INSTALL asks for more security than a packet with this SPI 1 has. */
    boolean takes(AID aid, byte spi) {
        RegistryEntry entry = card.registry().find(aid);
        return entry == null || entry.row().options().target().isReached(spi);
    }

    /** True for an application that asked for packets of the kind that is being opened, and may be triggered. */
    boolean hearsPackets(AID aid) {
        Activation now = handlers.current();
        return now != null && registered(Events.ofPacket(now.event)).stream().anyMatch(known -> known.aid.equals(aid));
    }

    boolean isRemoteManagement(AID aid) {
        return card.registry().isRemoteManagement(aid);
    }

    boolean isSelectable(AID aid) {
        RegistryEntry entry = card.open().applications().find(aid);
        return entry != null && (entry.state() & 0x87) == 0x07;
    }

    void profile(byte[] received) {
        profile = received;
        system.begin();
    }

    void notePollInterval(byte[] command, byte[] response) {
        Content content = new Content(HANDLER_CAPACITY);
        content.set(response);
        TlvView view = new TlvView(content, Face.UICC);
        boolean polling = command != null && new CommandCheck(command).type() == CommandCheck.POLL_INTERVAL;
        if (polling
                && view.findTLV((byte) CommandCheck.TAG_DURATION, (byte) 1) != TlvView.NOT_FOUND
                && view.getValueLength() == 2) {
            pollInterval = (short) RegistryHandle.seconds(view.getValueByte((short) 0), view.getValueByte((short) 1));
        }
    }
}
