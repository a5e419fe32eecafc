// SPDX-License-Identifier: Apache-2.0
package sim.access;

import org.opentsm.simulator.toolkit.SimFiles;

/** Gives applets their view of the files; 3GPP TS 43.019 annex A. */
public class SIMSystem {

    private SIMSystem() {}

    public static SIMView getTheSIMView() {
        return new SimFiles();
    }
}
