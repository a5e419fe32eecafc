// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

/** Life cycle bytes and the moves of the card's own, GPCS 2.3.1 5.1.1 and 11.1.1. */
public final class LifeCycle {

    public static final byte INSTALLED = 0x03;
    public static final byte SELECTABLE = 0x07;
    /** Of a security domain; an application gives it its own meaning. */
    public static final byte PERSONALIZED = 0x0F;

    static final byte LOCKED_BIT = (byte) 0x80;

    public static final byte OP_READY = 0x01;
    public static final byte INITIALIZED = 0x07;
    public static final byte SECURED = 0x0F;
    public static final byte CARD_LOCKED = 0x7F;
    public static final byte TERMINATED = (byte) 0xFF;

    private LifeCycle() {}

    /** True when the card may go from {@code from} to {@code to}. */
    static boolean cardMay(byte from, byte to) {
        return switch (to) {
            case INITIALIZED -> from == OP_READY;
            case SECURED -> from == INITIALIZED || from == CARD_LOCKED;
            case CARD_LOCKED -> from == SECURED;
            case TERMINATED -> from != TERMINATED;
            default -> false;
        };
    }

    /** True for an application or a supplementary domain in a LOCKED state; the card's own states are others. */
    static boolean isLocked(RegistryEntry entry) {
        return entry.kind != RegistryEntry.Kind.ISSUER_DOMAIN && (entry.state() & LOCKED_BIT) != 0;
    }

    /** True for the issuer's domain, and for any other that is PERSONALIZED; GPCS 9.1.3, 9.4.1. */
    static boolean isInUse(RegistryEntry domain) {
        return domain.kind == RegistryEntry.Kind.ISSUER_DOMAIN || domain.state() == PERSONALIZED;
    }

    /** True when SELECT may find an application in this state. */
    static boolean isSelectable(byte state) {
        return (state & LOCKED_BIT) == 0 && (state & SELECTABLE) == SELECTABLE;
    }
}
