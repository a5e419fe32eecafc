// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Shareable;

/**
 * Where a symmetric protocol takes its static keys from: a domain's own store or, for a domain without keys, that of
 * its parent, which gives it to the domains of its own load file alone (README 5.10).
 */
public interface KeySource extends Shareable {

    /** Parameter of getShareableInterfaceObject for this interface. */
    byte PARAMETER = (byte) 0x03;

    /** Value of a version for "none". */
    byte NO_VERSION = (byte) 0x00;

    /** The lowest version above {@code before}, compared without sign; NO_VERSION when there is none. */
    byte nextVersion(byte before);

    /** Type of the set of identifiers 1 to {@code keys}, 80 (DES, 16 bytes) or 88 (AES); 0 when that is no set. */
    byte setType(byte version, short keys);

    /** Length of the set's keys in bytes. */
    short keyLength(byte version);

    /** Who put the set. */
    byte maker(byte version);

    /** Writes a key of a set, whole blocks of 16 bytes. */
    void key(byte version, byte id, byte[] out, short offset);

    /**
     * Writes {@code type, value} of a key, the value in whole blocks of 16 bytes; answers the length of the value, 0
     * when there is no such key.
     */
    short value(byte version, byte id, byte[] out, short offset);

    /** Writes the set's sequence counter, three bytes. */
    void sequence(byte version, byte[] out, short offset);

    /**
     * Counts one session on and writes the counter; 6985 at the end of its last {@code digits} bytes. One atomic write.
     */
    void nextSequence(byte version, short digits, byte[] out, short offset);
}
