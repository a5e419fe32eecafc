// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

/** Which API a caller sees, and so whose ToolkitException it gets; the reasons of both are alike. */
public enum Face {
    UICC,
    SIM;

    /** @return never; declared so that callers can throw it */
    public RuntimeException fault(short reason) {
        if (this == SIM) {
            sim.toolkit.ToolkitException.throwIt(reason);
        }
        uicc.toolkit.ToolkitException.throwIt(reason);
        return new IllegalStateException();
    }
}
