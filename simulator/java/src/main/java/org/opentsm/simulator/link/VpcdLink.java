package org.opentsm.simulator.link;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.opentsm.simulator.Threads;
import org.opentsm.simulator.card.Card;

/** Puts the card into a slot of vpcd, the virtual reader of pcscd; connects again whenever it loses it. */
public final class VpcdLink implements Link {

    private static final int CONNECT_TIMEOUT_MS = 2000;
    private static final int RETRY_MS = 200;
    /** Longer than pcscd's polling period, so that a power cut is seen as a card taken out and put in. */
    private static final int OUT_OF_READER_MS = 1200;

    private final Card card;
    private final InetSocketAddress address;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile Socket current;
    private volatile boolean dropped;

    public VpcdLink(Card card, String host, int port) {
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
                new Framing(socket).serve(card);
            }
        } catch (IOException e) {
            // pcscd is not there, or stopped: try again.
        } finally {
            current = null;
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
