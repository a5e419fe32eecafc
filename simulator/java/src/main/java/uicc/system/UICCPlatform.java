// SPDX-License-Identifier: Apache-2.0
package uicc.system;

import org.opentsm.simulator.toolkit.Toolkit;

/** RAM that all applications share; ETSI TS 102 241 annex A. */
public final class UICCPlatform {

    private UICCPlatform() {}

    /**
     * A global array, as the APDU buffer is one: what an application leaves in it, the next one sees. At least 256
     * bytes.
     */
    public static byte[] getTheVolatileByteArray() {
        return Toolkit.current().volatileArray();
    }
}
