// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** Counts of one card since it was inserted. */
public final class Statistics {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final long BRIEF_MOST_NS = 1_000_000;

    private long apdus;
    private long persistentWrites;
    private long allocationsAfterInstall;
    private int largestTransaction;
    private int keyPairs;
    private long cryptoCpuNanos;
    private int cryptoDepth;
    private boolean cryptoBrief;

    public void apdu() {
        apdus++;
        cryptoDepth = 0;
    }

    void persistentWrite() {
        persistentWrites++;
        Sites.write();
    }

    /** @param bytes changed between begin and commit */
    void transaction(int bytes) {
        largestTransaction = Math.max(largestTransaction, bytes);
    }

    void allocation() {
        allocationsAfterInstall++;
    }

    void keyPair() {
        keyPairs++;
    }

    /** A cipher that calls another through an applet's own class is counted once. */
    long cryptoStarts(boolean brief) {
        if (cryptoDepth++ > 0) {
            return 0;
        }
        cryptoBrief = brief;
        return now();
    }

    void cryptoEnds(long start) {
        if (--cryptoDepth == 0) {
            long spent = now() - start;
            // By the clock, so what the machine did meanwhile is cut off.
            cryptoCpuNanos += cryptoBrief ? Math.min(spent, BRIEF_MOST_NS) : spent;
        }
    }

    private long now() {
        return cryptoBrief ? System.nanoTime() : THREADS.getCurrentThreadCpuTime();
    }

    public long apdus() {
        return apdus;
    }

    public long persistentWrites() {
        return persistentWrites;
    }

    public long allocationsAfterInstall() {
        return allocationsAfterInstall;
    }

    public int largestTransaction() {
        return largestTransaction;
    }

    public int keyPairs() {
        return keyPairs;
    }

    public double cryptoCpuMs() {
        return cryptoCpuNanos / 1e6;
    }
}
