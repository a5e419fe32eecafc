// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.EnumMap;
import java.util.Map;
import java.util.WeakHashMap;
import javacard.framework.APDUException;
import uicc.toolkit.ToolkitException;

/**
 * The handlers of the application that runs now: which of them are available to it, and what it posted; ETSI TS 102 241
 * 4.8 and 6.
 */
public final class Handlers {

    /** Bytes of a response of the card. */
    private static final int MOST = 256;

    private Activation current;
    private Reply reply;
    /** What each call of processToolkit() that has not come back was given. */
    private final Map<Activation, Map<Face, Given>> given = new WeakHashMap<>();

    /** One object of each kind, as long as an application runs: what one reference found is found for the other. */
    private record Given(ProactiveEdit proactive, ResponseView response, EnvelopeView envelope, ReplyEdit reply) {

        Given(Face face) {
            this(new ProactiveEdit(face), new ResponseView(face), new EnvelopeView(face), new ReplyEdit(face));
        }
    }

    /** What an application posted as response to an envelope. */
    record Reply(byte[] data, boolean positive) {}

    void clear() {
        current = null;
        reply = null;
    }

    Activation current() {
        return current;
    }

    void current(Activation activation) {
        current = activation;
    }

    private Activation activation(Face face) {
        if (current == null) {
            throw face.fault(ToolkitException.HANDLER_NOT_AVAILABLE);
        }
        return current;
    }

    private static Content available(Content content, Face face) {
        if (content == null) {
            throw face.fault(ToolkitException.HANDLER_NOT_AVAILABLE);
        }
        return content;
    }

    Content proactive(Face face) {
        Activation now = activation(face);
        return available(now.mayBeProactive ? now.proactive : null, face);
    }

    Content response(Face face) {
        Activation now = activation(face);
        return available(now.mayBeProactive ? now.terminalResponse : null, face);
    }

    Content envelope(Face face) {
        return available(activation(face).envelope, face);
    }

    Content reply(Face face) {
        return available(activation(face).reply(), face);
    }

    /**
     * Fixed by the caller: the handler was available.
     *
     * @param positive taken as true for a call or a message, whose answer says itself what becomes of it
     */
    void post(byte[] data, boolean positive) {
        if (data.length > MOST) {
            throw new APDUException(APDUException.BAD_LENGTH);
        }
        current.endQuestion();
        Reply made = new Reply(data, positive || Events.isExclusive(current.event));
        if (current.opener == null) {
            reply = made;
        } else {
            // It is data of the response packet that whoever opened the command makes.
            current.posted = made;
        }
    }

    /** What was posted to the envelope just handled, once; or null. */
    Reply takeReply() {
        Reply posted = reply;
        reply = null;
        return posted;
    }

    private Given given(Face face) {
        return given.computeIfAbsent(current, none -> new EnumMap<>(Face.class)).computeIfAbsent(face, Given::new);
    }

    public ProactiveEdit proactiveHandler(Face face) {
        proactive(face);
        return given(face).proactive();
    }

    public ResponseView responseHandler(Face face) {
        response(face);
        return given(face).response();
    }

    public EnvelopeView envelopeHandler(Face face) {
        envelope(face);
        return given(face).envelope();
    }

    public ReplyEdit replyHandler(Face face) {
        reply(face);
        return given(face).reply();
    }
}
