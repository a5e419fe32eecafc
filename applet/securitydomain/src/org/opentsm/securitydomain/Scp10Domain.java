package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/** A security domain with SCP10 and a trust point: what the issuer's and the providers' have in common. */
abstract class Scp10Domain extends SecurityDomain {

    final Scp10 channel;
    final TrustPoint trustPoint = new TrustPoint();

    Scp10Domain(byte[] bArray, short bOffset, short bLength, boolean withProduction) {
        super(bArray, bOffset, bLength, withProduction);
        channel = new Scp10(transients, trustPoint, pairs, certificate);
    }

    public boolean select() {
        super.select();
        channel.end(Scp10.IDLE);
        return true;
    }

    public void deselect() {
        channel.end(Scp10.IDLE);
    }

    public void uninstall() {
        super.uninstall();
        trustPoint.clear();
    }

    void commandArrives(byte ins) {
        channel.commandArrives(ins);
    }

    void admit() {
        channel.admit();
    }

    void finish(short offset, short length) {
        channel.finish(offset, length, transients.getShort(Transients.STATUS));
    }

    boolean mayChange() {
        return channel.ownerAuthenticated() || super.mayChange();
    }

    byte writer() {
        return channel.ownerAuthenticated() ? Gp.BY_OWNER : super.writer();
    }

    final void requireOwner() {
        if (!channel.ownerAuthenticated()) {
            ISOException.throwIt(Gp.SW_SECURITY_STATUS);
        }
    }

    short execute(byte ins, byte p1, byte p2) {
        switch (ins) {
            case Gp.INS_MANAGE_SECURITY_ENVIRONMENT:
                return channel.manageSecurityEnvironment(p1, p2);
            case Gp.INS_PERFORM_SECURITY_OPERATION:
                return channel.performSecurityOperation(p1, p2);
            case Gp.INS_GET_CHALLENGE:
                return channel.getChallenge(p1, p2, Transients.RESPONSE);
            case Gp.INS_EXTERNAL_AUTHENTICATE:
                return channel.externalAuthenticate(p1, p2, data);
            case Gp.INS_INTERNAL_AUTHENTICATE:
                return channel.internalAuthenticate(p1, p2, Transients.RESPONSE);
            case Gp.INS_GET_STATUS:
                return getStatus(p1, p2);
            case Gp.INS_SET_STATUS:
                return setStatus(p1, p2);
            default:
                return super.execute(ins, p1, p2);
        }
    }

    abstract short getStatus(byte p1, byte p2);

    abstract short setStatus(byte p1, byte p2);

    /**
     * PK.TP_EX.AUT: {@code A1 L N, A0 L e, 00} or {@code FF A1 L N, FF A0 L e, 00, 01 usage, 01 access},
     * then perhaps {@code 5F20 10} holder reference (README 5.5).
     */
    void putTrustPoint(byte writer, byte version, byte[] buffer, short field, short end) {
        boolean extended = buffer[field] == Gp.KEY_EXTENDED;
        short at = component(buffer, field, end, extended, Gp.KEY_RSA_MODULUS);
        short modulus = Tlv.afterLength(buffer, at, end);
        short modulusLength = Tlv.bareLength(buffer, at, end);
        at = component(buffer, (short) (modulus + modulusLength), end, extended, Gp.KEY_RSA_EXPONENT);
        short exponent = Tlv.afterLength(buffer, at, end);
        short exponentLength = Tlv.bareLength(buffer, at, end);
        at = (short) (exponent + exponentLength);
        // no check value; format 2 has usage and access, one byte each
        short fixed = extended ? (short) 5 : (short) 1;
        if ((short) (end - at) < fixed || buffer[at] != 0
                || (extended && (buffer[(short) (at + 1)] != 1 || buffer[(short) (at + 3)] != 1))) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        at = (short) (at + fixed);
        short holder = Tlv.NONE;
        if (at < end) {
            holder = Tlv.expect(buffer, at, end, Gp.TAG_HOLDER);
            if (Tlv.length(buffer, at, end) != Gp.HOLDER_LENGTH || Tlv.next(buffer, at, end) != end) {
                ISOException.throwIt(Gp.SW_WRONG_DATA);
            }
        }
        PublicKeys.check(buffer, modulus, modulusLength, exponent, exponentLength);
        trustPoint.prepare(version, buffer, modulus, modulusLength, holder);
        JCSystem.beginTransaction();
        trustPoint.adopt();
        written(writer);
        JCSystem.commitTransaction();
    }

    /** Checks a component's type at {@code at}; returns the offset of its length field. */
    private static short component(byte[] buffer, short at, short end, boolean extended, byte type) {
        short typeAt = extended ? (short) (at + 1) : at;
        if ((short) (end - typeAt) < 2 || (extended && buffer[at] != Gp.KEY_EXTENDED) || buffer[typeAt] != type) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
        return (short) (typeAt + 1);
    }

    short keyInformation(short out) {
        if (trustPoint.present()) {
            out = CardData.keyEntry(work, out, Gp.KID_TRUST_POINT, trustPoint.version(), trustPoint.modulusLength());
        }
        return super.keyInformation(out);
    }
}
