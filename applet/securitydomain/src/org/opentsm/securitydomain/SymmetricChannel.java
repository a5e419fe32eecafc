// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

/**
 * What SCP02 and SCP03 share: INITIALIZE UPDATE and EXTERNAL AUTHENTICATE in this order, the class bits of secure
 * messaging, R-MAC sessions. Session keys stand where SCP10 has its templates.
 */
abstract class SymmetricChannel extends ProtocolChannel {

    // STATE in RAM: the protocol in the upper half, beside 0 of SCP10, and these
    static final byte INITIALIZED = (byte) 1;
    static final byte OPEN = (byte) 2;
    static final byte ABORTED = (byte) 3;

    /** Blocks in the work buffer behind every command of the initiation. */
    static final short TEMPORARY = (short) 600;

    /** What a level says of the peer. */
    private static final byte LEVEL_PEER = (byte) (Gp.LEVEL_AUTHENTICATED | Gp.LEVEL_ANY_AUTHENTICATED);

    private static final byte P2_END = (byte) 0x03;
    private static final byte P2_READ = (byte) 0x01;

    final SecurityDomain domain;
    final byte option;
    /** Upper half of STATE. */
    private final byte states;

    SymmetricChannel(SecurityDomain domain, BlockCiphers ciphers, byte option, byte states) {
        super(domain.transients, ciphers);
        this.domain = domain;
        this.option = option;
        this.states = states;
    }

    final boolean active() {
        return (ram[Transients.STATE] & (byte) 0xF0) == states;
    }

    final boolean isIn(byte state) {
        return ram[Transients.STATE] == (byte) (states | state);
    }

    final boolean isOpen() {
        return isIn(OPEN);
    }

    final void become(byte state) {
        ram[Transients.STATE] = (byte) (states | state);
    }

    final void abort(short status) {
        refuse((byte) (states | ABORTED), status);
    }

    /** Nothing comes between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE. */
    final void commandArrives(byte ins) {
        if (isIn(INITIALIZED) && ins != Gp.INS_EXTERNAL_AUTHENTICATE) {
            end();
        }
    }

    final void admit() {
        byte messaging = (byte) (ram[Transients.HEADER] & Gp.CLA_SM_MASK);
        ram[Transients.WRAP_RESPONSE] = 0;
        if (isIn(ABORTED)) {
            Refuse.security();
        }
        if (!isOpen()) {
            if (messaging != 0) {
                refuse((byte) 0, Gp.SW_SECURITY_STATUS);
            }
            return;
        }
        byte level = ram[Transients.LEVEL];
        boolean protects = (level & Gp.LEVEL_C_MAC) != 0;
        if (messaging != (protects ? Gp.CLA_SM_PROPRIETARY : (byte) 0) && !takesOtherwise(messaging)) {
            abort(Gp.SW_SECURITY_STATUS);
        }
        if (protects && messaging != 0 && !unwraps(level)) {
            abort(Gp.SW_SECURITY_STATUS);
        }
        ram[Transients.WRAP_RESPONSE] = (level & Gp.LEVEL_R_MAC) != 0 ? (byte) 1 : (byte) 0;
        admitted();
    }

    /** True when the session goes on under a command of another protection than its level asks for. */
    boolean takesOtherwise(byte messaging) {
        return false;
    }

    /** Told of an opened command before it runs. */
    void admitted() {}

    /** Opens a protected command in place; false for a bad MAC or padding. */
    abstract boolean unwraps(byte level);

    abstract short initializeUpdate(byte version);

    abstract boolean offers(byte level);

    /** Checks cryptogram and C-MAC of EXTERNAL AUTHENTICATE, and counts the session where that is its moment. */
    abstract boolean authenticates();

    /** Length of the data of EXTERNAL AUTHENTICATE. */
    abstract short authenticationLength();

    /** The type of the sets this protocol works with. */
    abstract byte keyType();

    /** Keys of such a set. */
    short setKeys() {
        return KeyStore.SET_KEYS;
    }

    /** The set that INITIALIZE UPDATE names, the lowest one for 00; NO_VERSION when this protocol has none. */
    final byte set(KeySource keys, byte version) {
        if (version != 0) {
            return isSet(keys, version) ? version : KeySource.NO_VERSION;
        }
        byte found = KeySource.NO_VERSION;
        do {
            found = keys.nextVersion(found);
        } while (found != KeySource.NO_VERSION && !isSet(keys, found));
        return found;
    }

    /** Sets for packets and TLS are none: who has those opens no session of APDUs, and the other way round. */
    private boolean isSet(KeySource keys, byte version) {
        return !domain.isOverTheAir(version) && keys.setType(version, setKeys()) == keyType();
    }

    short execute(byte ins, byte p1, byte p2) {
        if (ins == Gp.INS_INITIALIZE_UPDATE) {
            end();
            if (p2 != 0) {
                Refuse.parameters();
            }
            return initializeUpdate(p1);
        }
        if (ins == Gp.INS_EXTERNAL_AUTHENTICATE) {
            return externalAuthenticate(p1, p2);
        }
        if (!isOpen()) {
            Refuse.conditions();
        }
        return ins == Gp.INS_BEGIN_R_MAC_SESSION ? beginSession(p1, p2) : endSession(p1, p2);
    }

    /** EXTERNAL AUTHENTICATE, {@code host cryptogram, C-MAC}; P1 is the level of the commands after it. */
    private short externalAuthenticate(byte level, byte p2) {
        if (!isIn(INITIALIZED)) {
            refuse(isOpen() || isIn(ABORTED) ? (byte) (states | ABORTED) : (byte) 0, Gp.SW_CONDITIONS);
        }
        if (p2 != 0 || !offers(level)) {
            refuse((byte) 0, Gp.SW_WRONG_P1P2);
        }
        if ((ram[Transients.HEADER] & Gp.CLA_SM_MASK) != Gp.CLA_SM_PROPRIETARY) {
            refuse((byte) 0, Gp.SW_WRONG_DATA);
        }
        if (transients.dataLength() != authenticationLength()) {
            refuse((byte) 0, Gp.SW_WRONG_LENGTH);
        }
        if (!authenticates()) {
            refuse((byte) 0, Gp.SW_VERIFICATION_FAILED);
        }
        opened(level);
        return (short) 0;
    }

    /** The session is open; whose it is says who put its keys. */
    final void opened(byte level) {
        ram[Transients.SESSION_LEVEL] = level;
        opened((byte) (states | OPEN), domain.isOwners(ram[Transients.KEYS_MAKER]), level);
    }

    /**
     * Up from the session's own level and down to it again, to levels that the option has. GPCS 2.3.1 A.2. What the
     * session lost to a command in clear stays lost: an application does not vouch for it.
     */
    void changeLevel(byte level) {
        byte own = ram[Transients.SESSION_LEVEL];
        level &= (byte) ~LEVEL_PEER;
        if (!isOpen() || (byte) (level & ram[Transients.LEVEL] & own) != own || !offers(level)) {
            Refuse.conditions();
        }
        ram[Transients.LEVEL] = (byte) ((ram[Transients.LEVEL] & LEVEL_PEER) | level);
    }

    /** BEGIN R-MAC SESSION, GPCS E.5.3, Amendment D 7.1.3: P1 is what is added to the level. */
    private short beginSession(byte p1, byte p2) {
        if (p2 != P2_READ || !mayBegin(p1)) {
            Refuse.parameters();
        }
        short length = transients.dataLength();
        if (length > 25 || (length > 0 && work[transients.dataOffset()] != (byte) (length - 1))) {
            Refuse.data();
        }
        if ((ram[Transients.LEVEL] & Gp.LEVEL_R_MAC) != 0 || !begins(p1)) {
            Refuse.conditions();
        }
        ram[Transients.LEVEL] |= p1;
        return (short) 0;
    }

    /** True for a P1 of BEGIN R-MAC SESSION that the option has. */
    abstract boolean mayBegin(byte p1);

    /** Starts an R-MAC session; false where the session at hand does not allow it. */
    abstract boolean begins(byte p1);

    private short endSession(byte p1, byte p2) {
        if (p1 != 0 || (p2 != P2_END && p2 != P2_READ)) {
            Refuse.parameters();
        }
        return ends(p2 == P2_END);
    }

    /** Answers END R-MAC SESSION; 6985 without a session of BEGIN. */
    abstract short ends(boolean forGood);

    /** Writes diversification data, key set and protocol of an INITIALIZE UPDATE answer; returns the offset behind. */
    final short keyInformation(byte version, byte protocol) {
        short at = domain.data.diversification(work, Transients.RESPONSE);
        work[at] = version;
        work[(short) (at + 1)] = protocol;
        return (short) (at + 2);
    }
}
