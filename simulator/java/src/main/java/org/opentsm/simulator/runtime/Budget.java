// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Ends a command whose applet computes for ever: instrumented code asks at each backward jump. Computing
 * time is counted, not waiting, so a busy machine ends nothing; who wants to reset the card waits for a second of it.
 */
public final class Budget {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long LIMIT_NS = 20_000_000_000L;
    private static final long HURRIED_NS = 1_000_000_000L;
    private static final long LOOK_MS = 250;
    private static final Set<Budget> RUNNING = ConcurrentHashMap.newKeySet();
    /** Read at each backward jump of every card, so it is one field and nothing more. */
    private static volatile boolean someEnded;

    static {
        Thread watch = new Thread(Budget::watch, "command-budget");
        watch.setDaemon(true);
        watch.start();
    }

    private volatile boolean ended;
    private volatile boolean hurried;
    private volatile long thread;
    private volatile long startNs;

    Budget() {}

    /** A command begins in this thread. */
    public void begin() {
        ended = false;
        hurried = false;
        thread = Thread.currentThread().getId();
        startNs = THREADS.getCurrentThreadCpuTime();
        RUNNING.add(this);
    }

    public void end() {
        RUNNING.remove(this);
    }

    /** Somebody waits to reset or remove the card. */
    public void hurry() {
        hurried = true;
    }

    /** True when the last command was cut off. */
    public boolean isSpent() {
        return ended;
    }

    static boolean mayBeSpent() {
        return someEnded;
    }

    private static void watch() {
        while (true) {
            try {
                Thread.sleep(LOOK_MS);
            } catch (InterruptedException e) {
                return;
            }
            RUNNING.forEach(Budget::look);
        }
    }

    private void look() {
        long used = THREADS.getThreadCpuTime(thread) - startNs;
        if (used > (hurried ? HURRIED_NS : LIMIT_NS)) {
            ended = true;
            someEnded = true;
        }
    }
}
