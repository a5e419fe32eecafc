// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.concurrent.SynchronousQueue;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.PowerCut;

/**
 * An application that runs while commands come and go: send() holds it between the command that triggered it and the
 * TERMINAL RESPONSE.
 * It has a thread of its own, but only one of the two runs at any time.
 */
final class Session {

    /** The application asked the terminal for something. */
    private record Command(byte[] bytes) {}

    /** The application came back. */
    private record End(Throwable thrown) {}

    private static final byte[] POWER_LOST = new byte[0];
    private final CardRuntime card;
    private final Thread thread;
    private final SynchronousQueue<Object> toCard = new SynchronousQueue<>();
    private final SynchronousQueue<byte[]> toApplication = new SynchronousQueue<>();
    private boolean ended;

    Session(CardRuntime card, CardRuntime.Work<?> work) {
        this.card = card;
        thread = new Thread(() -> run(work), "toolkit-application");
        thread.setDaemon(true);
    }

    private void run(CardRuntime.Work<?> work) {
        Throwable thrown = null;
        try {
            card.activate();
            card.budget().begin();
            work.run();
        } catch (Throwable e) {
            thrown = e;
        }
        hand(new End(thrown));
    }

    private void hand(Object message) {
        try {
            toCard.put(message);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** @return the proactive command it waits with, or null when it has come back */
    byte[] start() {
        thread.start();
        return await();
    }

    byte[] resume(byte[] terminalResponse) {
        give(terminalResponse);
        return await();
    }

    private void give(byte[] message) {
        try {
            toApplication.put(message);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private byte[] await() {
        Object message;
        try {
            message = toCard.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        if (message instanceof Command command) {
            return command.bytes;
        }
        ended = true;
        Throwable thrown = ((End) message).thrown;
        if (thrown instanceof PowerCut cut) {
            throw cut;
        }
        return null;
    }

    boolean hasEnded() {
        return ended;
    }

    /** Called by the application's thread: waits for the terminal. */
    byte[] exchange(byte[] command) {
        Object contexts = card.suspend();
        hand(new Command(command));
        byte[] response;
        try {
            response = toApplication.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PowerCut();
        }
        card.activate();
        card.resume(contexts);
        card.budget().begin();
        if (response == POWER_LOST) {
            throw new PowerCut();
        }
        return response;
    }

    /** The card lost its power: the application never comes back. */
    void abandon() {
        if (!ended) {
            try {
                resume(POWER_LOST);
            } catch (PowerCut gone) {
                // That is how it ends.
                ended = true;
            }
        }
    }
}
