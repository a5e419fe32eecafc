// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator;

import java.io.Closeable;
import java.io.IOException;

/** Daemon threads, so that the process ends with its control link. */
public final class Threads {

    private Threads() {}

    public static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    public static void closeQuietly(Closeable closeable) {
        if (closeable != null) {
            try {
                closeable.close();
            } catch (IOException e) {
                // It is gone either way.
            }
        }
    }
}
