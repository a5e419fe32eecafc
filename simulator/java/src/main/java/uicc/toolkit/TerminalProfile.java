// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.TerminalProfileView;

/** What the terminal can do, by the numbers of the bits of its profile; ToolkitException before TERMINAL PROFILE. */
public final class TerminalProfile {

    private TerminalProfile() {}

    private static TerminalProfileView profile() {
        return TerminalProfileView.of(Face.UICC);
    }

    public static boolean check(byte index) {
        return profile().check(index & 0xFF);
    }

    public static boolean check(byte[] mask, short offset, short length) {
        return profile().check(mask, offset, length);
    }

    public static boolean check(short index) {
        return profile().check(index);
    }

    public static short copy(short from, byte[] to, short offset, short length) {
        return profile().copy(from, to, offset, length);
    }

    public static short getValue(short highest, short lowest) {
        return profile().getValue(highest, lowest);
    }
}
