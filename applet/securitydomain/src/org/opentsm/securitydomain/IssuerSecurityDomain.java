package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;

/**
 * The issuer's domain: card content and life cycles through OPEN, and the first keys of the domains
 * it made, handed on to them (key-distribution.md section 7 row 11).
 */
public class IssuerSecurityDomain extends Scp10Domain {

    private IssuerSecurityDomain(byte[] bArray, short bOffset, short bLength) {
        super(bArray, bOffset, bLength, true);
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new IssuerSecurityDomain(bArray, bOffset, (short) (bLength & 0xFF)).registerOwnAid();
    }

    short execute(byte ins, byte p1, byte p2) {
        switch (ins) {
            case Gp.INS_INSTALL:
                return processInstall(p1, p2);
            case Gp.INS_DELETE:
                return processDelete(p1, p2);
            case Gp.INS_GENERATE_KEY_PAIR:
            case Gp.INS_PUT_KEY:
                return hasTarget() ? handOn(ins, p1, p2) : super.execute(ins, p1, p2);
            case Gp.INS_STORE_DATA:
                return hasTarget() ? handOnBlock(p1, p2) : super.execute(ins, p1, p2);
            default:
                return super.execute(ins, p1, p2);
        }
    }

    /** A locked card takes its issuer's session, tells its registry, and is unlocked or terminated (GPCS 5.1.1.4). */
    boolean servesLockedCard(byte ins, byte p1) {
        switch (ins) {
            case Gp.INS_MANAGE_SECURITY_ENVIRONMENT:
            case Gp.INS_PERFORM_SECURITY_OPERATION:
            case Gp.INS_GET_CHALLENGE:
            case Gp.INS_EXTERNAL_AUTHENTICATE:
            case Gp.INS_INTERNAL_AUTHENTICATE:
            case Gp.INS_GET_STATUS:
                return true;
            case Gp.INS_SET_STATUS:
                return p1 == Gp.P1_STATUS_CARD;
            default:
                return false;
        }
    }

    /** INSTALL [for install], [for make selectable], [for both], [for personalization] (GPCS 11.5). */
    private short processInstall(byte p1, byte p2) {
        requireOwner();
        ram[Transients.TARGET_LENGTH] = 0;
        if (p2 != 0) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        switch (p1) {
            case Gp.P1_INSTALL:
            case Gp.P1_INSTALL_SELECTABLE:
                InstallData.check(work, dataOffset(), (short) (dataOffset() + dataLength()));
                open().install(self(), p1 == Gp.P1_INSTALL_SELECTABLE, work, dataOffset(), dataLength());
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
        short offset = dataOffset();
        short field = InstallData.selectableApplication(work, offset, (short) (offset + dataLength()));
        AID application = JCSystem.lookupAID(work, (short) (field + 1), work[field]);
        if (application == null) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        Open open = open();
        if (open.applicationState(application) != Gp.DOMAIN_STATE_INSTALLED) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        open.setApplicationState(application, Gp.DOMAIN_STATE_SELECTABLE);
    }

    private void installForPersonalization() {
        short offset = dataOffset();
        short end = (short) (offset + dataLength());
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

    private boolean hasTarget() {
        return ram[Transients.TARGET_LENGTH] != 0;
    }

    /** Hands an unwrapped command to the domain under personalization. */
    private short handOn(byte ins, byte p1, byte p2) {
        requireOwner();
        AID aid = JCSystem.lookupAID(ram, Transients.TARGET_AID, ram[Transients.TARGET_LENGTH]);
        PersonalizationTarget target = aid == null ? null : target(aid);
        if (target == null) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        return target.personalize(ins, p1, p2, work, dataOffset(), dataLength(), work, Transients.RESPONSE);
    }

    private short handOnBlock(byte p1, byte p2) {
        requireOwner();
        return collectBlock(p1, p2) ? handOn(Gp.INS_STORE_DATA, p1, p2) : (short) 0;
    }

    /** DELETE {@code 4F L AID} (GPCS 11.2). A token is not needed here, and so an error. */
    private short processDelete(byte p1, byte p2) {
        requireOwner();
        if (p1 != 0 || (p2 != 0 && p2 != (byte) 0x80)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        short offset = dataOffset();
        short end = (short) (offset + dataLength());
        short value = Tlv.expect(work, offset, end, Gp.TAG_AID);
        short length = Tlv.length(work, offset, end);
        if (length < Gp.AID_MIN || length > Gp.AID_MAX || Tlv.next(work, offset, end) != end) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        if (isSelf(work, value, length)) {
            ISOException.throwIt(Gp.SW_CONDITIONS);
        }
        ram[Transients.TARGET_LENGTH] = 0;
        open().delete(self(), p2 != 0, work, value, length);
        work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    short getStatus(byte p1, byte p2) {
        requireOwner();
        return StatusReader.read(p1, p2, transients, open());
    }

    /** SET STATUS (GPCS 11.10): the card's life cycle, or lock and unlock of an application. */
    short setStatus(byte p1, byte p2) {
        if (p1 == Gp.P1_STATUS_CARD) {
            setCardStatus(p2);
            return (short) 0;
        }
        requireOwner();
        if ((p1 != Gp.P1_STATUS_APPLICATIONS && p1 != Gp.P1_STATUS_DOMAIN_TREE)) {
            ISOException.throwIt(Gp.SW_WRONG_P1P2);
        }
        short length = dataLength();
        if (length < Gp.AID_MIN || length > Gp.AID_MAX) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        AID application = JCSystem.lookupAID(work, dataOffset(), (byte) length);
        if (application == null || isSelf(work, dataOffset(), length)) {
            ISOException.throwIt(Gp.SW_NOT_FOUND);
        }
        Open open = open();
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
        Open open = open();
        boolean maker = open.cardState() == Gp.CARD_STATE_OP_READY
                && (state == Gp.CARD_STATE_INITIALIZED || state == Gp.CARD_STATE_SECURED);
        if (!maker) {
            requireOwner();
        } else if (state == Gp.CARD_STATE_SECURED) {
            // both steps of GPCS 5.1.1 at once: after the first one nothing is taken in clear
            open.setCardState(Gp.CARD_STATE_INITIALIZED);
        }
        open.setCardState(state);
    }
}
