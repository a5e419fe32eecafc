// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import javacard.framework.AID;

/** One call of processToolkit(): whom, why, and the handlers that are available in it. */
final class Activation {

    static final int ENVELOPE_RESPONSE = 255;
    final AID aid;
    final short event;
    /** Null where the event comes with none. */
    final Content envelope;

    final boolean mayBeProactive;
    final Content proactive = new Content(Toolkit.HANDLER_CAPACITY);
    final Content terminalResponse = new Content(Toolkit.HANDLER_CAPACITY);
    /** Null where none is expected. */
    private final Content reply;
    /** Remote management, which opened the packet and makes its response; null for what came as it is. */
    final AID opener;
    /** For remote management: whose answer its response packet is about; null for other events. */
    final Activation answered;
    /** What was posted, where that is not yet the answer to the terminal. */
    Handlers.Reply posted;

    private boolean handedBack;

    private boolean replyEnded;
    /** What it may reply to, with the others that this triggers. */
    private final Question question;

    /** It threw ISOException with REPLY_BUSY. */
    boolean refused;

    Activation(AID aid, short event, Content envelope, boolean mayBeProactive, Question question) {
        this(aid, event, envelope, mayBeProactive, question, null, null);
    }

    private Activation(
            AID aid,
            short event,
            Content envelope,
            boolean mayBeProactive,
            Question question,
            AID opener,
            Activation answered) {
        this.aid = aid;
        this.question = question;
        this.opener = opener;
        this.answered = answered;
        this.event = event;
        this.envelope = envelope;
        this.mayBeProactive = mayBeProactive;
        this.reply = Events.isAnswered(event) ? new Content(ENVELOPE_RESPONSE) : null;
    }

    /** An application's, for a packet that another one opened. */
    static Activation opened(AID application, short event, Content envelope, Activation opener) {
        return new Activation(application, event, envelope, opener.mayBeProactive, new Question(), opener.aid, null);
    }

    /** Remote management's, for the answer of the application that this one was; null when it had that already. */
    Activation handBack() {
        endReply();
        boolean due = opener != null && !handedBack;
        handedBack = true;
        return due ? new Activation(opener, Events.PACKET_ANSWERED, null, false, new Question(), null, this) : null;
    }

    /** The response being made, or null when none may be made any more. */
    Content reply() {
        return replyEnded || question.isOver() ? null : reply;
    }

    /** Its part is over: what is answered now is not by it. */
    void endReply() {
        replyEnded = true;
    }

    /** It has posted, or goes on to a proactive command: nobody may answer any more. */
    void endQuestion() {
        question.end();
    }
}
