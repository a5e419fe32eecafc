// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ToolkitConstants;

/** The one timer of the terminal that the agent has, for pauses and against silence (TS 102 223 6.4.21). */
final class Timer {

    private static final byte START = (byte) 0;
    private static final byte STOP = (byte) 1;
    private static final byte COMPREHENSION = (byte) 0x80;
    private static final short VALUE = (short) 3;

    private final byte identifier;
    private final boolean[] running = JCSystem.makeTransientBooleanArray((short) 1, JCSystem.CLEAR_ON_RESET);

    Timer(byte identifier) {
        this.identifier = identifier;
    }

    /** Begins anew. @param value {@code hh mm ss} in the terminal's digits */
    void start(byte[] value, short offset) {
        ProactiveHandler handler = command(START);
        handler.appendTLV((byte) (ToolkitConstants.TAG_TIMER_VALUE | COMPREHENSION), value, offset, VALUE);
        running[0] = Terminal.does(handler);
    }

    void stop() {
        if (running[0]) {
            running[0] = false;
            Terminal.does(command(STOP));
        }
    }

    boolean isRunning() {
        return running[0];
    }

    void expired() {
        running[0] = false;
    }

    private ProactiveHandler command(byte qualifier) {
        ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
        handler.init(ToolkitConstants.PRO_CMD_TIMER_MANAGEMENT, qualifier, ToolkitConstants.DEV_ID_TERMINAL);
        handler.appendTLV((byte) (ToolkitConstants.TAG_TIMER_IDENTIFIER | COMPREHENSION), identifier);
        return handler;
    }
}
