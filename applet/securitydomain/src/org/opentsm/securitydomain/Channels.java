package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/** The protocols of one domain: a session of one of them at a time, and none when a new one starts. */
final class Channels extends SecureChannel {

    private final Scp10 scp10;
    private final Scp03 scp03;

    Channels(Scp10 scp10, Scp03 scp03) {
        super(scp10.transients);
        this.scp10 = scp10;
        this.scp03 = scp03;
    }

    private SecureChannel current() {
        return scp03.active() ? (SecureChannel) scp03 : scp10;
    }

    /** INITIALIZE UPDATE and EXTERNAL AUTHENTICATE of the symmetric protocols, which have class 8x. */
    private boolean isSymmetric(byte ins) {
        return ins == Gp.INS_INITIALIZE_UPDATE || (ins == Gp.INS_EXTERNAL_AUTHENTICATE
                && (ram[Transients.HEADER] & Gp.CLA_TYPE_MASK) != 0);
    }

    void commandArrives(byte ins) {
        current().commandArrives(ins);
    }

    void admit() {
        byte ins = ram[(short) (Transients.HEADER + 1)];
        boolean plain = (ram[Transients.HEADER] & Gp.CLA_SM_MASK) == 0;
        if (isSymmetric(ins) && (plain || ins == Gp.INS_EXTERNAL_AUTHENTICATE)) {
            ram[Transients.WRAP_RESPONSE] = 0;
            return;
        }
        if (!scp03.active()) {
            scp10.admit();
        } else if (scp10.startsInitiation(ins)) {
            scp03.end();
        } else {
            scp03.admit();
        }
    }

    short execute(byte ins, byte p1, byte p2) {
        if (!isSymmetric(ins)) {
            if (scp03.active()) {
                // a command of SCP10 that does not start anew
                end();
                ISOException.throwIt(Gp.SW_CONDITIONS);
            }
            return scp10.execute(ins, p1, p2);
        }
        if (!scp03.active()) {
            scp10.end();
        }
        return scp03.execute(ins, p1, p2);
    }

    void finish(short offset, short length, short status) {
        current().finish(offset, length, status);
    }

    void end() {
        scp03.end();
        scp10.end();
    }

    boolean ownerAuthenticated() {
        return current().ownerAuthenticated();
    }

    void decryptKey(byte[] buffer, short offset, short length) {
        current().decryptKey(buffer, offset, length);
    }
}
