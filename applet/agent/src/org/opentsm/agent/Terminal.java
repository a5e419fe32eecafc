// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ToolkitException;

/** What the terminal makes of a proactive command. It is hostile too: its response may have no result at all. */
final class Terminal {

    /** Results up to it are of what was done (TS 102 223 8.12). */
    private static final byte LAST_SUCCESS = (byte) 0x0F;

    private Terminal() {}

    /** Sends the command; true when the terminal says that it did it. Throws nothing, whatever it answers. */
    static boolean does(ProactiveHandler handler) {
        try {
            byte result = handler.send();
            return result >= 0 && result <= LAST_SUCCESS;
        } catch (ToolkitException e) {
            // no result, or a command that the card does not let out: as one that was not done
            return false;
        }
    }
}
