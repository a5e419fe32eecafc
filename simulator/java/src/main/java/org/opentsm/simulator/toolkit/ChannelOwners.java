// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import javacard.framework.AID;

/** Who opened which channel of the terminal; gone at reset, as the channels are. */
final class ChannelOwners {

    private static final byte TAG_CHANNEL_STATUS = 0x38;
    private static final int SUCCESS = 0x0F;
    private final AID[] owners = new AID[8];

    void clear() {
        Arrays.fill(owners, null);
    }

    AID owner(int channel) {
        return channel >= 0 && channel < owners.length ? owners[channel] : null;
    }

    int count(AID application) {
        return (int) Arrays.stream(owners).filter(application::equals).count();
    }

    /** Whether the terminal did what it was told. */
    static boolean isDone(TlvView response) {
        return response.findTLV((byte) CommandCheck.TAG_RESULT, (byte) 1) != TlvView.NOT_FOUND
                && response.getValueLength() > 0
                && (response.getValueByte((short) 0) & 0xFF) <= SUCCESS;
    }

    /** Looks at the answer to OPEN CHANNEL and CLOSE CHANNEL. */
    void note(CommandCheck command, TlvView response, AID sender) {
        if (!isDone(response)) {
            return;
        }
        byte type = command.type();
        if (type == CommandCheck.CLOSE_CHANNEL) {
            owners[command.channel()] = null;
        } else if (type == CommandCheck.OPEN_CHANNEL
                && response.findTLV(TAG_CHANNEL_STATUS, (byte) 1) != TlvView.NOT_FOUND
                && response.getValueLength() > 0) {
            owners[response.getValueByte((short) 0) & 0x07] = sender;
        }
    }
}
