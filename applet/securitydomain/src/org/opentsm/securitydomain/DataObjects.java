// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/**
 * A domain's short data objects: 42, 45, 5F20, 66, 67, 5F50, and the issuer's domain's 4F and 9F7F, each a fixed slot
 * made at install.
 */
final class DataObjects {

    private static final short SLOT_MAX = (short) 16;
    static final short DIVERSIFICATION_LENGTH = (short) 10;
    private static final short LONG_SLOT_MAX = (short) 112;
    private static final short PRODUCTION_LENGTH = (short) 42;
    /** Identifier, date and equipment, behind the slot's length. */
    private static final short PART_LENGTH = (short) 8;

    private static final short PERSONALIZER = (short) 35;

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
    /** Null for domains that are not the issuer's. */
    private final byte[] production;

    private final byte[] name;

    /** @param ownAid the domain's name, which the issuer's domain may change */
    DataObjects(boolean withProduction, byte[] ownAid) {
        production = withProduction ? new byte[(short) (1 + PRODUCTION_LENGTH)] : null;
        name = withProduction ? ownAid : null;
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
            case Gp.TAG_PERSONALIZER:
            case Gp.TAG_PRE_PERSONALIZER:
                return production;
            case Gp.TAG_AID:
                return name;
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

    /** 6A80 when a value of this length cannot be stored under the tag, or is part of one that is not there. */
    void check(short tag, short length) {
        short place = place(tag);
        short most = (short) (slot(tag).length - 1);
        if (length < 1
                || length > most
                || (place != 1 && (length != PART_LENGTH || !has(tag)))
                || (tag == Gp.TAG_AID && length < Gp.AID_MIN)
                || (tag == Gp.TAG_PRODUCTION && length != PRODUCTION_LENGTH)
                || (tag == Gp.TAG_DIVERSIFICATION && length != DIVERSIFICATION_LENGTH)
                || (tag == Gp.TAG_PROVIDER && length != Gp.HOLDER_LENGTH)) {
            Refuse.data();
        }
    }

    /** Stores a checked value; inside the caller's transaction. */
    void store(short tag, byte[] buffer, short offset, short length) {
        byte[] slot = slot(tag);
        short place = place(tag);
        if (place == 1) {
            slot[0] = (byte) length;
        }
        Util.arrayCopy(buffer, offset, slot, place, length);
    }

    /** Where a value stands in its slot: two, whose tags follow each other, are parts of 9F7F. */
    private static short place(short tag) {
        return (short) (tag | 1) == Gp.TAG_PRE_PERSONALIZER
                ? (short) (PERSONALIZER - (short) ((tag & 1) * PART_LENGTH))
                : (short) 1;
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
