// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface BERTLVEditHandler extends EditHandler, BERTLVViewHandler {
    void setTag(byte option);
}
