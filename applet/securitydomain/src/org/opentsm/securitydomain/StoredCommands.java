// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * GENERATE and PUT KEY of the trust point as they reach a domain on a card whose issuer's domain is not ours: in
 * STORE DATA, each as {@code 52 L {CLA INS P1 P2 data}} (README 10). OPEN calls while another application is selected,
 * so nothing here is in CLEAR_ON_DESELECT memory; parts are joined in the spare certificate's place, for a domain
 * without an owner has no certificate.
 */
final class StoredCommands {

    /** Command data at the front, responses and scratch behind. */
    private static final short DATA_MAX = (short) 512;

    private static final short HEADER = (short) 5;
    private static final short COMMAND_HEADER = (short) 4;

    // CLEAR_ON_RESET: what has come so far, and which block is next
    private static final short LENGTH = (short) 0;
    private static final short NEXT_BLOCK = (short) 2;
    private static final short SIZE = (short) 3;

    private final KeyCommands keys;
    private final CertificateStore certificate;
    private final byte[] progress = JCSystem.makeTransientByteArray(SIZE, JCSystem.CLEAR_ON_RESET);

    StoredCommands(KeyCommands keys, CertificateStore certificate) {
        this.keys = keys;
        this.certificate = certificate;
    }

    /**
     * Takes one STORE DATA {@code 80 E2 P1 P2 Lc data}; runs the commands with the last block. Cards differ in
     * whether Lc still counts the MAC that they took off: what stands in the buffer is what there is.
     */
    void take(byte[] buffer, short offset, short length) {
        if (length < HEADER || buffer[(short) (offset + ISO7816.OFFSET_INS)] != Gp.INS_STORE_DATA) {
            ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
        }
        byte block = buffer[(short) (offset + ISO7816.OFFSET_P2)];
        short total = block == 0 ? (short) 0 : Util.getShort(progress, LENGTH);
        if (block != 0 && block != progress[NEXT_BLOCK]) {
            restart();
            Refuse.conditions();
        }
        short size = (short) (buffer[(short) (offset + ISO7816.OFFSET_LC)] & 0xFF);
        if (size > (short) (length - HEADER)) {
            size = (short) (length - HEADER);
        }
        if (size > (short) (DATA_MAX - total)) {
            restart();
            ISOException.throwIt(Gp.SW_NO_SPACE);
        }
        byte[] room = certificate.spare();
        Util.arrayCopyNonAtomic(buffer, (short) (offset + HEADER), room, total, size);
        total += size;
        if ((buffer[(short) (offset + ISO7816.OFFSET_P1)] & 0x80) == 0) {
            Util.setShort(progress, LENGTH, total);
            progress[NEXT_BLOCK] = (byte) (block + 1);
            return;
        }
        restart();
        run(room, total);
    }

    private void restart() {
        Bytes.wipe(progress, (short) 0, SIZE);
    }

    /** All are looked at before the first one runs. */
    private void run(byte[] room, short end) {
        if (end == 0) {
            Refuse.data();
        }
        for (short at = 0; at < end; at = Tlv.next(room, at, end)) {
            check(room, Tlv.expect(room, at, end, Gp.TAG_COMMAND), Tlv.length(room, at, end));
        }
        for (short at = 0; at < end; at = Tlv.next(room, at, end)) {
            short command = Tlv.value(room, at, end);
            keys.run(
                    Gp.BY_DELEGATION,
                    room[(short) (command + ISO7816.OFFSET_INS)],
                    room[(short) (command + ISO7816.OFFSET_P1)],
                    room[(short) (command + ISO7816.OFFSET_P2)],
                    room,
                    (short) (command + COMMAND_HEADER),
                    (short) (Tlv.length(room, at, end) - COMMAND_HEADER),
                    room,
                    DATA_MAX);
        }
    }

    /** Of what delegation may do, what needs no session and no RAM. */
    private static void check(byte[] room, short command, short length) {
        if (length < COMMAND_HEADER) {
            Refuse.data();
        }
        byte ins = room[(short) (command + ISO7816.OFFSET_INS)];
        byte p2 = room[(short) (command + ISO7816.OFFSET_P2)];
        boolean generate = ins == Gp.INS_GENERATE_KEY_PAIR && p2 == 0;
        boolean trustPoint = ins == Gp.INS_PUT_KEY
                && p2 == Gp.KID_TRUST_POINT
                && KeyCommands.isOfSignatures(
                        p2, room, (short) (command + COMMAND_HEADER), (short) (length - COMMAND_HEADER));
        if (room[command] != Gp.CLA_GP || !(generate || trustPoint)) {
            ISOException.throwIt(Gp.SW_INS_NOT_SUPPORTED);
        }
    }
}
