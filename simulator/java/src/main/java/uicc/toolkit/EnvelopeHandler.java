// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface EnvelopeHandler extends BERTLVViewHandler {
    byte getItemIdentifier();

    byte getChannelIdentifier();

    short getChannelStatus(byte option);
}
