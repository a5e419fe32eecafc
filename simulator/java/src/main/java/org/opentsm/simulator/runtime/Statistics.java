// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** Counts of one card since it was inserted. */
public final class Statistics {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private long apdus;
    private long persistentWrites;
    private long allocationsAfterInstall;
    private int largestTransaction;
    private long cryptoCpuNanos;
    private int cryptoDepth;

    public void apdu() {
        apdus++;
        cryptoDepth = 0;
    }

    void persistentWrite() {
        persistentWrites++;
    }

    /** @param bytes changed between begin and commit */
    void transaction(int bytes) {
        largestTransaction = Math.max(largestTransaction, bytes);
    }

    void allocation() {
        allocationsAfterInstall++;
    }

    /** A cipher that calls another through an applet's own class is counted once. */
    long cryptoStarts() {
        return cryptoDepth++ == 0 ? THREADS.getCurrentThreadCpuTime() : 0;
    }

    void cryptoEnds(long start) {
        if (--cryptoDepth == 0) {
            cryptoCpuNanos += THREADS.getCurrentThreadCpuTime() - start;
        }
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

    public double cryptoCpuMs() {
        return cryptoCpuNanos / 1e6;
    }
}
