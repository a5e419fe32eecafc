// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacardx.crypto.Cipher;

/**
 * How the owner of a domain personalizes its applications: INSTALL [for personalization] names one, STORE DATA goes on
 * to it through OPEN, without secure messaging and without the DEK (GPCS 7.3.3). Nothing else reaches the application.
 */
final class ApplicationPersonalization {

    private static final short HEADER = (short) 5;
    /** Data of one command under full protection, which leaves room for the header before it. */
    private static final short DATA_MAX = (short) 240;
    /** Whole blocks of the DEK of either protocol. */
    private static final short DEK_UNIT = (short) 16;

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;

    ApplicationPersonalization(SecurityDomain domain, Transients transients) {
        this.domain = domain;
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
    }

    /** True for INSTALL [for personalization], and for STORE DATA while an application is named. */
    boolean takes(byte ins, byte p1) {
        return ins == Gp.INS_INSTALL
                ? p1 == Gp.P1_INSTALL_PERSONALIZATION
                : ins == Gp.INS_STORE_DATA && ram[Transients.TARGET_LENGTH] != 0;
    }

    short execute(byte ins, byte p1, byte p2) {
        domain.requireOwner();
        return ins == Gp.INS_INSTALL ? name(p2) : handOn(p1, p2);
    }

    private short name(byte p2) {
        ram[Transients.TARGET_LENGTH] = 0;
        if (p2 != 0) {
            Refuse.parameters();
        }
        short aid = (short) (transients.dataOffset() + 3);
        short length = InstallData.personalizationTarget(work, transients.dataOffset(), transients.dataEnd());
        domain.open().personalize(application(work, aid, length), work, (short) 0, (short) 0);
        Util.arrayCopyNonAtomic(work, aid, ram, Transients.TARGET_AID, length);
        ram[Transients.TARGET_LENGTH] = (byte) length;
        work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    private static AID application(byte[] buffer, short offset, short length) {
        AID found = JCSystem.lookupAID(buffer, offset, (byte) length);
        if (found == null) {
            Refuse.notFound();
        }
        return found;
    }

    /** Each block by itself: what is in it, and that all came, is the application's affair. */
    private short handOn(byte p1, byte p2) {
        short offset = transients.dataOffset();
        short length = transients.dataLength();
        if (length > DATA_MAX) {
            ISOException.throwIt(Gp.SW_NO_SPACE);
        }
        if ((p1 & Gp.P1_STORE_ENCRYPTED) == Gp.P1_STORE_ENCRYPTED) {
            if (length == 0 || (short) (length % DEK_UNIT) != 0) {
                Refuse.data();
            }
            domain.channel.cryptKey(Cipher.MODE_DECRYPT, work, offset, length);
            p1 = (byte) (p1 & ~Gp.P1_STORE_ENCRYPTED);
        }
        // behind the data, where the response would stand if STORE DATA had one
        short command = (short) (transients.dataEnd());
        Util.arrayCopyNonAtomic(work, offset, work, (short) (command + HEADER), length);
        work[command] = (byte) 0x80;
        work[(short) (command + 1)] = Gp.INS_STORE_DATA;
        work[(short) (command + 2)] = p1;
        work[(short) (command + 3)] = p2;
        work[(short) (command + 4)] = (byte) length;
        try {
            domain.open()
                    .personalize(
                            application(ram, Transients.TARGET_AID, ram[Transients.TARGET_LENGTH]),
                            work,
                            command,
                            (short) (HEADER + length));
        } finally {
            Bytes.wipe(work, offset, (short) (2 * length + HEADER));
        }
        return (short) 0;
    }
}
