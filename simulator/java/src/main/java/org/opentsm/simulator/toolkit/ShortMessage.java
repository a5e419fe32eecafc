// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;

/**
 * A short message in an envelope: an SMS-DELIVER (3GPP TS 23.040 9.2.2.1) in the TPDU element, or a cell broadcast
 * page. Formatted ones carry a command packet behind the header element 70 (TS 31.115 4.2).
 */
final class ShortMessage {

    private static final byte TAG_TPDU = 0x0B;
    private static final byte TAG_PAGE = 0x0C;
    private static final int USER_DATA_HEADER = 0x40;
    private static final int COMMAND_PACKET = 0x70;
    private static final int SERVICE_CENTRE_TIME = 7;
    private static final int TAR_IN_HEADER = 4;
    private static final int PAGE_HEADER = 6;
    private static final int PAGE_FORMATTED_FIRST = 0x1080;
    private static final int PAGE_FORMATTED_LAST = 0x109F;

    private final byte tag;
    private final byte[] value;
    private final int lengthAt;
    private int packetAt = -1;

    private ShortMessage(byte tag, byte[] value, int lengthAt) {
        this.tag = tag;
        this.value = value;
        this.lengthAt = lengthAt;
    }

    /** The message, or null when there is none that is whole. */
    static ShortMessage of(Content content) {
        TlvView view = new TlvView(content, Face.UICC);
        boolean deliver = view.findTLV(TAG_TPDU, (byte) 1) != TlvView.NOT_FOUND;
        if (!deliver && view.findTLV(TAG_PAGE, (byte) 1) == TlvView.NOT_FOUND) {
            return null;
        }
        byte[] value = new byte[view.getValueLength()];
        for (short i = 0; i < value.length; i++) {
            value[i] = view.getValueByte(i);
        }
        return deliver ? deliver(value) : page(value);
    }

    private static ShortMessage deliver(byte[] value) {
        int lengthAt = value.length < 2 ? value.length : 1 + 2 + ((value[1] & 0xFF) + 1) / 2 + 2 + SERVICE_CENTRE_TIME;
        if (lengthAt >= value.length) {
            return null;
        }
        ShortMessage message = new ShortMessage(TAG_TPDU, value, lengthAt);
        if ((value[0] & USER_DATA_HEADER) != 0) {
            message.findPacket(lengthAt + 1);
        }
        return message;
    }

    private static ShortMessage page(byte[] value) {
        if (value.length <= PAGE_HEADER) {
            return null;
        }
        ShortMessage message = new ShortMessage(TAG_PAGE, value, PAGE_HEADER - 1);
        int identifier = (value[2] & 0xFF) << 8 | value[3] & 0xFF;
        message.packetAt =
                identifier >= PAGE_FORMATTED_FIRST && identifier <= PAGE_FORMATTED_LAST && message.fits(PAGE_HEADER)
                        ? PAGE_HEADER
                        : -1;
        return message;
    }

    private void findPacket(int headerAt) {
        if (headerAt >= value.length) {
            return;
        }
        int end = headerAt + 1 + (value[headerAt] & 0xFF);
        for (int at = headerAt + 1; at + 1 < Math.min(end, value.length); at += 2 + (value[at + 1] & 0xFF)) {
            if ((value[at] & 0xFF) == COMMAND_PACKET && fits(end)) {
                packetAt = end;
            }
        }
    }

    /** {@code CPL(2) CHL(1) SPI(2) KIc KID TAR(3) CNTR(5) PCNTR ..} with the header inside. */
    private boolean fits(int at) {
        return at + 3 <= value.length
                && (value[at + 2] & 0xFF) >= TAR_IN_HEADER + 3
                && at + 3 + (value[at + 2] & 0xFF) <= value.length;
    }

    byte tag() {
        return tag;
    }

    int userDataLengthAt() {
        return lengthAt;
    }

    int userDataLength() {
        return tag == TAG_PAGE ? value.length - PAGE_HEADER : value[lengthAt] & 0xFF;
    }

    boolean isFormatted() {
        return packetAt >= 0;
    }

    /** Toolkit application reference the message is for. */
    byte[] tar() {
        return Arrays.copyOfRange(value, packetAt + 3 + TAR_IN_HEADER, packetAt + 3 + TAR_IN_HEADER + 3);
    }

    /** SPI 1, which says how the packet is secured. */
    byte security() {
        return value[packetAt + 3];
    }

    int securedDataAt() {
        return packetAt + 3 + (value[packetAt + 2] & 0xFF);
    }

    int securedDataLength() {
        int packet = (value[packetAt] & 0xFF) << 8 | value[packetAt + 1] & 0xFF;
        return Math.max(0, Math.min(packet - 1 - (value[packetAt + 2] & 0xFF), value.length - securedDataAt()));
    }
}
