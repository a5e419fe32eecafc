// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.ArrayDeque;
import java.util.Deque;
import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.Shareable;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.PowerCut;

/** Who is triggered, and whose turn it is to ask the terminal; ETSI TS 102 241 4.6 to 4.9. */
final class Turns {

    private static final byte ASK_FOR_TOOLKIT = 1;
    private static final short REPLY_BUSY = (short) 0x9300;
    private final CardRuntime card;
    private final Toolkit toolkit;
    private final Deque<Activation> waiting = new ArrayDeque<>();
    private final ChannelOwners channels = new ChannelOwners();
    private final DeclaredServices services = new DeclaredServices();
    private Session session;
    private AID sessionOwner;
    private byte[] outstanding;
    private boolean fetched;
    private AID refusing;
    /** For whom a packet was opened: the next one to be triggered. */
    private Activation opened;

    private Question question = new Question();

    Turns(CardRuntime card, Toolkit toolkit) {
        this.card = card;
        this.toolkit = toolkit;
    }

    /** Power or reset: whoever waits for the terminal never comes back. */
    void reset() {
        Session left = session;
        session = null;
        if (left != null) {
            left.abandon();
        }
        waiting.clear();
        outstanding = null;
        refusing = null;
        opened = null;
        channels.clear();
        services.clear();
    }

    /** True while an application that packets may be for waits for the terminal. */
    boolean isBusyWithReference() {
        Registration owner = session == null || sessionOwner == null
                ? null
                : toolkit.memory().find(sessionOwner);
        return owner != null && owner.tar.length > 0;
    }

    /** The packet that remote management, which runs now, has opened: its application is triggered behind it. */
    void deliver(AID application, byte[] envelope, byte tag) {
        Content content = new Content(Math.max(Toolkit.HANDLER_CAPACITY, envelope.length));
        content.set(envelope);
        content.tag(tag);
        Activation opener = toolkit.handlers().current();
        opened = Activation.opened(application, Events.ofPacket(opener.event), content, opener);
    }

    private Activation takeOpened() {
        Activation next = opened;
        opened = null;
        return next;
    }

    /** Has the response packet made, before the application goes on to the terminal, and at its end at the latest. */
    private void handBack(Activation application) {
        Activation answering = application.handBack();
        if (answering == null) {
            return;
        }
        if (card.getTransactionDepth() > 0) {
            card.abortTransaction();
        }
        Activation before = toolkit.handlers().current();
        toolkit.handlers().current(answering);
        try {
            enter(answering);
        } catch (PowerCut cut) {
            throw cut;
        } catch (Throwable fault) {
            // As wherever an application of the toolkit fails: its packet is one that nobody answers.
            answering.endReply();
        } finally {
            toolkit.handlers().current(before);
        }
    }

    boolean isBusy(AID aid) {
        return session != null && sessionOwner != null && sessionOwner.equals(aid);
    }

    /** Hands the application's command to the terminal and waits for the response; the application's thread. */
    byte send(Face face) {
        Content command = toolkit.handlers().proactive(face);
        Activation sender = toolkit.handlers().current();
        CommandCheck check = new CommandCheck(command, face);
        check.require(toolkit.memory(), channels, toolkit.registration(sender.aid, face));
        if (card.getTransactionDepth() > 0) {
            // A transaction does not outlast the command in which it began; ETSI TS 102 241 6.5.
            card.abortTransaction();
        }
        sender.endQuestion();
        handBack(sender);
        toolkit.handlers().current(null);
        byte[] response = session.exchange(command.bytes());
        toolkit.handlers().current(sender);
        sender.terminalResponse.set(response);
        TlvView view = new TlvView(sender.terminalResponse, face);
        channels.note(check, view, sender.aid);
        services.note(check, view);
        return view.byteOf(CommandCheck.TAG_RESULT, 0);
    }

    /** Another envelope, which is not answered. */
    void ask() {
        question = new Question();
    }

    void trigger(Registration application, short event, byte[] envelope, byte tag) {
        Content content = null;
        if (envelope != null) {
            content = new Content(Math.max(Toolkit.HANDLER_CAPACITY, envelope.length));
            content.set(envelope);
            content.tag(tag);
        }
        boolean proactive = toolkit.profile() != null && Events.allowsProactive(event);
        if (session != null || outstanding != null || !Events.allowsProactive(event)) {
            runToEnd(new Activation(application.aid, event, content, false, question));
        } else {
            waiting.add(new Activation(application.aid, event, content, proactive, question));
        }
    }

    /** Without a proactive command it cannot wait for anything. */
    private void runToEnd(Activation activation) {
        Activation before = toolkit.handlers().current();
        toolkit.handlers().current(activation);
        try {
            card.perform(() -> {
                call(activation);
                return null;
            });
        } finally {
            toolkit.handlers().current(before);
        }
        noteRefusal(activation);
        Activation next = takeOpened();
        if (next != null) {
            runToEnd(next);
        }
    }

    private void noteRefusal(Activation activation) {
        if (activation.refused) {
            refusing = activation.opener == null ? activation.aid : activation.opener;
        }
    }

    private void call(Activation activation) throws Throwable {
        try {
            enter(activation);
        } catch (PowerCut cut) {
            throw cut;
        } catch (Throwable thrown) {
            handBack(activation);
            throw thrown;
        }
        handBack(activation);
    }

    private void enter(Activation activation) throws Throwable {
        RegistryEntry entry = card.open().applications().find(activation.aid);
        if (entry == null) {
            return;
        }
        card.inContext(activation.aid, () -> {
            Shareable given = entry.applet.getShareableInterfaceObject(null, ASK_FOR_TOOLKIT);
            Object application = given == null ? entry.applet : given;
            try {
                if (application instanceof uicc.toolkit.ToolkitInterface toolkitInterface) {
                    toolkitInterface.processToolkit(activation.event);
                } else if (application instanceof sim.toolkit.ToolkitInterface toolkitInterface) {
                    toolkitInterface.processToolkit((byte) activation.event);
                }
            } catch (ISOException thrown) {
                activation.refused = thrown.getReason() == REPLY_BUSY;
                throw thrown;
            }
            return null;
        });
    }

    /** Lets whoever waits have his turn; the proactive command that is due then, or null. */
    byte[] due() {
        runWaiting();
        if (outstanding == null && toolkit.profile() != null) {
            announceHandler();
        }
        if (outstanding == null && toolkit.profile() != null) {
            hand(toolkit.system().next());
        }
        return outstanding;
    }

    /** Whoever waits has his turn, as long as nobody asks the terminal. */
    void runWaiting() {
        while (outstanding == null && !waiting.isEmpty()) {
            Activation next = waiting.poll();
            toolkit.handlers().current(next);
            sessionOwner = next.aid;
            session = new Session(card, () -> {
                card.perform(() -> {
                    call(next);
                    return null;
                });
                return null;
            });
            follow(session.start());
            noteRefusal(next);
            Activation opened = takeOpened();
            if (opened != null) {
                waiting.addFirst(opened);
            }
        }
    }

    private void hand(byte[] command) {
        outstanding = command;
        fetched = false;
    }

    private void follow(byte[] command) {
        hand(command);
        if (command == null) {
            session = null;
            sessionOwner = null;
        }
        toolkit.handlers().current(null);
    }

    /** The proactive handler is free: those who wait for that are told once, before the card's own commands. */
    private void announceHandler() {
        for (Registration known : toolkit.registered(Events.PROACTIVE_HANDLER_AVAILABLE)) {
            known.clear(Events.PROACTIVE_HANDLER_AVAILABLE);
            trigger(known, Events.PROACTIVE_HANDLER_AVAILABLE, null, (byte) 0);
        }
        if (!waiting.isEmpty()) {
            due();
        }
    }

    byte[] outstanding() {
        return outstanding;
    }

    /** True until the terminal has fetched the command that is due: so long status words tell of it. */
    boolean isToFetch() {
        return outstanding != null && !fetched;
    }

    void fetched() {
        fetched = true;
    }

    /** The application that answered REPLY_BUSY to the event just handled, once; or null. */
    AID takeRefusal() {
        AID found = refusing;
        refusing = null;
        return found;
    }

    /** The terminal's response to the command it fetched. */
    void terminalResponse(byte[] response) {
        byte[] command = outstanding;
        outstanding = null;
        if (session == null) {
            toolkit.notePollInterval(command, response);
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

    boolean isDeclared(int service) {
        return services.has(service);
    }

    AID channelOwner(int channel) {
        return channels.owner(channel);
    }
}
