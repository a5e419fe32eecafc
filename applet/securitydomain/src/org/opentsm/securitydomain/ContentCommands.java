package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;

/**
 * Card content and life cycles through OPEN, and the way of the first keys to the domains the issuer made
 * (key-distribution.md section 7 row 11).
 */
final class ContentCommands {

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
        switch (ins) {
            case Gp.INS_INSTALL:
                return processInstall(p1, p2);
            case Gp.INS_DELETE:
                return processDelete(p1, p2);
            case Gp.INS_GET_STATUS:
                domain.requireOwner();
                return StatusReader.read(p1, p2, transients, domain.open());
            default:
                return setStatus(p1, p2);
        }
    }

    /** INSTALL [for install], [for make selectable], [for both], [for personalization] (GPCS 11.5). */
    private short processInstall(byte p1, byte p2) {
        domain.requireOwner();
        ram[Transients.TARGET_LENGTH] = 0;
        if (p2 != 0) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        switch (p1) {
            case Gp.P1_INSTALL:
            case Gp.P1_INSTALL_SELECTABLE:
                InstallData.check(work, transients.dataOffset(), transients.dataEnd());
                domain.open().install(domain.self(), p1 == Gp.P1_INSTALL_SELECTABLE, work, transients.dataOffset(), transients.dataLength());
                break;
            case Gp.P1_MAKE_SELECTABLE:
                makeSelectable();
                break;
            case Gp.P1_INSTALL_PERSONALIZATION:
                installForPersonalization();
                break;
            default:
                ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    /** Lets an instance that was only installed be selected: 6A88 when it is unknown, 6985 when it is further. */
    private void makeSelectable() {
        short offset = transients.dataOffset();
        short field = InstallData.selectableApplication(work, offset, (short) (offset + transients.dataLength()));
        AID application = JCSystem.lookupAID(work, (short) (field + 1), work[field]);
        if (application == null) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        Open open = domain.open();
        if (open.applicationState(application) != Gp.DOMAIN_STATE_INSTALLED) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        open.setApplicationState(application, Gp.DOMAIN_STATE_SELECTABLE);
    }

    private void installForPersonalization() {
        short offset = transients.dataOffset();
        short end = transients.dataEnd();
        short length = InstallData.personalizationTarget(work, offset, end);
        AID target = JCSystem.lookupAID(work, (short) (offset + 3), (byte) length);
        if (target == null || target(target) == null) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        Util.arrayCopyNonAtomic(work, (short) (offset + 3), ram, Transients.TARGET_AID, length);
        ram[Transients.TARGET_LENGTH] = (byte) length;
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
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        return target.personalize(ins, p1, p2, work, transients.dataOffset(), transients.dataLength(), work, Transients.RESPONSE);
    }

    short handOnBlock(byte p1, byte p2) {
        domain.requireOwner();
        return domain.objects.collect(p1, p2) ? handOn(Gp.INS_STORE_DATA, p1, p2) : (short) 0;
    }

    /** DELETE {@code 4F L AID} (GPCS 11.2). A token is not needed here, and so an error. */
    private short processDelete(byte p1, byte p2) {
        domain.requireOwner();
        if (p1 != 0 || (p2 != 0 && p2 != (byte) 0x80)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        short offset = transients.dataOffset();
        short end = transients.dataEnd();
        short value = Tlv.expect(work, offset, end, Gp.TAG_AID);
        short length = Tlv.length(work, offset, end);
        if (length < Gp.AID_MIN || length > Gp.AID_MAX || Tlv.next(work, offset, end) != end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        if (domain.isSelf(work, value, length)) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        ram[Transients.TARGET_LENGTH] = 0;
        domain.open().delete(domain.self(), p2 != 0, work, value, length);
        work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    /** SET STATUS (GPCS 11.10): the card's life cycle, or lock and unlock of an application. */
    short setStatus(byte p1, byte p2) {
        if (p1 == Gp.P1_STATUS_CARD) {
            setCardStatus(p2);
            return (short) 0;
        }
        domain.requireOwner();
        if ((p1 != Gp.P1_STATUS_APPLICATIONS && p1 != Gp.P1_STATUS_DOMAIN_TREE)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        short length = transients.dataLength();
        if (length < Gp.AID_MIN || length > Gp.AID_MAX) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        AID application = JCSystem.lookupAID(work, transients.dataOffset(), (byte) length);
        if (application == null || domain.isSelf(work, transients.dataOffset(), length)) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        Open open = domain.open();
        // outside the issuer's control: without its signature providers could be told that a card has none
        if (application.equals(open.controllingAuthority())) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        byte state = open.applicationState(application);
        byte wanted = (byte) ((state & 0x7F) | (p2 & 0x80));
        if (wanted == state) {
            if (p1 == Gp.P1_STATUS_DOMAIN_TREE) {
                return (short) 0;
            }
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        open.setApplicationState(application, wanted);
        return (short) 0;
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
