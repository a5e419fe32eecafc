// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** {@link Application} that answers; where an applet has both, OPEN calls this one. Export file 1.2 and later. */
public interface Personalization extends Shareable {

    /**
     * Takes one command as {@link Application#processData} does.
     *
     * @return length of the response data written at {@code outOffset}
     */
    short processData(byte[] inBuffer, short inOffset, short inLength, byte[] outBuffer, short outOffset);
}
