// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/**
 * The protocols of one domain: a session of one of them at a time, and none when a new one starts. Without one there
 * may be a secured packet, whose commands come in clear; SCP10's rules for what is outside a session hold for them.
 */
final class Channels extends SecureChannel {

    /** STATE in RAM while the commands are those of a packet; OPTION has the version of its keys. */
    static final byte PACKET = (byte) 0x40;
    /** Bit of the versions of TLS. */
    private static final byte TLS = (byte) 0x40;
    /** From there to the bit of a type of triple DES in CBC. */
    private static final byte TLS_TO_CHAINED = (byte) 5;

    private final SecurityDomain domain;
    private final Scp10 scp10;
    /** Null for a protocol that the domain does not offer. */
    private final Scp02 scp02;

    private final Scp03 scp03;
    private final boolean offersScp10;

    /** @param offersScp10 false for a domain that was made for the symmetric protocols alone */
    Channels(SecurityDomain domain, Scp10 scp10, boolean offersScp10, Scp02 scp02, Scp03 scp03) {
        super(domain.transients);
        this.domain = domain;
        this.scp10 = scp10;
        this.offersScp10 = offersScp10;
        this.scp02 = scp02;
        this.scp03 = scp03;
    }

    /** The symmetric protocol that has the session, or null. */
    private SymmetricChannel symmetric() {
        if (scp02 != null && scp02.active()) {
            return scp02;
        }
        return scp03 != null && scp03.active() ? (SymmetricChannel) scp03 : null;
    }

    private SecureChannel current() {
        SymmetricChannel symmetric = symmetric();
        return symmetric == null ? (SecureChannel) scp10 : symmetric;
    }

    /** INITIALIZE UPDATE and EXTERNAL AUTHENTICATE of the symmetric protocols, which have class 8x. */
    private boolean initiates(byte ins) {
        return ins == Gp.INS_INITIALIZE_UPDATE
                || (ins == Gp.INS_EXTERNAL_AUTHENTICATE && (ram[Transients.HEADER] & Gp.CLA_TYPE_MASK) != 0);
    }

    /** True when the set opens a session of a protocol there is, or packets. */
    boolean opensWith(byte version) {
        return domain.isOverTheAir(version) || protocolOf(domain.sets, version) != null;
    }

    /** True when there is a way in: a set of a symmetric protocol or for packets, or all that SCP10 needs. */
    boolean opens() {
        return (offersScp10 && domain.trustPoint.present() && domain.pairs.present())
                || opensWith((byte) 0)
                // the versions for packets are the lowest of all
                || domain.isOverTheAir(domain.sets.nextVersion((byte) 0));
    }

    /** True when there is a set for the protocol. */
    boolean has(byte protocol) {
        SymmetricChannel channel = protocol == Gp.SCP02 ? (SymmetricChannel) scp02 : scp03;
        return channel != null && channel.set(domain.sets, (byte) 0) != KeySource.NO_VERSION;
    }

    /** The protocol of a version, or of the lowest one for 00; null when it opens none. */
    private SymmetricChannel protocolOf(KeySource keys, byte version) {
        byte with02 = scp02 == null ? KeySource.NO_VERSION : scp02.set(keys, version);
        byte with03 = scp03 == null ? KeySource.NO_VERSION : scp03.set(keys, version);
        if (with02 == KeySource.NO_VERSION) {
            return with03 == KeySource.NO_VERSION ? null : (SymmetricChannel) scp03;
        }
        boolean lower = (short) (with02 & 0xFF) < (short) (with03 & 0xFF);
        return with03 == KeySource.NO_VERSION || lower ? (SymmetricChannel) scp02 : scp03;
    }

    /** Writes the counter of the set that INITIALIZE UPDATE with 00 takes; 6A88 where its sessions are not counted. */
    short sequence(short out) {
        SymmetricChannel protocol = protocolOf(domain.sets, (byte) 0);
        boolean des = protocol != null && protocol == scp02;
        if (protocol == null || (!des && !Scp03.countsSessions(protocol.option))) {
            Refuse.notFound();
        }
        short length = des ? (short) 2 : KeyStore.SEQUENCE_LENGTH;
        short at = (short) (out + length - KeyStore.SEQUENCE_LENGTH);
        domain.sets.sequence(protocol.set(domain.sets, (byte) 0), work, at);
        return length;
    }

    byte messaging() {
        boolean implicit = scp02 != null && scp02.implicit() && !scp10.isUnderWay();
        return symmetric() != null || implicit ? Gp.CLA_SM_PROPRIETARY : Gp.CLA_SM_ISO;
    }

    void commandArrives(byte ins) {
        current().commandArrives(ins);
    }

    void admit() {
        byte ins = ram[(short) (Transients.HEADER + 1)];
        byte messaging = (byte) (ram[Transients.HEADER] & Gp.CLA_SM_MASK);
        SymmetricChannel symmetric = symmetric();
        if (initiates(ins) && (messaging == 0 || ins == Gp.INS_EXTERNAL_AUTHENTICATE)) {
            ram[Transients.WRAP_RESPONSE] = 0;
        } else if (symmetric != null) {
            if (scp10.startsInitiation(ins) && offersScp10) {
                scp10.end();
            } else {
                symmetric.admit();
            }
        } else if (messaging == Gp.CLA_SM_PROPRIETARY && scp02 != null && scp02.implicit() && !scp10.isUnderWay()) {
            ram[Transients.WRAP_RESPONSE] = 0;
            if (!scp02.startsImplicitly()) {
                scp02.abort(Gp.SW_SECURITY_STATUS);
            }
        } else {
            scp10.admit();
        }
    }

    short execute(byte ins, byte p1, byte p2) {
        SymmetricChannel symmetric = symmetric();
        if (ins == Gp.INS_BEGIN_R_MAC_SESSION || ins == Gp.INS_END_R_MAC_SESSION) {
            if (symmetric == null) {
                Refuse.conditions();
            }
            return symmetric.execute(ins, p1, p2);
        }
        if (!initiates(ins)) {
            if (!offersScp10) {
                ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
            }
            if (symmetric != null) {
                // a command of SCP10 that does not start anew
                end();
                Refuse.conditions();
            }
            return scp10.execute(ins, p1, p2);
        }
        if (ins == Gp.INS_INITIALIZE_UPDATE) {
            end();
            symmetric = protocolOf(domain.keySource(), p1);
            if (symmetric == null) {
                if (p2 != 0) {
                    Refuse.parameters();
                }
                Refuse.notFound();
            }
        }
        if (symmetric == null) {
            end();
            Refuse.conditions();
        }
        return symmetric.execute(ins, p1, p2);
    }

    boolean protectsErrors() {
        return current().protectsErrors();
    }

    void finish(short offset, short length, short status) {
        current().finish(offset, length, status);
    }

    void end() {
        scp10.end();
    }

    boolean ownerAuthenticated() {
        return current().ownerAuthenticated();
    }

    void packet(byte version, byte key) {
        if (ram[Transients.STATE] == PACKET) {
            end();
        }
        if (ram[Transients.STATE] != 0) {
            return;
        }
        // parts outside a session are one packet's, whoever had sent them: they are never joined to another one's
        if (ram[Transients.CHAIN_ACTIVE] != 0) {
            domain.reader.drop();
        }
        KeyStore sets = domain.sets;
        short own = sets.find(version, key);
        // a parent's key vouches for a domain without keys of its own
        if (version == 0 || (key < 0 ? domain.keySource() == sets : own == KeyStore.NONE)) {
            return;
        }
        ram[Transients.OPTION] = version;
        ram[Transients.PACKET_DEK] = (byte) ((key + 1) & ~ApplicationChannel.OF_PARENT);
        ram[Transients.KEYS_MAKER] = own == KeyStore.NONE ? Gp.BY_PARENT : sets.maker(own);
        scp10.opened(PACKET, domain.isOwners(ram[Transients.KEYS_MAKER]), Gp.LEVEL_C_MAC);
    }

    void changeLevel(byte level) {
        current().changeLevel(level);
    }

    void cryptKey(byte mode, byte[] buffer, short offset, short length) {
        if (ram[Transients.STATE] != PACKET) {
            current().cryptKey(mode, buffer, offset, length);
            return;
        }
        byte version = ram[Transients.OPTION];
        short size = domain.keySource().value(version, ram[Transients.PACKET_DEK], ram, Transients.SCRATCH);
        byte type = ram[Transients.SCRATCH];
        Tlv.require(size != 0 && (byte) (type & ~Gp.KEY_AES_BIT) == Gp.KEY_DES && (length & 7) == 0);
        // Amendment B knows CBC alone
        type |= (byte) ((version & TLS) >> TLS_TO_CHAINED);
        scp10.ciphers.cryptKey(mode, type, (short) (Transients.SCRATCH + 1), size, buffer, offset, length);
        Bytes.wipe(ram, Transients.SCRATCH, (short) (KeyStore.KEY_MAX + 1));
    }
}
