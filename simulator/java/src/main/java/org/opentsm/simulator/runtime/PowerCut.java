// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

/** The card lost its power: unwinds whatever the applet was doing. Not an Exception, so no applet catches it. */
public final class PowerCut extends Error {

    private static final long serialVersionUID = 1L;

    public PowerCut() {
        super("the card lost its power", null, false, false);
    }
}
