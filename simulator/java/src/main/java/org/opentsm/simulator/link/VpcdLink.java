// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.link;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.opentsm.simulator.Threads;
import org.opentsm.simulator.card.Card;

/**
 * Puts the card into a slot of vpcd, the virtual reader of pcscd; connects again whenever it loses it, and says how it
 * stands.
 */
public final class VpcdLink implements Link {

    /** How the card and the slot stand. */
    public enum State {
        /** Nobody listens there. */
        NO_READER,
        /** The connection stands and nobody asks for the card: another one is in the slot. */
        SLOT_TAKEN,
        /** The reader talks to the card. */
        IN_READER
    }

    /** pcscd asks a card that it has several times in this time. */
    private static final int SILENCE_MS = 3000;

    private static final int CONNECT_TIMEOUT_MS = 2000;
    private static final int RETRY_MS = 200;
    /** Longer than pcscd's polling period, so that a power cut is seen as a card taken out and put in. */
    private static final int OUT_OF_READER_MS = 1200;

    private final Card card;
    private final InetSocketAddress address;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile Socket current;
    private final Consumer<State> listener;
    private volatile boolean dropped;
    private State state;

    /** @param listener told of each change, from the link's own thread */
    public VpcdLink(Card card, String host, int port, Consumer<State> listener) {
        this.listener = listener;
        this.card = card;
        this.address = new InetSocketAddress(host, port);
        Threads.start("vpcd " + card.name(), this::run);
    }

    private void run() {
        try {
            do {
                dropped = false;
                serve();
            } while (!closed.await(dropped ? OUT_OF_READER_MS : RETRY_MS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve() {
        try (Socket socket = new Socket()) {
            socket.connect(address, CONNECT_TIMEOUT_MS);
            current = socket;
            if (closed.getCount() > 0) {
                Framing frames = new Framing(socket);
                while (!frames.isAsked(SILENCE_MS)) {
                    tell(State.SLOT_TAKEN);
                }
                tell(State.IN_READER);
                frames.serve(card);
            }
        } catch (ConnectException | SocketTimeoutException | UnknownHostException e) {
            // pcscd is not there: try again.
            tell(State.NO_READER);
        } catch (IOException e) {
            // The reader let the card go; the next connection says how it stands.
            state = null;
        } finally {
            current = null;
        }
    }

    private void tell(State now) {
        if (state != now && closed.getCount() > 0) {
            state = now;
            listener.accept(now);
        }
    }

    @Override
    public void drop() {
        dropped = true;
        Threads.closeQuietly(current);
    }

    @Override
    public void close() {
        closed.countDown();
        Threads.closeQuietly(current);
    }
}
