// SPDX-License-Identifier: Apache-2.0
package uicc.usim.toolkit;

import uicc.toolkit.EnvelopeHandler;

/** The interface as the API declares it; 3GPP TS 31.130 annex A. */
public interface USATEnvelopeHandler extends EnvelopeHandler {
    short getTPUDLOffset();

    short getSecuredDataOffset();

    short getSecuredDataLength();

    short getUserDataLength();

    short getShortMessageOffset();

    short getShortMessageLength();
}
