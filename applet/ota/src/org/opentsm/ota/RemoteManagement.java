// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import uicc.system.UICCPlatform;
import uicc.toolkit.EnvelopeHandler;
import uicc.toolkit.EnvelopeHandlerSystem;
import uicc.toolkit.EnvelopeResponseHandler;
import uicc.toolkit.EnvelopeResponseHandlerSystem;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * The toolkit application that takes command packets from short messages and answers them: for the security domains,
 * for the card's files, and for toolkit applications, which get them in clear and whose answers it secures. INSTALL's
 * C9: {@code [8E 01 level]}, the least SPI 1 (16 when absent: checksum, ciphering and a counter that must be higher).
 */
public final class RemoteManagement extends Applet implements ToolkitInterface {

    /** Longest list of answers to commands. */
    static final short RESPONSE_MAX = (short) 1600;

    private static final byte MINIMUM = (byte) 0x16;
    /** The other length that AES-CMAC may have (TS 102 225 5.1.3.2). */
    private static final byte SHORT_CHECKSUM = (byte) 4;

    private static final byte TAG_LEVEL = (byte) 0x8E;
    private static final byte FOR_TOOLKIT = (byte) 1;
    /** First byte of what is for the administration agent; no script begins so. */
    private static final byte TAG_TRIGGER = (byte) 0x81;

    private static final byte[] AGENT = {
        (byte) 0xF0,
        (byte) 0x6F,
        (byte) 0x70,
        (byte) 0x65,
        (byte) 0x6E,
        (byte) 0x74,
        (byte) 0x73,
        (byte) 0x6D,
        (byte) 0x04,
        (byte) 0x01
    };
    private static final byte TAG_TPDU = (byte) 0x0B;
    private static final byte TAG_ADDRESS = (byte) 0x06;
    private static final byte TAG_PAGE = (byte) 0x0C;
    private static final short EVENT_FORMATTED = (short) 2;
    /** Of a message that the terminal stored in the card's file, and of a cell broadcast. */
    private static final short EVENT_FORMATTED_STORED = (short) 3;

    private static final short EVENT_UNFORMATTED = (short) 4;
    private static final short EVENT_UNFORMATTED_STORED = (short) 5;
    private static final short EVENT_UNFORMATTED_PAGE = (short) 6;
    private static final short EVENT_STATUS = (short) 19;
    private static final short EVENT_FORMATTED_PAGE = (short) 24;
    private static final short EVENT_HANDLER_AVAILABLE = (short) 123;
    /** OPEN's own: the application that a packet was delivered to has answered it. */
    private static final short EVENT_ANSWERED = (short) -2;
    /** The terminal is to bring the message again (ETSI TS 102 241 4.11). */
    private static final short SW_BUSY = (short) 0x9300;
    /** Seconds between two tries to send an answer. */
    private static final short PAUSE = (short) 30;
    /** Longest SMS-DELIVER that is looked at. */
    private static final short TPDU_MAX = (short) 176;
    /** Longest response in a deliver report (3GPP TS 31.111 7.1.1.2). */
    private static final short REPORT_MAX = (short) 128;

    // Shorts in RAM, between one event and the next
    /** 1 while an application has not answered the packet at hand. */
    private static final short AWAITED = (short) 0;
    /** Where a response stands in the second buffer that waits for its turn to be sent, and its length; 0 for none. */
    private static final short WAITING_AT = (short) 1;

    private static final short WAITING_LENGTH = (short) 2;
    /** What the event leaves open to answer by: none, the deliver report, messages, messages later. */
    private static final short BY = (short) 3;

    private static final short STATE = (short) 4;
    private static final short BY_REPORT = (short) 1;
    private static final short BY_MESSAGE = (short) 2;
    private static final short BY_MESSAGE_LATER = (short) 4;

    private final short[] state = JCSystem.makeTransientShortArray(STATE, JCSystem.CLEAR_ON_RESET);
    private final byte[] command =
            JCSystem.makeTransientByteArray((short) (Packet.CAPACITY + Packet.SLACK), JCSystem.CLEAR_ON_RESET);
    private final byte[] response = JCSystem.makeTransientByteArray(
            (short) (ResponsePacket.DATA + RESPONSE_MAX + Script.SLACK), JCSystem.CLEAR_ON_RESET);
    private final MessageParts parts = new MessageParts(command);
    private final ShortMessages messages = new ShortMessages();
    private final Chains chains = new Chains();
    private final Script script;
    private final Packet packet;
    private final RemoteLink link;
    private ToolkitRegistry registry;

    private RemoteManagement(byte minimum, byte shortest) {
        link = new RemoteLink();
        script = new Script(link, chains);
        packet = new Packet(command, link, minimum, shortest);
    }

    public static void install(byte[] buffer, short offset, byte length) {
        short privileges = (short) (offset + 1 + buffer[offset]);
        short parameters = (short) (privileges + 1 + buffer[privileges]);
        short size = buffer[parameters];
        byte minimum = MINIMUM;
        byte shortest = (byte) PacketCiphers.CHECKSUM;
        if (size != 0) {
            if (size < 3
                    || size > 4
                    || buffer[(short) (parameters + 1)] != TAG_LEVEL
                    || buffer[(short) (parameters + 2)] != (byte) (size - 2)) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            minimum = buffer[(short) (parameters + 3)];
            if (size == 4) {
                shortest = buffer[(short) (parameters + 4)];
            }
        }
        if (shortest != PacketCiphers.CHECKSUM && shortest != SHORT_CHECKSUM) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        RemoteManagement made = new RemoteManagement(minimum, shortest);
        made.register(buffer, (short) (offset + 1), buffer[offset]);
        ToolkitRegistry registry = ToolkitRegistrySystem.getEntry();
        made.registry = registry;
        // the parts of a long message behind its first are not known as such
        for (short event = EVENT_FORMATTED; event <= EVENT_UNFORMATTED_PAGE; event++) {
            registry.setEvent(event);
        }
        registry.setEvent(EVENT_FORMATTED_PAGE);
    }

    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return client == null && parameter == FOR_TOOLKIT ? this : null;
    }

    /** It is no application to be selected. */
    public void process(APDU apdu) {
        if (!selectingApplet()) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    public void processToolkit(short event) {
        short length = (short) 0;
        if (event == EVENT_STATUS) {
            if (state[WAITING_LENGTH] == 0) {
                // nothing is to be tried again, since a reset or a packet that came too often
                registry.requestPollInterval(ToolkitConstants.POLL_NO_DURATION);
                return;
            }
            if (!ShortMessages.canSend()) {
                return;
            }
        } else if (event != EVENT_ANSWERED && event != EVENT_HANDLER_AVAILABLE) {
            if (state[WAITING_LENGTH] != 0 && messages.mayTry()) {
                ISOException.throwIt(SW_BUSY);
            }
            state[WAITING_LENGTH] = (short) 0;
            state[AWAITED] = (short) 0;
            length = take(event);
            if (length == 0) {
                // the parts so far stay
                return;
            }
        }
        try {
            switch (event) {
                case EVENT_ANSWERED:
                    answered();
                    break;
                case EVENT_HANDLER_AVAILABLE:
                case EVENT_STATUS:
                    sendWaiting();
                    break;
                default:
                    serve(length);
            }
        } finally {
            wipe();
        }
    }

    /** Nothing stays but what an application is to answer, and what is to be sent. */
    private void wipe() {
        if (state[AWAITED] != 0) {
            return;
        }
        packet.clear();
        Util.arrayFillNonAtomic(command, (short) 0, (short) command.length, (byte) 0);
        if (state[WAITING_LENGTH] == 0) {
            Util.arrayFillNonAtomic(response, (short) 0, (short) response.length, (byte) 0);
        }
    }

    /** Length of the packet that is whole with the message at hand; 0. */
    private short take(short event) {
        EnvelopeHandler envelope = EnvelopeHandlerSystem.getTheHandler();
        boolean isPage = event == EVENT_FORMATTED_PAGE || event == EVENT_UNFORMATTED_PAGE;
        short size = value(envelope, isPage ? TAG_PAGE : TAG_TPDU);
        if (size <= 0 || size > TPDU_MAX) {
            return (short) 0;
        }
        envelope.copyValue((short) 0, response, (short) 0, size);
        short length = isPage ? parts.takePage(response, (short) 0, size) : parts.take(response, (short) 0, size);
        if (length == 0) {
            return length;
        }
        size = value(envelope, TAG_ADDRESS);
        if (size < 0 || size > MessageParts.ADDRESS_MAX) {
            size = (short) 0;
        } else {
            envelope.copyValue((short) 0, response, (short) 0, size);
        }
        messages.answers(parts, response, size);
        boolean isStored = event == EVENT_FORMATTED_STORED || event == EVENT_UNFORMATTED_STORED;
        // nobody in particular sent a cell broadcast
        state[BY] = (short) 0;
        if (!isPage) {
            boolean later = !ShortMessages.canSend();
            state[BY] = !later ? BY_MESSAGE : ShortMessages.canSendLater() ? BY_MESSAGE_LATER : (short) 0;
            state[BY] |= isStored ? (short) 0 : BY_REPORT;
        }
        return length;
    }

    /** Length of the first element with this tag, which is the current one then; -1. */
    private static short value(EnvelopeHandler envelope, byte tag) {
        return envelope.findTLV(tag, (byte) 1) == 0 ? (short) -1 : envelope.getValueLength();
    }

    private void serve(short length) {
        byte status = packet.open(length);
        short answered = (short) 0;
        if (status == Status.OK && packet.isForApplication()) {
            status = deliver(length);
            if (status == Status.OK) {
                return;
            }
        } else if (status == Status.OK && packet.dataLength() > 0 && command[packet.data()] == TAG_TRIGGER) {
            status = trigger() ? Status.OK : Status.SECURITY_ERROR;
        } else if (status == Status.OK) {
            try {
                packet.begin(chains);
                answered =
                        script.run(command, packet.data(), packet.dataLength(), response, ResponsePacket.DATA, (short)
                                (ResponsePacket.DATA + RESPONSE_MAX));
            } catch (ISOException e) {
                // the target went away, or the card serves nobody now
                status = Status.TAR_UNKNOWN;
            } finally {
                link.end();
            }
        }
        if (packet.isAnswered(status)) {
            answer(answered, status, true);
        }
    }

    /** Hands the packet on; its application runs behind this event, and {@link #answered} comes before its end. */
    private byte deliver(short length) {
        packet.restore(length);
        try {
            link.deliver(command, (short) 1, length);
        } catch (ISOException e) {
            return Status.TAR_UNKNOWN;
        }
        state[AWAITED] = (short) 1;
        // the answer may come while the application is about to ask the terminal for something
        if ((state[BY] & BY_MESSAGE) != 0) {
            state[BY] = (short) (state[BY] & BY_REPORT | BY_MESSAGE_LATER);
        }
        return Status.OK;
    }

    /** The application has answered: what it posted are the data of the response packet. */
    private void answered() {
        if (state[AWAITED] == 0) {
            return;
        }
        state[AWAITED] = (short) 0;
        short at = (short) (ResponsePacket.DATA - 1);
        short length = (short) (link.answer(response, at) - 1);
        if (response[at] == RemoteLink.BUSY) {
            packet.undo();
        } else if (packet.isAnswered(Status.OK)) {
            answer(length, Status.OK, response[at] != RemoteLink.NEGATIVE);
        }
    }

    /** What the network does not take now waits for another try. */
    private void sendWaiting() {
        short length = state[WAITING_LENGTH];
        boolean waits = length != 0 && messages.mayTry() && !messages.send(response, state[WAITING_AT], length);
        if (!waits) {
            state[WAITING_LENGTH] = (short) 0;
        }
        if (waits != registry.isEventSet(EVENT_STATUS)) {
            registry.requestPollInterval(waits ? PAUSE : ToolkitConstants.POLL_NO_DURATION);
        }
    }

    /** Tells the card's administration agent to call its server, by the array that all applications share. */
    private boolean trigger() {
        AID agent = JCSystem.lookupAID(AGENT, (short) 0, (byte) AGENT.length);
        Shareable given = agent == null
                ? null
                : JCSystem.getAppletShareableInterfaceObject(agent, AdministrationTrigger.PARAMETER);
        byte[] shared = UICCPlatform.getTheVolatileByteArray();
        short length = packet.dataLength();
        if (given == null || length > (short) (shared.length - Packet.TARGET_MAX)) {
            return false;
        }
        short domain = packet.domain(shared, (short) 0);
        Util.arrayCopyNonAtomic(command, packet.data(), shared, domain, length);
        return domain != 0 && ((AdministrationTrigger) given).trigger(shared, (short) 0, domain, length);
    }

    /**
     * In the deliver report, or by a message of its own where the packet asks for that or the report has no room. A
     * refusal costs nobody a message.
     */
    private void answer(short length, byte status, boolean positive) {
        boolean isLong = (short) (ResponsePacket.DATA + length + PacketCiphers.CHECKSUM) > REPORT_MAX;
        boolean submits = status == Status.OK && (packet.isAnsweredBySubmit() || isLong);
        if (!submits) {
            report(response, length, status, positive);
        } else if ((state[BY] & (short) (BY_MESSAGE | BY_MESSAGE_LATER)) == 0) {
            // the commands ran, but what they answered does not get out
            report(command, (short) 0, Status.NO_MEMORY, true);
        } else {
            report(command, (short) 0, Status.FOLLOWS_BY_SUBMIT, positive);
            state[WAITING_AT] = packet.respond(response, length, status);
            state[WAITING_LENGTH] = packet.responseLength();
            if ((state[BY] & BY_MESSAGE) != 0) {
                sendWaiting();
            } else {
                registry.setEvent(EVENT_HANDLER_AVAILABLE);
            }
        }
    }

    private void report(byte[] buffer, short length, byte status, boolean positive) {
        if ((state[BY] & BY_REPORT) == 0) {
            return;
        }
        short start = packet.respond(buffer, length, status);
        EnvelopeResponseHandler handler = EnvelopeResponseHandlerSystem.getTheHandler();
        handler.appendArray(buffer, start, packet.responseLength());
        handler.post(positive && (status == Status.OK || status == Status.FOLLOWS_BY_SUBMIT));
    }
}
