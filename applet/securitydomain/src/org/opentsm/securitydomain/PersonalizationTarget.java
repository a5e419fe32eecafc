// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Shareable;

/**
 * The way of GENERATE, PUT KEY and STORE DATA from the issuer's domain to a domain it made
 * (key-distribution.md section 7 row 11). Given by getShareableInterfaceObject to the parent only.
 */
public interface PersonalizationTarget extends Shareable {

    /** Parameter of getShareableInterfaceObject for this interface. */
    byte PARAMETER = (byte) 0x01;

    /**
     * Processes one unwrapped command; 6985 and no change once the domain is owned.
     * The response may overlap the data: both may stand in the caller's one work buffer.
     *
     * @return length of the response at {@code responseOffset}
     */
    short personalize(
            byte ins,
            byte p1,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] response,
            short responseOffset);
}
