// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;

/** Whether a CAP file is of a toolkit application. */
final class ToolkitImports {

    /** Packages sim.* of TS 43.019, uicc.* of ETSI TS 102 241 and uicc.usim.*, uicc.isim.* of TS 31.130. */
    private static final List<String> PACKAGES = List.of("A0000000090003", "A0000000090005", "A0000000871005");

    private ToolkitImports() {}

    /** False for a file that cannot be read: whoever links it says why. */
    static boolean isIn(Path cap) {
        try {
            return CapFile.read(cap).imports().packages().stream()
                    .anyMatch(one -> PACKAGES.stream().anyMatch(one.aid().toString()::startsWith));
        } catch (IOException | CapFormatException unreadable) {
            return false;
        }
    }
}
