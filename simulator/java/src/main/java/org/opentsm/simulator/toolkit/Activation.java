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

    private boolean replyEnded;
    /** It threw ISOException with REPLY_BUSY. */
    boolean refused;

    Activation(AID aid, short event, Content envelope, boolean mayBeProactive) {
        this.aid = aid;
        this.event = event;
        this.envelope = envelope;
        this.mayBeProactive = mayBeProactive;
        this.reply = Events.isAnswered(event) ? new Content(ENVELOPE_RESPONSE) : null;
    }

    /** The response being made, or null when none may be made any more. */
    Content reply() {
        return replyEnded ? null : reply;
    }

    /** It was posted, or the application has gone on to a proactive command. */
    void endReply() {
        replyEnded = true;
    }
}
