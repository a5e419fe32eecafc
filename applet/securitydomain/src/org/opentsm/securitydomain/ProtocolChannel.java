// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/**
 * What the protocols of a domain share: one session state, one place for its keys, one set of ciphers. The state says
 * whose the session is; a protocol's states have bits of its own.
 */
abstract class ProtocolChannel extends SecureChannel {

    /** STATE in RAM has one of these bits in a session of SCP02 or SCP03. */
    private static final byte SYMMETRIC = (byte) 0x30;

    final BlockCiphers ciphers;

    ProtocolChannel(Transients transients, BlockCiphers ciphers) {
        super(transients);
        this.ciphers = ciphers;
    }

    final void end() {
        end((byte) 0);
    }

    /** Ends whatever is under way and drops its keys; {@code state} is 0 or a protocol's ABORTED. */
    final void end(byte state) {
        Bytes.wipe(ram, Transients.SESSION, (short) (Transients.SIZE - Transients.SESSION));
        ciphers.clear();
        ram[Transients.STATE] = state;
    }

    /** Refuses a command that ends what is under way: nothing of it stays, in the work buffer either. */
    final void refuse(byte state, short status) {
        end(state);
        Bytes.wipe(work, (short) 0, Transients.WORK_SIZE);
        ISOException.throwIt(status);
    }

    /** What comes now is the owner's or anybody's, at this level. */
    final void opened(byte state, boolean owner, byte level) {
        ram[Transients.LEVEL] = (byte) ((owner ? Gp.LEVEL_AUTHENTICATED : Gp.LEVEL_ANY_AUTHENTICATED) | level);
        ram[Transients.STATE] = state;
    }

    /** True while commands come under an open session of this protocol. */
    abstract boolean isOpen();

    /**
     * True in a session of the owner whose commands carry a MAC, or, of SCP02 and SCP03, that was opened without: those
     * take what their EXTERNAL AUTHENTICATE said under its own MAC, SCP10 and what a session lost to a command in clear
     * do not.
     */
    final boolean ownerAuthenticated() {
        byte needed = (ram[Transients.STATE] & SYMMETRIC) != 0 ? ram[Transients.SESSION_LEVEL] : Gp.LEVEL_C_MAC;
        return isOpen() && ram[Transients.LEVEL] < 0 && (needed & ~ram[Transients.LEVEL] & Gp.LEVEL_C_MAC) == 0;
    }
}
