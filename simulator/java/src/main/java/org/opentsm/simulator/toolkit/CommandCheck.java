// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import uicc.toolkit.ToolkitException;

/** What a proactive command is, and whether an application may send it; ETSI TS 102 241 6.7.3. */
final class CommandCheck {

    static final int TAG_COMMAND_DETAILS = 0x01;
    static final int TAG_DEVICE_IDENTITIES = 0x02;
    static final int TAG_RESULT = 0x03;
    static final int TAG_DURATION = 0x04;
    static final int TAG_TIMER = 0x24;
    private static final int TAG_SERVICE_RECORD = 0x41;
    static final byte POLL_INTERVAL = 0x03;
    static final byte OPEN_CHANNEL = 0x40;
    static final byte CLOSE_CHANNEL = 0x41;
    static final byte DECLARE_SERVICE = 0x47;
    private static final byte POLLING_OFF = 0x04;
    private static final byte SET_UP_EVENT_LIST = 0x05;
    private static final byte SET_UP_MENU = 0x25;
    private static final byte TIMER_MANAGEMENT = 0x27;
    private static final byte RECEIVE_DATA = 0x42;
    private static final byte SEND_DATA = 0x43;
    private static final int CHANNEL = 0x20;
    private final TlvView view;
    private final Face face;

    CommandCheck(Content command, Face face) {
        this.view = new TlvView(command, face);
        this.face = face;
    }

    CommandCheck(byte[] command) {
        this(content(command), Face.UICC);
    }

    private static Content content(byte[] bytes) {
        Content made = new Content(bytes.length);
        made.set(bytes);
        return made;
    }

    byte type() {
        return view.byteOf(TAG_COMMAND_DETAILS, 1);
    }

    /** Of DECLARE SERVICE: the service it is for. */
    int service() {
        return view.byteOf(TAG_SERVICE_RECORD, 1);
    }

    /** Of DECLARE SERVICE: whether the service goes. TS 102 223 8.6 */
    boolean isRemoval() {
        return (view.byteOf(TAG_COMMAND_DETAILS, 2) & 1) != 0;
    }

    /** The channel it is for, or 0. */
    int channel() {
        int destination = view.byteOf(TAG_DEVICE_IDENTITIES, 1) & 0xFF;
        return (destination & ~0x07) == CHANNEL ? destination & 0x07 : 0;
    }

    /**
     * Menu, events and polling are the framework's; timers, services and channels are their owner's, who may open as
     * many channels as its INSTALL allows.
     */
    void require(ToolkitMemory memory, ChannelOwners channels, Registration sender) {
        boolean allowed =
                switch (type()) {
                    case POLL_INTERVAL, POLLING_OFF, SET_UP_EVENT_LIST, SET_UP_MENU -> false;
                    case TIMER_MANAGEMENT -> memory.hasTimer(sender.aid, view.byteOf(TAG_TIMER, 0));
                    case DECLARE_SERVICE -> memory.hasService(sender.aid, service());
                    case OPEN_CHANNEL -> channels.count(sender.aid) < sender.channels();
                    case CLOSE_CHANNEL, RECEIVE_DATA, SEND_DATA -> sender.aid.equals(channels.owner(channel()));
                    default -> true;
                };
        if (!allowed) {
            throw face.fault(ToolkitException.COMMAND_NOT_ALLOWED);
        }
    }
}
