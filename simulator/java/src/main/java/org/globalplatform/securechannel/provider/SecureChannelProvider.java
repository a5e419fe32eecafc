// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.securechannel.provider;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.globalplatform.securechannel.SecureChannelProtocol;

/**
 * Makes an application's own secure channels (GlobalPlatform secure channel API). This card gives those of its domains
 * only.
 */
public class SecureChannelProvider {

    private SecureChannelProvider() {}

    /** @throws ISOException 6985: no protocol is offered */
    public static final SecureChannelProtocol createNewInstance(
            short protocol, byte[] buffer, short offset, short length, short option) {
        throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
}
