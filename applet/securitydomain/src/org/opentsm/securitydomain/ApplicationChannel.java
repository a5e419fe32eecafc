// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Shareable;

/**
 * A domain's secure channel for an application that is associated with it, which speaks for the application to its
 * peer; OPEN alone gets it, and sees to whose session it is. Commands and responses stand in OPEN's buffer, in place.
 * GPCS 2.3.1 A.2, SecureChannel.
 */
public interface ApplicationChannel extends Shareable {

    /** Parameter of getShareableInterfaceObject for this interface. */
    byte PARAMETER = (byte) 0x53;

    /** Bit of a key's identifier in {@link #packet}. */
    byte OF_PARENT = (byte) 0x80;

    /**
     * Runs a command of the protocol itself, {@code CLA INS P1 P2 Lc data}; answers the length of the response data.
     */
    short processSecurity(byte[] buffer, short offset, short length);

    /**
     * Opens a command as the session's level wants it; answers its length with the header, and Lc is that of the plain
     * data.
     */
    short unwrap(byte[] buffer, short offset, short length);

    /**
     * Protects {@code data, status word} as the session's level wants it; answers the length with the status word at
     * the end.
     */
    short wrap(byte[] buffer, short offset, short length);

    /**
     * Opens data that came under the session's data encryption key, or puts whole blocks under it; 6985 without a
     * session, or where the protocol has no such key.
     *
     * @param mode Cipher.MODE_DECRYPT, MODE_ENCRYPT
     */
    short cryptData(byte mode, byte[] buffer, short offset, short length);

    /**
     * Changes the level of what follows, up from the session's own and down to it again; 6985 for another. GPCS 2.3.1
     * A.2, SecureChannelx.
     */
    void setSecurityLevel(byte level);

    /** The session's level with 80 once the peer is known; 00 without a session. */
    byte securityLevel();

    /** True when the domain's data object 42, 45 or 5F20 has this value: for whom a token is good (GPCS 11.1.7). */
    boolean isNamed(short tag, byte[] buffer, short offset, short length);

    /**
     * The commands that follow on this channel came in a packet under keys of this version, whose checksum was right;
     * 00 when they have ended. A session of the domain's own goes on. README 5.12.
     *
     * @param key identifier of the key of the checksum, or of TLS, with {@link #OF_PARENT} where it is the parent's,
     *            which vouches for a domain without keys; keys come under the one with the identifier behind it
     */
    void packet(byte version, byte key);

    /** Ends the session and drops its keys. */
    void resetSecurity();
}
