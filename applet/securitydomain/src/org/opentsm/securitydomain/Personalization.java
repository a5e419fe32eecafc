// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacardx.crypto.Cipher;

/**
 * How the owner of a domain personalizes what is in it: INSTALL [for personalization] names it, STORE DATA goes on to
 * it up to a last block that it took. An application gets the blocks through OPEN, without secure messaging and without
 * the DEK (GPCS 7.3.3); a domain gets GENERATE and PUT KEY too, and all of them opened (key-distribution.md section 7
 * row 11).
 */
final class Personalization {

    private static final short HEADER = (short) 5;
    /** Data of one command under full protection, which leaves room for the header before it. */
    private static final short DATA_MAX = (short) 240;
    /** Whole blocks of the DEK of either protocol. */
    private static final short DEK_UNIT = (short) 16;

    /** In the place of the length of an AID: the last one named was refused. */
    private static final byte NOBODY = (byte) 1;

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;

    Personalization(SecurityDomain domain, Transients transients) {
        this.domain = domain;
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
    }

    /**
     * True for INSTALL [for personalization], and for what goes on to the application or domain that it named: what
     * that was then, not what is there now, as keys for a domain that has gone are nobody else's. Any INSTALL or DELETE
     * forgets that one; where it was refused, what goes on goes to nobody: a script need not stop there.
     */
    boolean takes(byte group, byte ins, byte p1) {
        if (ins == Gp.INS_INSTALL || ins == Gp.INS_DELETE) {
            boolean names = ins == Gp.INS_INSTALL && p1 == Gp.P1_INSTALL_PERSONALIZATION;
            ram[Transients.TARGET_LENGTH] = names ? NOBODY : (byte) 0;
            return names;
        }
        return ram[Transients.TARGET_LENGTH] != 0 && (ins == Gp.INS_STORE_DATA || group == Commands.KEYS);
    }

    short execute(byte ins, byte p1, byte p2) {
        domain.requireOwner();
        if (ins == Gp.INS_INSTALL) {
            return name(p2);
        }
        byte aidLength = ram[Transients.TARGET_LENGTH];
        // for what is not there, or keys for what the sender took for a domain: none of it is this domain's own
        if (aidLength == NOBODY || (aidLength <= Gp.AID_MAX && ins != Gp.INS_STORE_DATA)) {
            Refuse.conditions();
        }
        AID named = find(ram, Transients.TARGET_AID, (byte) (aidLength & ~Transients.TARGET_IS_DOMAIN));
        // others may have moved, locked or replaced it on another channel since it was named
        if (permitted(named) != (byte) (aidLength & Transients.TARGET_IS_DOMAIN)) {
            Refuse.notFound();
        }
        short length = (short) 0;
        if (aidLength <= Gp.AID_MAX) {
            handOnBlock(named, p1, p2);
        } else if (ins != Gp.INS_STORE_DATA) {
            return handOn(named, ins, p1, p2);
        } else if (domain.objects.collect(p1, p2)) {
            length = handOn(named, ins, p1, p2);
        }
        if ((p1 & Gp.P1_STORE_LAST) != 0) {
            ram[Transients.TARGET_LENGTH] = 0;
        }
        return length;
    }

    /** OPEN knows what is below this domain and can be personalized; 6A88 for all else. */
    private short name(byte p2) {
        if (p2 != 0) {
            Refuse.parameters();
        }
        short aid = (short) (transients.dataOffset() + 3);
        short length = InstallData.personalizationTarget(work, transients.dataOffset(), transients.dataEnd());
        byte isDomain = permitted(find(work, aid, length));
        Util.arrayCopyNonAtomic(work, aid, ram, Transients.TARGET_AID, length);
        ram[Transients.TARGET_LENGTH] = (byte) (length | isDomain);
        work[Transients.RESPONSE] = 0;
        return (short) 1;
    }

    /** TARGET_IS_DOMAIN or 00 for what may be personalized now; throws for what may not. */
    private byte permitted(AID aid) {
        return domain.open().personalize(aid, work, (short) 0, (short) 0) ? Transients.TARGET_IS_DOMAIN : (byte) 0;
    }

    private static AID find(byte[] buffer, short offset, short length) {
        AID found = JCSystem.lookupAID(buffer, offset, (byte) length);
        if (found == null) {
            Refuse.notFound();
        }
        return found;
    }

    /**
     * A whole command for a domain, which OPEN said is one of this code; secrets stand under this session's key, which
     * that one does not have.
     */
    private short handOn(AID child, byte ins, byte p1, byte p2) {
        short offset = transients.dataOffset();
        short length = transients.dataLength();
        if (ins == Gp.INS_PUT_KEY) {
            KeyCommands.openKeys(domain.channel, p2, work, offset, length);
        } else if (ins == Gp.INS_STORE_DATA) {
            DataCommands.openKeys(domain.channel, p1, work, offset, length);
        }
        PersonalizationTarget target = (PersonalizationTarget)
                JCSystem.getAppletShareableInterfaceObject(child, PersonalizationTarget.PARAMETER);
        return target.personalize(ins, p1, p2, work, offset, length, work, Transients.RESPONSE);
    }

    /** Each block by itself: what is in it, and that all came, is the application's affair. */
    private void handOnBlock(AID application, byte p1, byte p2) {
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
        short command = (short) (offset + length);
        Util.arrayCopyNonAtomic(work, offset, work, (short) (command + HEADER), length);
        work[command] = (byte) 0x80;
        work[(short) (command + 1)] = Gp.INS_STORE_DATA;
        work[(short) (command + 2)] = p1;
        work[(short) (command + 3)] = p2;
        work[(short) (command + 4)] = (byte) length;
        try {
            domain.open().personalize(application, work, command, (short) (HEADER + length));
        } finally {
            Bytes.wipe(work, offset, (short) (2 * length + HEADER));
        }
    }
}
