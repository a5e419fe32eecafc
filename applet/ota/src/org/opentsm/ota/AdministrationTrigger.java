// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.Shareable;

/** What the card's administration agent gives to remote management (applet/README.md 13). */
public interface AdministrationTrigger extends Shareable {

    /** Parameter of getShareableInterfaceObject for this interface. */
    byte PARAMETER = (byte) 0x54;

    /**
     * Tells the agent to call its server.
     *
     * @param buffer       a global array: AID of the domain whose packet it was, then {@code 81 L parameters}
     * @param domainLength of the AID
     * @param length       of the parameters with their tag
     * @return false when they are not complete, or of another form
     */
    boolean trigger(byte[] buffer, short offset, short domainLength, short length);
}
