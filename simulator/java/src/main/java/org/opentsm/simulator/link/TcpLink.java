// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.link;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.Threads;
import org.opentsm.simulator.card.Card;

/** A server on 127.0.0.1: whoever connects holds the card's reader. One peer at a time. */
public final class TcpLink implements Link {

    private static final int BACKLOG = 16;
    /** A peer that has just left may still be held here when the next one comes. */
    private static final long BUSY_WAIT_MS = 2000;

    private static final long ACCEPT_PAUSE_NS = 10_000_000;

    private final Card card;
    private final ServerSocket server;
    private final ReentrantLock reader = new ReentrantLock();
    private volatile Socket current;

    /** @param port 0 for a free one */
    public TcpLink(Card card, int port) {
        this.card = card;
        try {
            server = new ServerSocket(port, BACKLOG, InetAddress.getByName("127.0.0.1"));
        } catch (IOException e) {
            throw new SimulatorException(
                    "link-unavailable", null, "cannot listen on port " + port + ": " + e.getMessage(), e);
        }
        Threads.start("tcp-accept " + card.name(), this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Threads.start("tcp " + card.name(), () -> serve(socket));
            } catch (IOException e) {
                // Closed, a peer that left before it was taken, or no descriptor left: not a busy loop.
                LockSupport.parkNanos(ACCEPT_PAUSE_NS);
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            if (!reader.tryLock(BUSY_WAIT_MS, TimeUnit.MILLISECONDS)) {
                return;
            }
            try {
                current = socket;
                new Framing(socket).serve(card);
            } finally {
                current = null;
                reader.unlock();
            }
        } catch (IOException e) {
            // The peer left or sent what is no frame: the link is closed, the card is as it was.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void drop() {
        Threads.closeQuietly(current);
    }

    @Override
    public void close() {
        Threads.closeQuietly(server);
        drop();
    }
}
