package org.opentsm.simulator;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** Counts of one card since it was inserted. */
final class Statistics {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private long apdus;
    private long persistentWrites;
    private long allocationsAfterInstall;
    private long cryptoCpuNanos;
    private int cryptoDepth;

    void apdu() {
        apdus++;
        cryptoDepth = 0;
    }

    void persistentWrite() {
        persistentWrites++;
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

    long apdus() {
        return apdus;
    }

    long persistentWrites() {
        return persistentWrites;
    }

    long allocationsAfterInstall() {
        return allocationsAfterInstall;
    }

    double cryptoCpuMs() {
        return cryptoCpuNanos / 1e6;
    }
}
