// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;
import uicc.toolkit.ToolkitException;

/** The proactive command being made; ETSI TS 102 241 annex A, ProactiveHandler, and TS 102 223 6.6. */
public final class ProactiveEdit extends TlvEdit implements uicc.toolkit.ProactiveHandler, TemporaryEntryPoint {

    private static final byte TAG_COMMAND_DETAILS = (byte) 0x81;
    private static final byte TAG_DEVICE_IDENTITIES = (byte) 0x82;
    private static final byte TAG_TEXT_STRING = (byte) 0x8D;
    private static final byte TAG_RESPONSE_LENGTH = (byte) 0x91;
    private static final byte DISPLAY_TEXT = 0x21;
    private static final byte GET_INKEY = 0x22;
    private static final byte GET_INPUT = 0x23;
    private static final byte CLOSE_CHANNEL = 0x41;
    private static final byte MORE_TIME = 0x02;
    private static final byte UICC = (byte) 0x81;
    private static final byte TERMINAL = (byte) 0x82;
    private static final byte DISPLAY = 0x02;
    private static final byte CHANNEL = 0x20;
    private static final int MAX_TEXT = 240;

    ProactiveEdit(Face face) {
        super(null, face);
    }

    @Override
    Content content() {
        return Toolkit.current().handlers().proactive(face());
    }

    public void init(byte type, byte qualifier, byte destination) {
        clear();
        append(TAG_COMMAND_DETAILS, (byte) 1, type, qualifier);
        append(TAG_DEVICE_IDENTITIES, UICC, destination);
    }

    public void initDisplayText(byte qualifier, byte coding, byte[] text, short offset, short length) {
        text(DISPLAY_TEXT, qualifier, DISPLAY, coding, text, offset, length);
    }

    public void initGetInkey(byte qualifier, byte coding, byte[] text, short offset, short length) {
        text(GET_INKEY, qualifier, TERMINAL, coding, text, offset, length);
    }

    public void initGetInput(
            byte qualifier, byte coding, byte[] text, short offset, short length, short shortest, short longest) {
        text(GET_INPUT, qualifier, TERMINAL, coding, text, offset, length);
        append(TAG_RESPONSE_LENGTH, (byte) shortest, (byte) longest);
    }

    private void text(
            byte type, byte qualifier, byte destination, byte coding, byte[] text, short offset, short length) {
        checkArray(text, offset, length);
        content();
        if (length > MAX_TEXT) {
            throw fault(ToolkitException.HANDLER_OVERFLOW);
        }
        init(type, qualifier, destination);
        // A text of no length has no coding scheme either; TS 102 223 8.15.
        byte[] value = new byte[length == 0 ? 0 : 1 + length];
        if (length > 0) {
            value[0] = coding;
            System.arraycopy(text, offset, value, 1, length);
        }
        append(TAG_TEXT_STRING, value);
    }

    public void initCloseChannel(byte channel) {
        if (channel < 1 || channel > 7) {
            content();
            throw fault(ToolkitException.BAD_INPUT_PARAMETER);
        }
        init(CLOSE_CHANNEL, (byte) 0, (byte) (CHANNEL | channel));
    }

    public void initMoreTime() {
        init(MORE_TIME, (byte) 0, TERMINAL);
    }

    /** Gives the command to the terminal and waits for its response; the answer is the general result. */
    public byte send() {
        return Toolkit.current().turns().send(face());
    }
}
