// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * Takes command APDUs in and puts parts together: ISO command chaining (class bit 10) of PSO and
 * EXTERNAL AUTHENTICATE, "more commands" (P1 bit 80) of PUT KEY, INSTALL and DELETE (GPCS 11.1.5.1).
 * STORE DATA blocks are commands of their own; StoreDataReader collects them.
 */
final class CommandReader {

    private static final byte CLA_CHANNEL = (byte) 0x03;
    private static final byte CLA_FURTHER = (byte) 0x40;
    private static final byte CLA_FURTHER_MESSAGING = (byte) 0x20;

    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;

    CommandReader(Transients transients) {
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
    }

    /** Forgets the parts so far. */
    void drop() {
        ram[Transients.CHAIN_ACTIVE] = 0;
        ram[Transients.NEXT_BLOCK] = 0;
        transients.setShort(Transients.CHAIN_LENGTH, (short) 0);
    }

    /**
     * Reads one APDU into the work buffer.
     *
     * @param messaging what one bit of a class of channels 4 to 19 stands for
     * @return true when HEADER, DATA_OFFSET and DATA_LENGTH hold a whole command; false after a part
     */
    boolean read(APDU apdu, byte messaging) {
        byte[] buffer = apdu.getBuffer();
        byte cla = basic(buffer[ISO7816.OFFSET_CLA], messaging);
        byte ins = buffer[ISO7816.OFFSET_INS];
        checkClass(cla, ins);
        boolean isoMore = (cla & Gp.CLA_CHAINING) != 0;
        boolean gpMore = Commands.gpChained(ins) && (buffer[ISO7816.OFFSET_P1] & 0x80) != 0;
        Util.arrayCopyNonAtomic(buffer, ISO7816.OFFSET_CLA, ram, Transients.HEADER, (short) 5);
        // channel and chaining bits are the transport's
        ram[Transients.HEADER] = (byte) (cla & (Gp.CLA_TYPE_MASK & 0xFF | Gp.CLA_SM_MASK));
        if (gpMore) {
            ram[(short) (Transients.HEADER + 2)] = (byte) (buffer[ISO7816.OFFSET_P1] & 0x7F);
        }
        continueChain(ins, isoMore || gpMore);
        short start = transients.getShort(Transients.CHAIN_LENGTH);
        short total = receive(apdu, start);
        if (isoMore || gpMore) {
            transients.setShort(Transients.CHAIN_LENGTH, total);
            return false;
        }
        short offset = ram[Transients.CHAIN_ACTIVE] == 0 ? start : (short) 0;
        if (ram[Transients.CHAIN_ACTIVE] != 0) {
            drop();
        }
        transients.setShort(Transients.DATA_OFFSET, offset);
        transients.setShort(Transients.DATA_LENGTH, (short) (total - offset));
        return true;
    }

    /**
     * The class of channel 0 for one of any channel (ISO 7816-4 5.4.1, GPCS 11.1.4): 00 to 3F and 80 to BF have the
     * channel in two bits, 40 to 7F and C0 to FF in four, and one bit for secure messaging.
     */
    static byte basic(byte cla, byte messaging) {
        if ((cla & CLA_FURTHER) == 0) {
            return (byte) (cla & ~CLA_CHANNEL);
        }
        byte protection = (cla & CLA_FURTHER_MESSAGING) == 0 ? (byte) 0 : messaging;
        return (byte) (cla & (Gp.CLA_GP | Gp.CLA_CHAINING) | protection);
    }

    private void checkClass(byte cla, byte ins) {
        byte messaging = (byte) (cla & Gp.CLA_SM_MASK);
        byte type = (byte) (cla & Gp.CLA_TYPE_MASK);
        boolean chained = (cla & Gp.CLA_CHAINING) != 0;
        if ((type != Gp.CLA_ISO && type != Gp.CLA_GP) || (chained && type != Gp.CLA_ISO)) {
            drop();
            ISOException.throwIt(Gp.SW_CLA_NOT_SUPPORTED);
        }
        if (chained && (messaging != 0 || !Commands.isoChained(ins))) {
            drop();
            ISOException.throwIt(Gp.SW_CHAINING_NOT_SUPPORTED);
        }
    }

    /**
     * Joins the command to the parts so far, starts new ones, or drops what it does not belong to: 6985 where those
     * were of the same instruction, or cut by P1 (GPCS 11.1.5.1).
     */
    private void continueChain(byte ins, boolean more) {
        if (ram[Transients.CHAIN_ACTIVE] != 0) {
            boolean same = Util.arrayCompare(ram, Transients.HEADER, ram, Transients.CHAIN_HEADER, (short) 4) == 0;
            if (same) {
                return;
            }
            byte interrupted = ram[(short) (Transients.CHAIN_HEADER + 1)];
            drop();
            if (interrupted == ins || Commands.gpChained(interrupted)) {
                Refuse.conditions();
            }
        }
        if (!Commands.comesInBlocks(ins)) {
            drop();
        }
        if (more) {
            Util.arrayCopyNonAtomic(ram, Transients.HEADER, ram, Transients.CHAIN_HEADER, (short) 4);
            ram[Transients.CHAIN_ACTIVE] = 1;
        }
    }

    private short receive(APDU apdu, short start) {
        byte[] buffer = apdu.getBuffer();
        short length = apdu.setIncomingAndReceive();
        short total = apdu.getIncomingLength();
        short limit = (ram[Transients.HEADER] & Gp.CLA_SM_MASK) == 0 ? Gp.COMMAND_MAX : Transients.WORK_SIZE;
        if (Commands.comesInBlocks(ram[(short) (Transients.HEADER + 1)])) {
            limit = Transients.WORK_SIZE;
        }
        if (total > (short) (limit - start)) {
            drop();
            ISOException.throwIt(Gp.SW_NO_SPACE);
        }
        short at = start;
        short offset = apdu.getOffsetCdata();
        while (length > 0) {
            if (length > (short) ((short) (start + total) - at)) {
                ISOException.throwIt(Gp.SW_WRONG_LENGTH);
            }
            at = Util.arrayCopyNonAtomic(buffer, offset, work, at, length);
            length = apdu.receiveBytes(offset);
        }
        return at;
    }
}
