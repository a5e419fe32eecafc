// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** What an application lets its security domain hand it, through OPEN; export file 1.0 and later. GPCS 2.3.1 A.2. */
public interface Application extends Shareable {

    /**
     * Takes one command of the dialogue with the security domain, as it came but without its protection:
     * {@code CLA INS P1 P2 Lc data}. The application is not the selected one: its CLEAR_ON_DESELECT memory is out of
     * reach.
     */
    void processData(byte[] baBuffer, short sOffset, short sLength);
}
