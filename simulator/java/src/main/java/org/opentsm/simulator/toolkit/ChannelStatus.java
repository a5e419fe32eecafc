// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import uicc.toolkit.ToolkitException;

/** Channel status objects (TS 102 223 8.56): channel in the low three bits of the first byte. */
final class ChannelStatus {

    private static final byte TAG = 0x38;
    private static final int NUMBER = 0x07;

    private ChannelStatus() {}

    static byte identifier(TlvView view) {
        return (byte) (view.byteOf(TAG, 0) & NUMBER);
    }

    /** The two bytes of the element about one channel. */
    static short status(TlvView view, byte channel) {
        for (byte occurrence = 1; view.findTLV(TAG, occurrence) != TlvView.NOT_FOUND; occurrence++) {
            if (view.getValueLength() > 0 && (view.getValueByte((short) 0) & NUMBER) == channel) {
                return view.getValueShort((short) 0);
            }
        }
        throw view.fault(ToolkitException.UNAVAILABLE_ELEMENT);
    }
}
