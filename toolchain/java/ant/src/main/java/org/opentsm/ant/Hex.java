// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import org.apache.tools.ant.BuildException;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFormatException;

/** AIDs of build files, in every spelling of {@link Aid#ofText}. */
final class Hex {
    private Hex() {}

    static Aid aid(String what, String text) {
        try {
            return Aid.ofText(text);
        } catch (CapFormatException wrongLength) {
            throw new BuildException(what + " '" + text + "' has " + wrongLength.got() + "; an AID has 5 to 16");
        } catch (IllegalArgumentException notHex) {
            throw new BuildException(
                    what + " '" + text + "' is not hex: write it as A000000062 or 0xA0:0x00:0x00:0x00:0x62");
        }
    }
}
