// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkitapplet;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.APDUException;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCConstants;
import uicc.access.UICCException;
import uicc.access.UICCSystem;
import uicc.toolkit.EnvelopeHandlerSystem;
import uicc.toolkit.EnvelopeResponseHandler;
import uicc.toolkit.EnvelopeResponseHandlerSystem;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ProactiveResponseHandler;
import uicc.toolkit.ProactiveResponseHandlerSystem;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * A toolkit application that does what APDUs say: each instruction is one call of the API, its answer the result, and
 * 6A with the reason where it throws. What it does at its next event is said before.
 */
public final class Commanded extends Applet implements ToolkitInterface {

    private static final byte[] ENTRY = {'E', 'n', 't', 'r', 'y'};
    private static final byte THROW = 1;
    private static final byte SEND = 2;
    private static final byte SEND_AND_WAIT_FOR_HANDLER = 3;
    private static final byte SEND_IN_TRANSACTION = 4;
    private static final byte LEAVE_TRANSACTION = 5;
    private static final byte SHOW_NOTHING = 6;
    private static final byte ASK_FOR_CHANNEL = 7;
    private static final byte POST = 8;
    private static final byte KEEP = 9;
    private static final byte ASK_TWICE = 10;
    private static final byte REGISTER = 11;
    private static final byte POSITIVE = 1;
    private static final byte AS_BER_TLV = 2;
    private static final byte ASK_THEN = 4;
    private static final short HANDLER_AVAILABLE = 123;
    private static final short FILE_UPDATE = 124;
    private static final byte TAG_FILE_UPDATE = 0x3B;
    private final ToolkitRegistry registry;
    private final byte[] next = new byte[64];
    private final byte[] heard = new byte[32];
    private final byte[] update = new byte[4];
    private byte act;
    private byte nextLength;
    private byte count;
    private short reason;
    private byte lastResult;
    private static Object kept;
    private final Object[] keptIn = new Object[1];
    private Object keptHere;

    private Commanded(byte[] buffer, short offset) {
        register(buffer, (short) (offset + 1), buffer[offset]);
        registry = ToolkitRegistrySystem.getEntry();
    }

    public static void install(byte[] buffer, short offset, byte length) {
        new Commanded(buffer, offset);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return client == null && parameter == (byte) 1 ? this : null;
    }

    @Override
    public void processToolkit(short event) {
        heard[count++] = (byte) event;
        if (event == FILE_UPDATE) {
            EnvelopeHandlerSystem.getTheHandler().findAndCopyValue(TAG_FILE_UPDATE, update, (short) 0);
        }
        byte now = act;
        act = 0;
        if (now == THROW) {
            ISOException.throwIt(reason);
        }
        if (now == SEND_AND_WAIT_FOR_HANDLER) {
            registry.setEvent(HANDLER_AVAILABLE);
            act = SEND;
        }
        if (now == SEND_IN_TRANSACTION || now == LEAVE_TRANSACTION) {
            JCSystem.beginTransaction();
            heard[(short) (heard.length - 1)] = now;
        }
        if (now == POST) {
            try {
                post();
            } catch (ToolkitException e) {
                lastResult = (byte) (0x80 | e.getReason());
            }
        }
        if (now == SHOW_NOTHING || now == ASK_FOR_CHANNEL) {
            ask(now);
        }
        if (now == KEEP) {
            ask(SHOW_NOTHING);
            lastResult = refused(EnvelopeHandlerSystem.getTheHandler());
            lastResult += refused(ProactiveHandlerSystem.getTheHandler());
            lastResult += refused(ProactiveResponseHandlerSystem.getTheHandler());
        }
        if (now == ASK_TWICE) {
            askTwice();
        }
        if (now == REGISTER) {
            registry.setEvent(Util.getShort(next, (short) 0));
        }
        if (now == SEND || now == SEND_IN_TRANSACTION || now == SEND_AND_WAIT_FOR_HANDLER) {
            ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
            handler.clear();
            handler.appendArray(next, (short) 0, nextLength);
            try {
                lastResult = handler.send();
                if (now == SEND_IN_TRANSACTION) {
                    lastResult = (byte) (JCSystem.getTransactionDepth() << 4);
                }
            } catch (ToolkitException e) {
                lastResult = (byte) (0x80 | e.getReason());
            }
        }
    }

    /** {@code flags, tag, how often, data..}: answers an envelope with the data so often. */
    private void post() {
        EnvelopeResponseHandler handler = EnvelopeResponseHandlerSystem.getTheHandler();
        lastResult = 0;
        for (short i = 0; i < next[2]; i++) {
            handler.appendArray(next, (short) 3, (short) (nextLength - 3));
        }
        boolean positive = (next[0] & POSITIVE) != 0;
        try {
            if ((next[0] & AS_BER_TLV) != 0) {
                handler.postAsBERTLV(positive, next[1]);
            } else {
                handler.post(positive);
            }
        } catch (APDUException e) {
            lastResult = (byte) (0x40 | e.getReason());
        }
        if ((next[0] & ASK_THEN) != 0) {
            ask(SHOW_NOTHING);
        }
    }

    /** How many of a static field, a field and an array refuse to keep the object. */
    private byte refused(Object handler) {
        byte refused = 0;
        for (byte place = 0; place < 3; place++) {
            try {
                switch (place) {
                    case 0 -> kept = handler;
                    case 1 -> keptHere = handler;
                    default -> keptIn[0] = handler;
                }
            } catch (SecurityException e) {
                refused++;
            }
        }
        return refused;
    }

    /** Finds an element by one reference to a handler and reads it by another, before and after the next response. */
    private void askTwice() {
        EnvelopeHandlerSystem.getTheHandler().findTLV((byte) 0x82, (byte) 1);
        byte found = (byte) EnvelopeHandlerSystem.getTheHandler().getValueLength();
        ask(SHOW_NOTHING);
        ProactiveResponseHandler response = ProactiveResponseHandlerSystem.getTheHandler();
        response.findTLV((byte) 0x82, (byte) 1);
        found |= (byte) (ProactiveResponseHandlerSystem.getTheHandler().getValueLength() << 4);
        ask(SHOW_NOTHING);
        try {
            response.getValueLength();
        } catch (ToolkitException e) {
            if (e.getReason() == ToolkitException.UNAVAILABLE_ELEMENT) {
                found |= (byte) 0x80;
            }
        }
        lastResult = found;
    }

    /** Shows a text of no length, or sends what was given and asks the answer for the status of channel 1. */
    private void ask(byte how) {
        ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
        try {
            if (how == SHOW_NOTHING) {
                handler.initDisplayText((byte) 0, (byte) 4, next, (short) 0, (short) 0);
                lastResult = handler.send();
            } else {
                handler.clear();
                handler.appendArray(next, (short) 0, nextLength);
                handler.send();
                short status = ProactiveResponseHandlerSystem.getTheHandler().getChannelStatus((byte) 1);
                lastResult = (byte) (status >> 8);
            }
        } catch (ToolkitException e) {
            lastResult = (byte) (0x80 | e.getReason());
        }
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        try {
            perform(apdu);
        } catch (ToolkitException e) {
            ISOException.throwIt((short) (0x6A00 | e.getReason()));
        } catch (UICCException e) {
            ISOException.throwIt((short) (0x6B00 | e.getReason()));
        } catch (ArrayIndexOutOfBoundsException e) {
            ISOException.throwIt((short) 0x6F01);
        }
    }

    private void perform(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        byte length = (byte) apdu.setIncomingAndReceive();
        byte first = buffer[ISO7816.OFFSET_P1];
        short both = Util.getShort(buffer, ISO7816.OFFSET_P1);
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x01 -> registry.setEvent(both);
            case 0x02 -> registry.clearEvent(both);
            case 0x03 -> answer(apdu, (byte) (registry.isEventSet(both) ? 1 : 0));
            case 0x04 -> registry.requestPollInterval(both);
            case 0x05 -> answer(apdu, registry.allocateServiceIdentifier());
            case 0x06 -> registry.releaseServiceIdentifier(first);
            case 0x07 ->
                answer(
                        apdu,
                        registry.initMenuEntry(
                                ENTRY, (short) 0, (short) ENTRY.length, (byte) 0, false, (byte) 0, (short) 0));
            case 0x08 -> registry.disableMenuEntry(first);
            case 0x09 -> registry.enableMenuEntry(first);
            case 0x0A -> registry.setMenuEntryTextAttribute(first, buffer, ISO7816.OFFSET_CDATA, (short) 4);
            case 0x0B -> {
                act = THROW;
                reason = both;
            }
            case 0x0C -> {
                act = first;
                nextLength = length;
                Util.arrayCopy(buffer, ISO7816.OFFSET_CDATA, next, (short) 0, length);
            }
            case 0x0D -> answer(apdu, lastResult);
            case 0x0E -> heard(apdu);
            case 0x20 -> answer(apdu, heard[(short) (heard.length - 1)]);
            case 0x0F -> files(apdu, buffer, length);
            case 0x22 ->
                registry.changeMenuEntry(
                        first,
                        ENTRY,
                        (short) 0,
                        (short) ENTRY.length,
                        (byte) 0,
                        false,
                        buffer[ISO7816.OFFSET_CDATA],
                        buffer[(short) (ISO7816.OFFSET_CDATA + 1)]);
            case 0x21 -> {
                Util.arrayCopy(update, (short) 0, buffer, (short) 0, (short) update.length);
                apdu.setOutgoingAndSend((short) 0, (short) update.length);
            }
            default -> ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    private static void answer(APDU apdu, byte value) {
        apdu.getBuffer()[0] = value;
        apdu.setOutgoingAndSend((short) 0, (short) 1);
    }

    /** The events since this was asked last. */
    private void heard(APDU apdu) {
        Util.arrayCopy(heard, (short) 0, apdu.getBuffer(), (short) 0, count);
        apdu.setOutgoingAndSend((short) 0, count);
        count = 0;
    }

    /** {@code file, act, pattern..}: selects it below the directory of the tests, and does that there. */
    private void files(APDU apdu, byte[] buffer, byte length) {
        FileView view = UICCSystem.getTheUICCView(JCSystem.NOT_A_TRANSIENT_OBJECT);
        view.select((short) 0x7F4A);
        view.select(Util.getShort(buffer, ISO7816.OFFSET_CDATA));
        short behind = (short) (ISO7816.OFFSET_CDATA + 2);
        switch (buffer[ISO7816.OFFSET_P1]) {
            case 1 -> view.deactivateFile();
            case 2 -> view.activateFile();
            case 4 -> registry.registerFileEvent(FILE_UPDATE, view);
            case 3 -> {
                byte[] room = new byte[2];
                view.increase(buffer, behind, (short) (length - 2), room, (short) 0);
            }
            default -> {
                short[] found = new short[6];
                boolean simple = buffer[ISO7816.OFFSET_P1] == 6;
                short given = Util.getShort(buffer, behind);
                short count = view.searchRecord(
                        simple ? UICCConstants.SIMPLE_SEARCH_START_FORWARD : UICCConstants.ENHANCED_SEARCH,
                        simple ? given : (short) 0,
                        simple ? (short) 0 : given,
                        buffer,
                        (short) (behind + 2),
                        (short) (length - 4),
                        found,
                        (short) 0,
                        (short) 6);
                for (short i = 0; i < count; i++) {
                    buffer[i] = (byte) found[i];
                }
                apdu.setOutgoingAndSend((short) 0, count);
            }
        }
    }
}
