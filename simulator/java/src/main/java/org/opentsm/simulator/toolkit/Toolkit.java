// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import com.licel.jcardsim.base.SimulatorSystem;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.Shareable;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.PlatformMemory;
import org.opentsm.simulator.runtime.PowerCut;
import org.opentsm.simulator.uicc.FileMemory;
import org.opentsm.simulator.uicc.FileSystem;
import org.opentsm.simulator.uicc.FileTree;

/**
 * One card's toolkit framework: who is triggered by what, and whose turn it is to ask the terminal; ETSI TS 102 241 4.6
 * to 4.9.
 */
public final class Toolkit {

    static final int HANDLER_CAPACITY = 255 + 3;
    private static final int SERVICES = 8;
    private static final int SHARED_LENGTH = 512;
    private static final byte ASK_FOR_TOOLKIT = 1;
    private static final short NO_DURATION = 0;

    private final CardRuntime card;
    private final Deque<Activation> waiting = new ArrayDeque<>();
    private final AID[] services = new AID[SERVICES];
    private final ChannelOwners channels = new ChannelOwners();
    private SystemCommands system;
    private byte[] profile;
    private short pollInterval;
    private Session session;
    private Activation current;
    private byte[] outstanding;
    private Reply reply;
    private FileTree files;
    private byte[] shared;
    private AID sessionOwner;
    /** The install() in which the last registration was made: another one of the same AID begins anew. */
    private long registeredIn = -1;

    /** What an application posted as response to an envelope. */
    record Reply(byte[] data, boolean positive) {}

    private Toolkit(CardRuntime card) {
        this.card = card;
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

    private SystemCommands system() {
        if (system == null) {
            system = new SystemCommands(this::memory, this::terminalHas);
        }
        return system;
    }

    /** Power or reset: whoever waits for the terminal never comes back. */
    public void reset() {
        Session left = session;
        session = null;
        if (left != null) {
            left.abandon();
        }
        waiting.clear();
        current = null;
        outstanding = null;
        reply = null;
        profile = null;
        pollInterval = NO_DURATION;
        system = null;
        if (files != null) {
            files();
        }
        Arrays.fill(services, null);
        channels.clear();
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

    /** RAM of the card that all applications may use. */
    public byte[] volatileArray(byte event) {
        if (shared == null) {
            shared = SimulatorSystem.instance().getTransientMemory().makeByteArray(SHARED_LENGTH, event);
        }
        return shared;
    }

    // --- registration -----------------------------------------------------------------------

    /** The caller's registration, made when it has none. */
    public AID register(Fault.Face face) {
        AID caller = card.getAID();
        boolean continued = registeredIn == card.installs();
        memory().keep(aid -> continued && aid.equals(caller) || isInstance(aid));
        if (caller == null) {
            throw face.fault(Fault.REGISTRY_ERROR);
        }
        if (memory().find(caller) == null) {
            registeredIn = card.installs();
            if (!memory().add(new Registration(caller, InstallLimits.of(card.installParameters())))) {
                throw face.fault(Fault.REGISTRY_ERROR);
            }
        }
        return caller;
    }

    private boolean isInstance(AID aid) {
        return card.open().applications().find(aid) != null;
    }

    Registration registration(AID aid, Fault.Face face) {
        Registration found = memory().find(aid);
        if (found == null) {
            throw face.fault(Fault.REGISTRY_ERROR);
        }
        return found;
    }

    void eventsChanged(short event) {
        if (Events.inList(event) >= 0) {
            system().eventsChanged();
        }
    }

    void menuChanged() {
        system().menuChanged();
    }

    void pollIntervalChanged() {
        system().pollingChanged();
    }

    short pollInterval() {
        return pollInterval;
    }

    private boolean terminalHas(int bit) {
        return profile != null && bit / 8 < profile.length && (profile[bit / 8] >> bit % 8 & 1) != 0;
    }

    byte[] profile() {
        return profile;
    }

    byte allocateService(AID owner) {
        for (byte i = 0; i < SERVICES; i++) {
            if (services[i] == null) {
                services[i] = owner;
                return i;
            }
        }
        return -1;
    }

    boolean releaseService(AID owner, byte identifier) {
        boolean held = identifier >= 0
                && identifier < SERVICES
                && services[identifier] != null
                && services[identifier].equals(owner);
        if (held) {
            services[identifier] = null;
        }
        return held;
    }

    // --- handlers ---------------------------------------------------------------------------

    private Activation activation(Fault.Face face) {
        if (current == null) {
            throw face.fault(Fault.HANDLER_NOT_AVAILABLE);
        }
        return current;
    }

    private static Content available(Content content, Fault.Face face) {
        if (content == null) {
            throw face.fault(Fault.HANDLER_NOT_AVAILABLE);
        }
        return content;
    }

    Content proactive(Fault.Face face) {
        Activation now = activation(face);
        return available(now.mayBeProactive ? now.proactive : null, face);
    }

    Content response(Fault.Face face) {
        Activation now = activation(face);
        return available(now.mayBeProactive ? now.terminalResponse : null, face);
    }

    Content envelope(Fault.Face face) {
        return available(activation(face).envelope, face);
    }

    Content reply(Fault.Face face) {
        return available(activation(face).reply(), face);
    }

    /** Fixed by the caller: the handler was available. */
    void post(byte[] data, boolean positive) {
        current.endReply();
        reply = new Reply(data, positive);
    }

    public ProactiveEdit proactiveHandler(Fault.Face face) {
        proactive(face);
        return new ProactiveEdit(face);
    }

    public ResponseView responseHandler(Fault.Face face) {
        response(face);
        return new ResponseView(face);
    }

    public EnvelopeView envelopeHandler(Fault.Face face) {
        envelope(face);
        return new EnvelopeView(face);
    }

    public ReplyEdit replyHandler(Fault.Face face) {
        reply(face);
        return new ReplyEdit(face);
    }

    /** Hands the application's command to the terminal and waits for the response; the application's thread. */
    byte send(Fault.Face face) {
        Content command = proactive(face);
        Activation sender = current;
        CommandCheck check = new CommandCheck(command, face);
        check.require(memory(), channels, sender.aid);
        sender.endReply();
        current = null;
        byte[] response = session.exchange(command.bytes());
        current = sender;
        sender.terminalResponse.set(response);
        TlvView view = new TlvView(sender.terminalResponse, face);
        channels.note(check, view, sender.aid);
        return view.byteOf(CommandCheck.TAG_RESULT, 0);
    }

    // --- triggering -------------------------------------------------------------------------

    boolean isBusy(AID aid) {
        return session != null && sessionOwner != null && sessionOwner.equals(aid);
    }

    /** Registrations for an event, in the order of their priority. */
    List<Registration> registered(short event) {
        memory().keep(this::isInstance);
        return memory().ordered().stream()
                .filter(known -> known.has(event) && isSelectable(known.aid))
                .toList();
    }

    boolean isSelectable(AID aid) {
        RegistryEntry entry = card.open().applications().find(aid);
        return entry != null && (entry.state() & 0x87) == 0x07;
    }

    void trigger(Registration application, short event, byte[] envelope, byte tag) {
        Content content = null;
        if (envelope != null) {
            content = new Content(Math.max(HANDLER_CAPACITY, envelope.length));
            content.set(envelope);
            content.tag(tag);
        }
        boolean proactive = profile != null && Events.allowsProactive(event);
        if (session != null || outstanding != null || !Events.allowsProactive(event)) {
            runToEnd(new Activation(application.aid, event, content, false));
        } else {
            waiting.add(new Activation(application.aid, event, content, proactive));
        }
    }

    /** Without a proactive command it cannot wait for anything. */
    private void runToEnd(Activation activation) {
        Activation before = current;
        current = activation;
        try {
            card.perform(() -> {
                call(activation);
                return null;
            });
        } finally {
            current = before;
        }
    }

    private void call(Activation activation) throws Throwable {
        RegistryEntry entry = card.open().applications().find(activation.aid);
        if (entry == null) {
            return;
        }
        card.inContext(activation.aid, () -> {
            Shareable given = entry.applet.getShareableInterfaceObject(null, ASK_FOR_TOOLKIT);
            Object application = given == null ? entry.applet : given;
            if (application instanceof uicc.toolkit.ToolkitInterface toolkit) {
                toolkit.processToolkit(activation.event);
            } else if (application instanceof sim.toolkit.ToolkitInterface toolkit) {
                toolkit.processToolkit((byte) activation.event);
            }
            return null;
        });
    }

    /** Lets whoever waits have his turn; the proactive command that is due then, or null. */
    byte[] due() {
        while (outstanding == null && !waiting.isEmpty()) {
            Activation next = waiting.poll();
            current = next;
            sessionOwner = next.aid;
            session = new Session(card, () -> {
                card.perform(() -> {
                    call(next);
                    return null;
                });
                return null;
            });
            follow(session.start());
        }
        if (outstanding == null && profile != null) {
            outstanding = system().next();
            announceHandler();
        }
        return outstanding;
    }

    private void follow(byte[] command) {
        outstanding = command;
        if (command == null) {
            session = null;
            sessionOwner = null;
        }
        current = null;
    }

    /** The proactive handler is free: those who wait for that are told once. */
    private void announceHandler() {
        if (outstanding == null) {
            for (Registration known : registered(Events.PROACTIVE_HANDLER_AVAILABLE)) {
                known.clear(Events.PROACTIVE_HANDLER_AVAILABLE);
                trigger(known, Events.PROACTIVE_HANDLER_AVAILABLE, null, (byte) 0);
            }
            if (!waiting.isEmpty()) {
                due();
            }
        }
    }

    void profile(byte[] received) {
        profile = received;
        system().begin();
    }

    byte[] outstanding() {
        return outstanding;
    }

    /** The terminal's response to the command it fetched. */
    void terminalResponse(byte[] response) {
        byte[] command = outstanding;
        outstanding = null;
        if (session == null) {
            notePollInterval(command, response);
            return;
        }
        try {
            follow(session.resume(response));
        } catch (PowerCut cut) {
            session = null;
            sessionOwner = null;
            throw cut;
        }
    }

    private void notePollInterval(byte[] command, byte[] response) {
        Content content = new Content(HANDLER_CAPACITY);
        content.set(response);
        TlvView view = new TlvView(content, Fault.Face.UICC);
        boolean polling = command != null && new CommandCheck(command).type() == CommandCheck.POLL_INTERVAL;
        if (polling
                && view.findTLV((byte) CommandCheck.TAG_DURATION, (byte) 1) != TlvView.NOT_FOUND
                && view.getValueLength() == 2) {
            pollInterval = (short) RegistryHandle.seconds(view.getValueByte((short) 0), view.getValueByte((short) 1));
        }
    }

    /** What was posted to the envelope just handled, once; or null. */
    Reply takeReply() {
        Reply posted = reply;
        reply = null;
        return posted;
    }

    AID channelOwner(int channel) {
        return channels.owner(channel);
    }
}
