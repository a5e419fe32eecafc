// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;

/**
 * Card content and life cycles through OPEN, and the way of the first keys to the domains the issuer made
 * (key-distribution.md section 7 row 11).
 */
final class ContentCommands {

    /** Entries of GET STATUS in one answer: one APDU under full protection. */
    private static final short ROOM = (short) 220;

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;

    ContentCommands(SecurityDomain domain, Transients transients) {
        this.domain = domain;
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
    }

    short execute(byte ins, byte p1, byte p2) {
        if (ins == Gp.INS_SET_STATUS && p1 == Gp.P1_STATUS_CARD) {
            setCardStatus(p2);
            return (short) 0;
        }
        domain.requireOwner();
        if (ins == Gp.INS_GET_STATUS) {
            return getStatus(p1, p2);
        }
        if (ins == Gp.INS_INSTALL || ins == Gp.INS_DELETE) {
            ram[Transients.TARGET_LENGTH] = 0;
        }
        if (ins == Gp.INS_INSTALL && p1 == Gp.P1_INSTALL_PERSONALIZATION) {
            return installForPersonalization(p2);
        }
        return manage(ins, p1, p2);
    }

    /**
     * A command of the owner of a domain that is not the issuer's: on what is below it, by the privileges that OPEN
     * knows (GPCS 9.1.3).
     */
    short executeBelow(byte ins, byte p1, byte p2) {
        domain.requireOwner();
        return ins == Gp.INS_GET_STATUS ? getStatus(p1, p2) : manage(ins, p1, p2);
    }

    /** OPEN runs the command: form, privileges and life cycles are its affair (GPCS 11.2 to 11.10). */
    private short manage(byte ins, byte p1, byte p2) {
        return domain.open()
                .manage(
                        ins,
                        p1,
                        p2,
                        work,
                        transients.dataOffset(),
                        transients.dataLength(),
                        work,
                        Transients.RESPONSE,
                        ROOM);
    }

    /** Entries as many as fit; 6310 while there are more, which the next command asks for or nobody. */
    private short getStatus(byte p1, byte p2) {
        boolean mayGoOn = transients.getShort(Transients.CURSOR) != 0;
        transients.setShort(Transients.CURSOR, (short) 0);
        if ((p2 & Gp.P2_STATUS_NEXT) != 0 && !mayGoOn) {
            Refuse.conditions();
        }
        short length = manage(Gp.INS_GET_STATUS, p1, p2);
        if (length < 0) {
            transients.setShort(Transients.CURSOR, (short) 1);
            transients.setShort(Transients.STATUS, Gp.SW_MORE_DATA);
            return (short) -length;
        }
        return length;
    }

    private short installForPersonalization(byte p2) {
        if (p2 != 0) {
            Refuse.parameters();
        }
        short offset = transients.dataOffset();
        short end = transients.dataEnd();
        short length = InstallData.personalizationTarget(work, offset, end);
        AID target = JCSystem.lookupAID(work, (short) (offset + 3), (byte) length);
        if (target == null || target(target) == null) {
            Refuse.notFound();
        }
        Util.arrayCopyNonAtomic(work, (short) (offset + 3), ram, Transients.TARGET_AID, length);
        ram[Transients.TARGET_LENGTH] = (byte) length;
        work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    /** The domain behind an AID, or null: an application may answer the parameter with another interface. */
    private static PersonalizationTarget target(AID aid) {
        Shareable given = JCSystem.getAppletShareableInterfaceObject(aid, PersonalizationTarget.PARAMETER);
        return given instanceof PersonalizationTarget ? (PersonalizationTarget) given : null;
    }

    /** True while a domain is named for personalization. */
    boolean hasTarget() {
        return ram[Transients.TARGET_LENGTH] != 0;
    }

    /** Hands an unwrapped command to the domain under personalization. */
    short handOn(byte ins, byte p1, byte p2) {
        domain.requireOwner();
        AID aid = JCSystem.lookupAID(ram, Transients.TARGET_AID, ram[Transients.TARGET_LENGTH]);
        PersonalizationTarget target = aid == null ? null : target(aid);
        if (target == null) {
            Refuse.notFound();
        }
        if (ins == Gp.INS_PUT_KEY) {
            // secrets stand under this session's key, which the target does not have
            KeyCommands.openKeys(domain.channel, p2, work, transients.dataOffset(), transients.dataLength());
        }
        return target.personalize(
                ins, p1, p2, work, transients.dataOffset(), transients.dataLength(), work, Transients.RESPONSE);
    }

    short handOnBlock(byte p1, byte p2) {
        domain.requireOwner();
        if (!domain.objects.collect(p1, p2)) {
            return (short) 0;
        }
        DataCommands.openKeys(domain.channel, p1, work, transients.dataOffset(), transients.dataLength());
        return handOn(Gp.INS_STORE_DATA, p1, p2);
    }

    /** In OP_READY the card maker may close pre-issuance in clear (README 5.9). */
    private void setCardStatus(byte state) {
        Open open = domain.open();
        boolean maker = open.cardState() == Gp.CARD_STATE_OP_READY
                && (state == Gp.CARD_STATE_INITIALIZED || state == Gp.CARD_STATE_SECURED);
        if (!maker) {
            domain.requireOwner();
        } else if (state == Gp.CARD_STATE_SECURED) {
            // both steps of GPCS 5.1.1 at once: after the first one nothing is taken in clear
            open.setCardState(Gp.CARD_STATE_INITIALIZED);
        }
        open.setCardState(state);
    }
}
