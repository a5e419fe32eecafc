// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/**
 * What a domain asks of its secure channel. This one is none at all: it lets plain commands in and plain answers
 * out, and nobody is its owner. A protocol is a subclass.
 */
class SecureChannel {

    final Transients transients;
    final byte[] ram;
    final byte[] work;

    SecureChannel(Transients transients) {
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
    }

    /**
     * What the class byte says, in that of channels 0 to 3, where on channels 4 to 19 one bit says "secure messaging".
     */
    byte messaging() {
        return Gp.CLA_SM_ISO;
    }

    /** Told of every command, before it is read: even of one that is a part or out of form. */
    void commandArrives(byte ins) {}

    /**
     * Lets a whole command in, or throws: order, level, MAC and padding. Opens secure messaging in place, so that
     * DATA_OFFSET and DATA_LENGTH are those of the plain data. Called once for every command before it is looked at.
     */
    void admit() {
        if ((ram[Transients.HEADER] & Gp.CLA_SM_MASK) != 0) {
            Refuse.security();
        }
    }

    /**
     * Runs a command of the protocol itself; the answer goes to RESPONSE, its length is returned. 6D00 when it has
     * none.
     */
    short execute(byte ins, byte p1, byte p2) {
        ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
        return (short) 0;
    }

    /** Protects an answer when the session asks for it; sets PENDING_OFFSET and PENDING_LENGTH. */
    void finish(short offset, short length, short status) {
        transients.setShort(Transients.PENDING_OFFSET, offset);
        transients.setShort(Transients.PENDING_LENGTH, length);
    }

    /** True when an error's status word is protected as well. */
    boolean protectsErrors() {
        return false;
    }

    /** True when a key set of this version opens a session here, or packets. */
    boolean opensWith(byte version) {
        return false;
    }

    /** True when anything opens a session here. */
    boolean opens() {
        return false;
    }

    /**
     * The commands that follow on this channel are those of a packet under keys of this version; 00 when they have
     * ended. A session that is under way goes on.
     *
     * @param key as {@link ApplicationChannel#packet}
     */
    void packet(byte version, byte key) {}

    /** Ends whatever is under way and drops its keys. */
    void end() {}

    /**
     * Opens a key that came under the session's data encryption key, in place, or puts one under it; 6985 without one.
     *
     * @param mode Cipher.MODE_DECRYPT, MODE_ENCRYPT
     */
    void cryptKey(byte mode, byte[] buffer, short offset, short length) {
        Refuse.conditions();
    }

    /** The commands that follow have this level, which has all of the session's own; else 6985. */
    void changeLevel(byte level) {
        Refuse.conditions();
    }

    /** True when the session's peer is the domain's owner, and commands carry a MAC where they have to. */
    boolean ownerAuthenticated() {
        return false;
    }
}
