// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.io.ByteArrayOutputStream;

/** Collects the blocks of STORE DATA for the domain itself. GPCS 2.3.1 11.11. */
final class StoreDataBlocks {

    private static final int LAST = 0x80;
    private static final int ENCRYPTION = 0x60;
    private static final int STRUCTURE = 0x18;
    private static final int RFU = 0x06;
    private static final int ANSWERS = 0x01;
    private static final int MAX = 1024;

    private final ByteArrayOutputStream collected = new ByteArrayOutputStream();
    private int next;
    private int form;

    void end() {
        collected.reset();
        next = 0;
    }

    /** The whole of the data with its last block, null before. A block out of turn starts nothing. */
    byte[] take(Command command) {
        int p1 = command.p1();
        int expected = next;
        boolean first = expected == 0;
        if (first) {
            collected.reset();
        }
        // some hosts that expect an answer count from 01
        boolean inTurn = command.p2() == expected || first && command.p2() == 1 && (p1 & ANSWERS) != 0;
        boolean same = first || ((p1 ^ form) & (ENCRYPTION | STRUCTURE)) == 0;
        boolean fits = collected.size() + command.data().length <= MAX;
        next = 0;
        StatusException.require(
                (p1 & RFU) == 0 && (p1 & STRUCTURE) != STRUCTURE && (p1 & ENCRYPTION) != 0x40, Status.WRONG_P1P2);
        StatusException.require(inTurn && same, Status.CONDITIONS);
        StatusException.require(fits, Status.NO_SPACE);
        collected.writeBytes(command.data());
        if ((p1 & LAST) != 0) {
            return collected.toByteArray();
        }
        next = command.p2() + 1 & 0xFF;
        form = p1;
        return null;
    }
}
