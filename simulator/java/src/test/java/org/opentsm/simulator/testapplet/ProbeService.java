// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.Shareable;

/** What one probe asks of another. */
public interface ProbeService extends Shareable {

    /** Writes the server's AID and the client's, as the JCRE names them to the server. */
    short whoCalls(byte[] out, short offset);

    /** Throws ISOException 6A99. */
    void fail();
}
