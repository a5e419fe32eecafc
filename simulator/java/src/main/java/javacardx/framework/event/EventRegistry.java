// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.event;

import javacard.framework.SystemException;

/** Who hears of a source's events; Java Card API 3.1. This card has no sources: it is for applets that look for one. */
public abstract class EventRegistry {

    EventRegistry() {}

    /** @throws SystemException ILLEGAL_VALUE, as no source here gives events */
    public static EventRegistry getEventRegistry(EventSource source) {
        throw new SystemException(SystemException.ILLEGAL_VALUE);
    }

    public abstract void register(EventListener listener);

    public abstract void unregister(EventListener listener);
}
