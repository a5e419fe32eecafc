// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Ends a command whose applet computes for ever: instrumented code asks at each backward jump, at the end of each
 * subroutine and at the beginning of each exception handler ({@link HandlerGuard}). Computing
 * time is counted, not waiting, so a busy machine ends nothing; who wants to reset the card waits for a second of it.
 *
 * <p>It is counted from the first time that the watch sees the command: to ask for a thread's time at the beginning of
 * each would cost more than most commands do.
 */
public final class Budget {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long LIMIT_NS = 20_000_000_000L;
    private static final long HURRIED_NS = 1_000_000_000L;
    private static final long LOOK_MS = 250;
    private static final long IDLE = 0;
    private static final Set<Budget> WATCHED = ConcurrentHashMap.newKeySet();

    static {
        Thread watch = new Thread(Budget::watch, "command-budget");
        watch.setDaemon(true);
        watch.start();
    }

    /** Number of the command under way, of which the card's thread alone makes new ones. */
    private long number;

    private volatile long running = IDLE;
    private volatile long ended = IDLE;
    /** True when a command was cut off, {@code ended} says which: one read for what is asked in each loop. */
    private volatile boolean spent;

    private volatile boolean watched;
    private volatile boolean hurried;
    private volatile long thread;
    /** Of the watch alone: the command it saw last, and the thread's computing time then. */
    private long seen = IDLE;

    private long startNs;

    Budget() {}

    /** A command begins in this thread. */
    public void begin() {
        hurried = false;
        thread = Thread.currentThread().getId();
        running = ++number;
        // The watch forgets an idle card, and looks once more afterwards: one of the two sees the other.
        if (!watched) {
            watched = true;
            WATCHED.add(this);
        }
    }

    public void end() {
        running = IDLE;
    }

    /** Somebody waits to reset or remove the card. */
    public void hurry() {
        hurried = true;
    }

    /** True when the command was cut off; the last one, when none is under way. */
    public boolean isSpent() {
        return spent && ended == number && number != IDLE;
    }

    private static void watch() {
        while (true) {
            try {
                Thread.sleep(LOOK_MS);
            } catch (InterruptedException e) {
                return;
            }
            WATCHED.forEach(Budget::look);
        }
    }

    private void look() {
        long now = running;
        if (now == IDLE) {
            watched = false;
            WATCHED.remove(this);
            if (running != IDLE) {
                watched = true;
                WATCHED.add(this);
            }
            return;
        }
        long used = THREADS.getThreadCpuTime(thread);
        if (now != seen) {
            seen = now;
            startNs = used;
        } else if (used - startNs > (hurried ? HURRIED_NS : LIMIT_NS)) {
            ended = now;
            spent = true;
        }
    }
}
