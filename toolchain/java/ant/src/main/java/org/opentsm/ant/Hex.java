// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.HexFormat;
import org.apache.tools.ant.BuildException;
import org.opentsm.cap.Aid;

/** AIDs as build files spell them: plain hex, or bytes as 0xA0:0x00, with spaces where they please. */
final class Hex {
    private Hex() {}

    static Aid aid(String what, String text) {
        String digits = text.replaceAll("(?i)0x", "").replaceAll("[\\s:;]", "");
        byte[] bytes;
        try {
            bytes = HexFormat.of().parseHex(digits);
        } catch (IllegalArgumentException notHex) {
            throw new BuildException(
                    what + " '" + text + "' is not hex: write it as A000000062 or 0xA0:0x00:0x00:0x00:0x62");
        }
        if (bytes.length < 5 || bytes.length > 16) {
            throw new BuildException(what + " '" + text + "' has " + bytes.length + " bytes; an AID has 5 to 16");
        }
        return new Aid(bytes);
    }
}
