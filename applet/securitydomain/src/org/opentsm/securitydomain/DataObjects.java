// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/** A domain's short data objects: 42, 45, 5F20, 66, 67, 5F50 and 9F7F, each a fixed slot made at install. */
final class DataObjects {

    private static final short SLOT_MAX = (short) 16;
    static final short DIVERSIFICATION_LENGTH = (short) 10;
    private static final short LONG_SLOT_MAX = (short) 112;
    private static final short PRODUCTION_LENGTH = (short) 42;

    // Slots: first byte the length (0: absent), then the value
    private final byte[] issuerNumber = new byte[(short) (1 + SLOT_MAX)];
    private final byte[] imageNumber = new byte[(short) (1 + SLOT_MAX)];
    private final byte[] provider = new byte[(short) (1 + SLOT_MAX)];
    /** Card data and capabilities where somebody stored others than the domain's own. */
    private final byte[] cardData = new byte[(short) (1 + LONG_SLOT_MAX)];

    private final byte[] capabilities = new byte[(short) (1 + LONG_SLOT_MAX)];
    /** Zeros until somebody stores another: what hosts diversify their keys with. */
    private final byte[] diversification = new byte[(short) (1 + DIVERSIFICATION_LENGTH)];

    private final byte[] managerUrl = new byte[(short) (1 + LONG_SLOT_MAX)];
    private final byte[] production;

    DataObjects(boolean withProduction) {
        production = withProduction ? new byte[(short) (1 + PRODUCTION_LENGTH)] : null;
    }

    private byte[] slot(short tag) {
        switch (tag) {
            case Gp.TAG_IIN:
                return issuerNumber;
            case Gp.TAG_CIN:
                return imageNumber;
            case Gp.TAG_PROVIDER:
                return provider;
            case Gp.TAG_DIVERSIFICATION:
                return diversification;
            case Gp.TAG_CARD_DATA:
                return cardData;
            case Gp.TAG_CAPABILITIES:
                return capabilities;
            case Gp.TAG_MANAGER_URL:
                return managerUrl;
            case Gp.TAG_PRODUCTION:
                return production;
            default:
                return null;
        }
    }

    boolean knows(short tag) {
        return slot(tag) != null;
    }

    boolean has(short tag) {
        byte[] slot = slot(tag);
        return slot != null && slot[0] != 0;
    }

    /** 6A80 when a value of this length cannot be stored under the tag. */
    void check(short tag, short length) {
        short most = (short) (slot(tag).length - 1);
        if (length < 1
                || length > most
                || (tag == Gp.TAG_PRODUCTION && length != PRODUCTION_LENGTH)
                || (tag == Gp.TAG_DIVERSIFICATION && length != DIVERSIFICATION_LENGTH)
                || (tag == Gp.TAG_PROVIDER && length != Gp.HOLDER_LENGTH)) {
            Refuse.data();
        }
    }

    /** Stores a checked value; inside the caller's transaction. */
    void store(short tag, byte[] buffer, short offset, short length) {
        byte[] slot = slot(tag);
        slot[0] = (byte) length;
        Util.arrayCopy(buffer, offset, slot, (short) 1, length);
    }

    short length(short tag) {
        byte[] slot = slot(tag);
        return slot == null ? (short) 0 : slot[0];
    }

    /** Writes the value; 6A88 when absent. Returns its length. */
    short value(short tag, byte[] out, short offset) {
        if (!has(tag)) {
            Refuse.notFound();
        }
        byte[] slot = slot(tag);
        return (short) (Util.arrayCopyNonAtomic(slot, (short) 1, out, offset, slot[0]) - offset);
    }

    /** Writes the ten bytes of diversification data; returns the offset behind. */
    short diversification(byte[] out, short offset) {
        return Util.arrayCopyNonAtomic(diversification, (short) 1, out, offset, DIVERSIFICATION_LENGTH);
    }

    /** Writes {@code tag L value}, with an empty value when absent; returns the offset behind. */
    short object(short tag, byte[] out, short offset) {
        return Tlv.put(out, offset, tag, slot(tag), (short) 1, length(tag));
    }

    boolean equals(short tag, byte[] buffer, short offset, short length) {
        return has(tag)
                && length(tag) == length
                && Util.arrayCompare(slot(tag), (short) 1, buffer, offset, length) == 0;
    }
}
