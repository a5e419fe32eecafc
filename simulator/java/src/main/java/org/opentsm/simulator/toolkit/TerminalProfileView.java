// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import org.opentsm.simulator.crypto.CryptoHost;
import uicc.toolkit.ToolkitException;

/** What the terminal said it can do (TS 102 223 5.2); ETSI TS 102 241 annex A, TerminalProfile. */
public final class TerminalProfileView {

    private final byte[] profile;
    private final Face face;

    private TerminalProfileView(byte[] profile, Face face) {
        this.profile = profile;
        this.face = face;
    }

    /** @throws RuntimeException ToolkitException when there was no TERMINAL PROFILE yet */
    public static TerminalProfileView of(Face face) {
        byte[] profile = Toolkit.current().profile();
        if (profile == null) {
            throw face.fault(ToolkitException.TERMINAL_PROFILE_NOT_AVAILABLE);
        }
        return new TerminalProfileView(profile, face);
    }

    public boolean check(int index) {
        return index >= 0 && index / 8 < profile.length && (profile[index / 8] >> index % 8 & 1) != 0;
    }

    /** True when all facilities of the mask are there. */
    public boolean check(byte[] mask, short offset, short length) {
        TlvView.checkArray(mask, offset, length);
        for (int i = 0; i < length; i++) {
            int has = i < profile.length ? profile[i] : 0;
            if ((mask[offset + i] & ~has) != 0) {
                return false;
            }
        }
        return true;
    }

    /** The bits from the lower to the higher index as a number. */
    public short getValue(short highest, short lowest) {
        if (highest < lowest || highest - lowest > 15 || lowest < 0) {
            throw face.fault(ToolkitException.BAD_INPUT_PARAMETER);
        }
        int value = 0;
        for (int index = highest; index >= lowest; index--) {
            value = value << 1 | (check(index) ? 1 : 0);
        }
        return (short) value;
    }

    public short copy(short from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        if (from < 0 || from + length > profile.length) {
            throw face.fault(ToolkitException.OUT_OF_TLV_BOUNDARIES);
        }
        CryptoHost.current().writing(to);
        System.arraycopy(profile, from, to, offset, length);
        return (short) (offset + length);
    }
}
