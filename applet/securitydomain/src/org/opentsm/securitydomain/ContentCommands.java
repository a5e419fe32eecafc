// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

/** Card content and life cycles through OPEN. */
final class ContentCommands {

    /** Entries of GET STATUS in one answer: one APDU under full protection. */
    private static final short ROOM = (short) 220;

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] work;

    ContentCommands(SecurityDomain domain, Transients transients) {
        this.domain = domain;
        this.transients = transients;
        work = transients.work;
    }

    /** A command of the issuer's domain, on its content or the card's life cycle. */
    short execute(byte ins, byte p1, byte p2) {
        if (ins == Gp.INS_SET_STATUS && p1 == Gp.P1_STATUS_CARD) {
            setCardStatus(p2);
            return (short) 0;
        }
        return executeBelow(ins, p1, p2);
    }

    /** A command of a domain's owner on what is below it, by the privileges that OPEN knows (GPCS 9.1.3). */
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
