// SPDX-License-Identifier: Apache-2.0
package uicc.system;

import javacard.framework.JCSystem;
import org.opentsm.simulator.toolkit.Toolkit;

/** RAM that all applications share; ETSI TS 102 241 annex A. */
public final class UICCPlatform {

    private UICCPlatform() {}

    /**
     * A global array, as the APDU buffer is one: what an application leaves in it, the next one sees. At least 256
     * bytes.
     *
     * @throws SecurityException when another application called the one that asks: it is not in its own context then
     */
    public static byte[] getTheVolatileByteArray() {
        if (JCSystem.getPreviousContextAID() != null) {
            throw new SecurityException("asked for in a method that another application called");
        }
        return Toolkit.current().volatileArray();
    }
}
