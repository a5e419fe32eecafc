// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

/**
 * Persistent memory of the platform's own parts: a root of the card's heap beside the applets, saved and rolled back
 * with them. Each part keeps one object here.
 */
public final class PlatformMemory {

    /** Global services and the global PIN of GlobalPlatform. */
    public static final int GLOBAL_PLATFORM = 0;
    /** Toolkit registrations. */
    public static final int TOOLKIT = 1;
    /** Files of a UICC that changed. */
    public static final int FILES = 2;

    private static final int PARTS = 4;

    private final Object[] parts = new Object[PARTS];

    public Object get(int part) {
        return parts[part];
    }

    public void set(int part, Object value) {
        parts[part] = value;
    }
}
