// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.RegistryHandle;

/** Gives an application its own registration; ETSI TS 102 241 annex A. */
public final class ToolkitRegistrySystem {

    private ToolkitRegistrySystem() {}

    public static ToolkitRegistry getEntry() {
        return RegistryHandle.own(Face.UICC);
    }

    /** No application here has a priority over others for the handler. */
    public static boolean isPrioritizedProactiveHandlerAvailableEventSet() {
        return false;
    }
}
