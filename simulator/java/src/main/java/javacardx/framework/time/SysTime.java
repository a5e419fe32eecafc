// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.time;

/** The card's clock; Java Card API 3.1. It runs while the simulator does. */
public final class SysTime {

    private static final long STARTED_NS = System.nanoTime();
    private static final int NS_IN_MICROSECOND = 1000;

    private SysTime() {}

    /** Sets the time since the platform started. */
    public static void uptime(TimeDuration to) {
        to.microseconds((System.nanoTime() - STARTED_NS) / NS_IN_MICROSECOND);
    }
}
