// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ProactiveResponseHandler;
import uicc.toolkit.ProactiveResponseHandlerSystem;
import uicc.toolkit.ToolkitConstants;

/** One channel of the terminal to the network (TS 102 223 6.4.27 to 6.4.31). The terminal is hostile too. */
final class Channel {

    /** Longest part of one command and of one response, with their other objects in 255 bytes. */
    private static final short PART_MAX = (short) 230;

    private static final byte COMPREHENSION = (byte) 0x80;
    private static final byte CHANNEL_BASE = (byte) 0x20;
    private static final byte CHANNEL_MASK = (byte) 0x07;
    private static final byte IMMEDIATELY = (byte) 1;

    private static final short NUMBER = (short) 0;
    private static final short STORES = (short) 1;
    private static final short RAM = (short) 2;

    private final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);

    boolean isOpen() {
        return ram[NUMBER] != 0;
    }

    byte number() {
        return ram[NUMBER];
    }

    /**
     * Opens it as these objects of OPEN CHANNEL say.
     *
     * @param record longest piece that is to go out whole
     * @return false when the terminal did not
     */
    boolean open(byte[] objects, short offset, short length, short record) {
        ProactiveHandler handler = command(ToolkitConstants.PRO_CMD_OPEN_CHANNEL, IMMEDIATELY);
        handler.appendArray(objects, offset, length);
        if (!Terminal.does(handler)) {
            return false;
        }
        ProactiveResponseHandler response = ProactiveResponseHandlerSystem.getTheHandler();
        if (response.findTLV(ToolkitConstants.TAG_CHANNEL_DATA_STATUS, (byte) 1) == 0
                || response.getValueLength() == 0) {
            return false;
        }
        ram[NUMBER] = (byte) (response.getValueByte((short) 0) & CHANNEL_MASK);
        boolean sized = response.findTLV(ToolkitConstants.TAG_BUFFER_SIZE, (byte) 1) != 0
                && response.getValueLength() == 2
                && response.getValueByte((short) 0) >= 0
                && response.getValueShort((short) 0) >= record;
        ram[STORES] = sized ? (byte) 1 : (byte) 0;
        return isOpen();
    }

    /** Takes what has come, {@code length} bytes at most; 0 when there is nothing now. Throws LINK. */
    short receive(byte[] out, short offset, short length) {
        short wanted = length > PART_MAX ? PART_MAX : length;
        ProactiveHandler handler = command(ToolkitConstants.PRO_CMD_RECEIVE_DATA, (byte) 0);
        handler.appendTLV((byte) (ToolkitConstants.TAG_CHANNEL_DATA_LENGTH | COMPREHENSION), (byte) wanted);
        if (!Terminal.does(handler)) {
            Fault.link();
        }
        ProactiveResponseHandler response = ProactiveResponseHandlerSystem.getTheHandler();
        if (response.findTLV(ToolkitConstants.TAG_CHANNEL_DATA, (byte) 1) == 0) {
            return (short) 0;
        }
        short got = response.getValueLength();
        if (got > wanted) {
            Fault.link();
        }
        response.copyValue((short) 0, out, offset, got);
        return got;
    }

    /** Sends all of it. Throws LINK. */
    void send(byte[] data, short offset, short length) {
        short left = length;
        short next = offset;
        while (left > 0) {
            short part = left > PART_MAX ? PART_MAX : left;
            left = (short) (left - part);
            boolean now = left == 0 || ram[STORES] == 0;
            ProactiveHandler handler = command(ToolkitConstants.PRO_CMD_SEND_DATA, now ? IMMEDIATELY : (byte) 0);
            handler.appendTLV((byte) (ToolkitConstants.TAG_CHANNEL_DATA | COMPREHENSION), data, next, part);
            if (!Terminal.does(handler)) {
                Fault.link();
            }
            next = (short) (next + part);
        }
    }

    /** The terminal has begun anew: there is none. */
    void forget() {
        ram[NUMBER] = (byte) 0;
    }

    /** Whatever the terminal says, it is closed then. */
    void close() {
        if (isOpen()) {
            ProactiveHandler handler = command(ToolkitConstants.PRO_CMD_CLOSE_CHANNEL, (byte) 0);
            ram[NUMBER] = (byte) 0;
            Terminal.does(handler);
        }
    }

    private ProactiveHandler command(byte type, byte qualifier) {
        ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
        byte device = isOpen() ? (byte) (CHANNEL_BASE + ram[NUMBER]) : ToolkitConstants.DEV_ID_TERMINAL;
        handler.init(type, qualifier, device);
        return handler;
    }
}
