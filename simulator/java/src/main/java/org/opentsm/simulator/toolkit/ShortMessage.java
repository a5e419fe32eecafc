// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.io.ByteArrayOutputStream;
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
    private static final int CONCATENATED = 0x00;
    private static final int CONCATENATED_WIDE = 0x08;
    /** PCNTR behind the packet's first byte. */
    private static final int PADDING_COUNTER = 15;

    private static final byte[] PACKET_HEADER = {2, COMMAND_PACKET, 0};
    private static final int TPDU_SHORT = 0x80;
    private static final int TPDU_LONG = 0x100;
    private static final int TWO_BYTE_TAG = 0x7F;
    private static final int PAGE_HEADER = 6;
    /** Data coding scheme of a page, and its group with a user data header: TS 23.038 5. */
    private static final int PAGE_CODING = 4;

    private static final int PAGE_WITH_HEADER = 0x90;
    private static final int PAGE_FORMATTED_FIRST = 0x1080;
    private static final int PAGE_FORMATTED_LAST = 0x109F;

    private final byte tag;
    private final byte[] value;
    private final int lengthAt;
    private int packetAt = -1;
    private boolean part;

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

    /** Where an SMS-DELIVER ends in a record that is filled up with FF: bytes of its own may be FF too. */
    static int end(byte[] record, int start) {
        int end = record.length;
        while (end > start && record[end - 1] == (byte) 0xFF) {
            end--;
        }
        ShortMessage message = deliver(Arrays.copyOfRange(record, start, record.length));
        if (message == null) {
            return end;
        }
        int said = start + message.lengthAt + 1 + (message.value[message.lengthAt] & 0xFF);
        return countsBytes(coding(message.value, message.lengthAt))
                ? Math.max(end, Math.min(said, record.length))
                : end;
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
            int element = value[at] & 0xFF;
            if (element == COMMAND_PACKET && fits(end)) {
                packetAt = end;
            }
            part |= element == CONCATENATED || element == CONCATENATED_WIDE;
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
        // One byte has no room for the length of a message that was put together from its parts.
        return value.length > TPDU_LONG || isPage() ? value.length - lengthAt - 1 : value[lengthAt] & 0xFF;
    }

    boolean isPage() {
        return tag == TAG_PAGE;
    }

    /** Bytes of the user data header with its length, 0 without one. */
    int headerLength() {
        boolean has = isPage()
                ? (value[PAGE_CODING] & 0xF0) == PAGE_WITH_HEADER
                : (value[0] & USER_DATA_HEADER) != 0 && lengthAt + 1 < value.length;
        int length = has ? 1 + (value[lengthAt + 1] & 0xFF) : 0;
        return Math.min(length, value.length - lengthAt - 1);
    }

    /** Of the user data what is behind their header, in characters of seven bits where the user data are. */
    int shortMessageLength() {
        int header = headerLength();
        boolean septets = !isPage() && value.length <= TPDU_LONG && !countsBytes(coding(value, lengthAt));
        return Math.max(0, userDataLength() - (septets ? (8 * header + 6) / 7 : header));
    }

    private static int coding(byte[] value, int lengthAt) {
        return value[lengthAt - 1 - SERVICE_CENTRE_TIME] & 0xFF;
    }

    /** Whether the length counts bytes: data, UCS2 and compressed text; TS 23.038 4. */
    private static boolean countsBytes(int coding) {
        int alphabet = coding & 0x0C;
        return switch (coding >> 4) {
            case 0x0, 0x1, 0x4, 0x5 -> alphabet == 0x04 || alphabet == 0x08;
            case 0x2, 0x3, 0x6, 0x7, 0xE -> true;
            case 0xF -> (coding & 0x04) != 0;
            default -> false;
        };
    }

    /** True for a part of a longer message. */
    boolean isPart() {
        return part;
    }

    /**
     * The elements of an envelope, with the packet that its message ended in place of what it had: in clear, and with
     * nothing of concatenation; 3GPP TS 31.130, EVENT_FORMATTED_SMS_PP_ENV. A second message that is none is left out.
     */
    static byte[] opened(byte[] elements, byte[] packet) {
        ByteArrayOutputStream made = new ByteArrayOutputStream();
        // read as TlvView reads them: what an application finds there is never anything but the packet
        for (int at = 0; at < elements.length; ) {
            int lengthAt = at + ((elements[at] & 0x7F) == TWO_BYTE_TAG ? 3 : 1);
            int more = lengthAt >= elements.length ? 0 : TlvView.moreLength(elements[lengthAt]);
            int value = lengthAt + 1 + more;
            if (value > elements.length) {
                break;
            }
            int high = more == 2 ? (elements[lengthAt + 1] & 0xFF) << 8 : 0;
            int end = value + (high | elements[value - 1] & 0xFF);
            if (end > elements.length) {
                break;
            }
            int tag = elements[at] & 0x7F;
            byte[] content = Arrays.copyOfRange(elements, value, end);
            ShortMessage message = tag == TAG_TPDU ? deliver(content) : null;
            if (message != null) {
                element(made, elements[at], message.with(packet));
            } else if (tag == TAG_PAGE) {
                element(made, elements[at], joined(Arrays.copyOf(content, PAGE_HEADER), packet));
            } else if (tag != TAG_TPDU) {
                made.write(elements, at, end - at);
            }
            at = end;
        }
        return made.toByteArray();
    }

    private byte[] with(byte[] packet) {
        byte[] head = Arrays.copyOf(value, lengthAt + 1);
        head[lengthAt] = (byte) (PACKET_HEADER.length + packet.length);
        return joined(head, joined(PACKET_HEADER, packet));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    private static void element(ByteArrayOutputStream out, byte tag, byte[] value) {
        out.write(tag);
        if (value.length >= TPDU_LONG) {
            out.write(0x82);
            out.write(value.length >> 8);
        } else if (value.length >= TPDU_SHORT) {
            out.write(0x81);
        }
        out.write(value.length);
        out.writeBytes(value);
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

    /** @param opened the packet is in clear, so that it says how much of it is padding */
    int securedDataLength(boolean opened) {
        int packet = (value[packetAt] & 0xFF) << 8 | value[packetAt + 1] & 0xFF;
        int padding = opened ? value[packetAt + PADDING_COUNTER] & 0xFF : 0;
        int length = packet - 1 - (value[packetAt + 2] & 0xFF) - padding;
        return Math.max(0, Math.min(length, value.length - securedDataAt()));
    }
}
