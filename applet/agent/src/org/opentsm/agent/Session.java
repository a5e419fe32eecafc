// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.RandomData;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;

/**
 * A session of remote administration (Amendment B 4): channel, TLS, first POST, then a script and the POST of its
 * answers in turn, until the server names no further URI. It goes on whenever the terminal has news.
 */
final class Session {

    /** Longest list of answers. */
    private static final short ANSWERS_MAX = (short) 1200;

    /** The server may be silent for two minutes: digits of the terminal are swapped. */
    private static final byte[] SILENCE = {0x00, 0x20, 0x00};

    private static final byte[] NOTHING = {0};

    private final byte[] body;
    private final byte[] work;
    /** True until the first POST of a channel has gone. */
    private final boolean[] fresh = JCSystem.makeTransientBooleanArray((short) 1, JCSystem.CLEAR_ON_RESET);

    private final boolean[] missed;
    private final byte suites;
    private final SessionStore store;
    private final Channel channel = new Channel();
    private final Target target;
    private final Script script;
    private final Reply reply;
    private final Records records;
    private final Tls tls;
    private final HttpAnswer answer;
    private final Post post;
    private final Timer timer;

    /** @param missed events that came while the terminal was somebody else's; those of a channel before are nobody's */
    Session(SessionStore store, byte suites, byte timerIdentifier, boolean[] missed) {
        this.store = store;
        this.missed = missed;
        this.suites = suites;
        body = JCSystem.makeTransientByteArray(
                (short) (HttpAnswer.BODY + HttpAnswer.BODY_MAX), JCSystem.CLEAR_ON_RESET);
        work = JCSystem.makeTransientByteArray((short) (ANSWERS_MAX + Script.SLACK), JCSystem.CLEAR_ON_RESET);
        RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
        Hmac hmac = new Hmac();
        OpenLink link = new OpenLink();
        records = new Records(channel, hmac, random);
        tls = new Tls(body, work, records, hmac, new PreSharedKey(link, store), random);
        answer = new HttpAnswer(body);
        post = new Post(records, store);
        reply = new Reply(post, answer);
        target = new Target(link, store, answer);
        script = new Script(link, target, answer.rules, reply);
        timer = new Timer(timerIdentifier);
    }

    boolean isConnected() {
        return channel.isOpen();
    }

    /** Number of the channel, 0 when there is none. */
    byte channel() {
        return channel.number();
    }

    /** The terminal has begun anew. */
    void forget() {
        channel.forget();
        timer.expired();
        tls.reset();
        wipe();
    }

    /** True between a broken channel and the next. */
    boolean isPausing() {
        return timer.isRunning();
    }

    /** Opens the channel and goes as far as the terminal has news. */
    void connect() {
        fresh[0] = true;
        try {
            short length = store.connectionLength();
            if (channel.open(store.bytes, store.connection(), length, Records.SENT_MAX)) {
                forgetMissed();
                timer.start(SILENCE, (short) 0);
                answer.begin();
                tls.begin(suites);
                takeAll();
            } else {
                lost();
            }
        } catch (ISOException e) {
            fail(e.getReason());
        }
    }

    /** Data has come. */
    void receive() {
        if (!channel.isOpen()) {
            return;
        }
        try {
            takeAll();
        } catch (ISOException e) {
            fail(e.getReason());
        }
    }

    /** The channel is gone, or the server silent: after a pause it is tried again, as often as the session may. */
    void lost() {
        drop();
        if (store.retry()) {
            timer.start(store.bytes, store.pause());
        } else {
            report();
            ended();
        }
    }

    /** No retry is left: the message that the trigger has for that goes out, not again where power was lost then. */
    void report() {
        short length = store.takeReport();
        if (length == 0) {
            return;
        }
        try {
            ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
            handler.init(ToolkitConstants.PRO_CMD_SEND_SHORT_MESSAGE, (byte) 0, ToolkitConstants.DEV_ID_NETWORK);
            handler.appendArray(store.bytes, store.report(), length);
            Terminal.does(handler);
        } catch (ToolkitException e) {
            // it was no message: the session is over all the same
            drop();
        }
    }

    /** The timer has run out: a pause is over, or the server is silent. */
    void expired() {
        timer.expired();
        if (!store.isActive()) {
            return;
        }
        if (channel.isOpen()) {
            lost();
        } else {
            connect();
        }
    }

    private void fail(short reason) {
        if (reason == Fault.LINK) {
            lost();
            return;
        }
        // what fails in TLS or HTTP fails again (Amendment B 3.8)
        if (Fault.isTls(reason)) {
            try {
                tls.alert((byte) reason);
            } catch (ISOException e) {
                // nobody hears it
                drop();
            }
        }
        drop();
        ended();
    }

    /** Channel and secrets go. */
    private void drop() {
        tls.reset();
        wipe();
        timer.stop();
        channel.close();
    }

    /** What was told of the channel before, and of the timer that it had, is not of this one. */
    private void forgetMissed() {
        for (short i = 0; i < (short) missed.length; i++) {
            missed[i] = false;
        }
    }

    private void wipe() {
        Util.arrayFillNonAtomic(body, (short) 0, (short) body.length, (byte) 0);
        Util.arrayFillNonAtomic(work, (short) 0, (short) work.length, (byte) 0);
    }

    /** A secure channel that scripts opened inside is over with the session. */
    private void ended() {
        boolean another = store.end();
        target.leave();
        if (another) {
            connect();
        }
    }

    private void takeAll() {
        while (channel.isOpen() && records.read()) {
            if (records.type() != Records.APPLICATION_DATA) {
                boolean before = tls.isOpen();
                tls.take();
                if (!before && tls.isOpen()) {
                    postNothing();
                }
            } else if (tls.isOpen()) {
                answer.take(records.bytes, records.offset(), records.length());
                if (answer.isDone()) {
                    answered();
                }
            } else {
                Fault.tls(Fault.UNEXPECTED_MESSAGE);
            }
        }
    }

    private void postNothing() {
        begin();
        post.send(NOTHING, (short) 0, (short) 0);
    }

    /** One that follows a break says so. */
    private void begin() {
        boolean resumes = fresh[0] && store.isPosted();
        fresh[0] = false;
        store.posting();
        post.begin();
        if (resumes) {
            post.resume();
        }
        timer.start(SILENCE, (short) 0);
    }

    private void answered() {
        boolean goesOn = answer.uriLength() > 0;
        if (goesOn) {
            // from here on the script has run, whatever happens: it must not come a second time
            store.next(answer.ram, answer.uri(), answer.uriLength());
        }
        if (!answer.hasScript()) {
            if (goesOn) {
                answer.begin();
                postNothing();
            } else {
                finish();
            }
            return;
        }
        // commands may take longer than a server may be silent
        timer.stop();
        if (!goesOn) {
            store.last();
        }
        short length = run();
        if (!goesOn) {
            finish();
            return;
        }
        if (reply.isBegun()) {
            timer.start(SILENCE, (short) 0);
        } else {
            begin();
        }
        if (length == 0) {
            post.status(Text.UNKNOWN_APPLICATION);
            post.send(NOTHING, (short) 0, (short) 0);
        } else {
            reply.last(work, (short) 0, length);
        }
        answer.begin();
    }

    /** The server has no more: it hears that the agent has understood. */
    private void finish() {
        try {
            tls.alert((byte) 0);
        } catch (ISOException e) {
            // it has gone before: the session is over all the same
            drop();
        }
        drop();
        ended();
    }

    /** Runs the script; length of its answers, or of those that have not gone, 0 when its target is nobody. */
    private short run() {
        if (!Script.isTemplate(body[HttpAnswer.BODY])) {
            Fault.protocol();
        }
        reply.clear();
        short length = (short) 0;
        try {
            target.begin();
            length = script.run(body, HttpAnswer.BODY, answer.bodyLength(), work, (short) 0, ANSWERS_MAX);
        } catch (ISOException e) {
            if (reply.isBegun()) {
                // half a POST is out: only a new channel helps
                Fault.link();
            }
            // the target is not there, or does not serve anybody now
            length = (short) 0;
        } finally {
            target.end(OpenLink.FOR_NOW);
        }
        return length;
    }
}
