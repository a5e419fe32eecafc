// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Shareable;

/**
 * What OPEN asks of the domains that hold Token Verification, Receipt Generation or DAP Verification.
 * All offsets lie in the one buffer, which is OPEN's: another domain may be selected, so that an authority has no
 * memory of its selection. GPCS 2.3.1 9.2.1, C.3 to C.5.
 */
public interface ContentAuthority extends Shareable {

    /** Parameter of getShareableInterfaceObject for this interface. */
    byte PARAMETER = (byte) 0x43;

    /** Bytes that an authority may use behind a scratch offset. */
    short SCRATCH_SIZE = (short) 832;

    /** True when the token is right for the bytes {@code P1 P2 Lc' fields} of a delegated command. */
    boolean verifyToken(byte[] buffer, short offset, short length, short token, short tokenLength, short scratch);

    /** True when the signature is right for the Load File Data Block Hash. */
    boolean verifyDap(
            byte[] buffer, short hash, short hashLength, short signature, short signatureLength, short scratch);

    /**
     * Writes {@code L receipt, 02 counter, L unique data} at {@code out}, at most 300 bytes, over the LV fields
     * that stand at {@code offset}; returns its length, 0 when the domain gives no receipts.
     */
    short confirm(byte[] buffer, short offset, short length, short out);
}
