// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import org.opentsm.simulator.image.NativeIssuer;

/**
 * INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, and what a session asks of every command. Failures are counted before they
 * are known.
 */
final class ChannelCommands {

    static final int INS_INITIALIZE_UPDATE = 0x50;
    static final int INS_EXTERNAL_AUTHENTICATE = 0x82;
    private static final int MAX_COUNTER = 0x7FFF;
    private static final int AUTHENTICATED = 0x80;

    private final NativeIssuer issuer;
    private final KeyStore keys;

    private Session session;
    private int version;
    private boolean authenticated;
    /** A session has failed: nothing protected is taken until a new start. */
    private boolean aborted;

    ChannelCommands(NativeIssuer issuer, KeyStore keys) {
        this.issuer = issuer;
        this.keys = keys;
    }

    void end() {
        session = null;
        authenticated = false;
        aborted = false;
    }

    boolean isAuthenticated() {
        return authenticated;
    }

    /** Current security level of GPCS 10.6: AUTHENTICATED and what protects commands and responses, or 0. */
    int level() {
        return authenticated ? AUTHENTICATED | session.level() : 0;
    }

    static boolean opens(Command command) {
        return command.ins() == INS_INITIALIZE_UPDATE || command.ins() == INS_EXTERNAL_AUTHENTICATE;
    }

    byte[] open(Command command) {
        return command.ins() == INS_INITIALIZE_UPDATE ? initialize(command) : authenticate(command);
    }

    private byte[] initialize(Command command) {
        end();
        StatusException.require(command.p2() == 0, Status.WRONG_P1P2);
        KeySet set = keys.find(command.p1());
        StatusException.require(set != null, Status.NO_REFERENCE);
        boolean older = issuer.protocol() == 2;
        StatusException.require(
                command.data().length == (older ? 8 : Scp03Session.sizeOf(issuer.option())), Status.WRONG_LENGTH);
        requireUsable(set);
        StatusException.require(set.counter() < MAX_COUNTER, Status.CONDITIONS);
        if (older) {
            session = new Scp02Session(set, command.data(), keys.aid());
        } else {
            KeySet counted = set.at(set.counter() + 1);
            keys.update(counted);
            session = new Scp03Session(counted, issuer.option(), command.data(), keys.aid());
        }
        version = set.version();
        return Bytes.concat(keys.object(KeyStore.DIVERSIFICATION), session.initialAnswer());
    }

    private byte[] authenticate(Command command) {
        Session started = session;
        boolean awaited = started != null && !authenticated;
        end();
        StatusException.require(awaited, Status.CONDITIONS);
        StatusException.require(command.p2() == 0 && started.knows(command.p1()), Status.WRONG_P1P2);
        KeySet set = keys.find(version);
        requireUsable(set);
        keys.update(set.failed(set.failures() + 1));
        StatusException.require(started.authenticate(command), issuer.faults().cryptogramStatus());
        keys.update(set.at(started.counterAfter()).failed(0));
        session = started;
        authenticated = true;
        return new byte[0];
    }

    private void requireUsable(KeySet set) {
        int tries = issuer.faults().tries();
        StatusException.require(tries == 0 || set.failures() < tries, Status.BLOCKED);
    }

    /** The command without its protection. A command that breaks the session's level ends it. */
    Command admit(Command command) {
        if (!authenticated) {
            boolean pending = session != null;
            if (pending) {
                end();
            }
            StatusException.require(!command.isSecure() && !aborted, Status.SECURITY);
            return command;
        }
        try {
            return session.unwrap(command);
        } catch (StatusException e) {
            end();
            aborted = true;
            throw e;
        }
    }

    byte[] wrap(byte[] data, int status) {
        return authenticated ? session.wrap(data, status) : data;
    }

    Session session() {
        StatusException.require(authenticated, Status.SECURITY);
        return session;
    }
}
