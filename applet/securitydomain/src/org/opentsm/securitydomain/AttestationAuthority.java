// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Shareable;

/**
 * The controlling authority's signature service (key-distribution.md section 6).
 *
 * <p>Each getShareableInterfaceObject remembers the client's AID, as the JCRE tells it, for one
 * signature: {@link #attest} names that AID and forgets it.
 */
public interface AttestationAuthority extends Shareable {

    /** Parameter of getShareableInterfaceObject for this interface. */
    byte PARAMETER = (byte) 0x02;

    /**
     * Writes {@code 42 L IIN, 45 L CIN} from the authority's own store and {@code 93 L serial} of its own
     * certificate; returns the length. 6985 when it has no certificate: nobody could check its signature.
     */
    short cardIdentity(byte[] response, short offset);

    /**
     * Signs {@code 4F L client AID, 42 L IIN, 45 L CIN, 93 L serial, A0 20 digest} and writes {@code 9E L
     * signature}. 6985 without a remembered client, a key pair or a certificate, or when the client is not an
     * instance of the authority's own load file.
     *
     * @param digest 32 bytes at {@code digestOffset}
     * @param response has 256 bytes of room from {@code offset} on, whatever the signature's length
     * @return length written
     */
    short attest(byte[] digest, short digestOffset, byte[] response, short offset);
}
