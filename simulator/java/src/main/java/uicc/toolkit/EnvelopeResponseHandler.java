// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface EnvelopeResponseHandler extends EditHandler {
    void post(boolean flag);

    void postAsBERTLV(boolean flag, byte option);
}
