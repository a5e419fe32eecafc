// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import javacard.framework.AID;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.runtime.MemoryLimits;

/** Quotas (C7, C8) and reservations (D7, D8) of INSTALL: in install(), afterwards, and what is left. GPCS 2.3.1 9.7. */
class QuotaTest extends OpenCard {

    private static final AID APPLICATION = Aids.aid(INSTANCE);
    private static final String NO_RESOURCE = "00059000";
    private static final String NO_TRANSIENT_SPACE = "00029000";
    private static final String TAKEN = "00009000";
    /** What the test applet has after install(): itself, an array of 100 bytes. */
    private static final int OWN = 6 + 4 + 8 + 100;

    @Override
    String applet() {
        return "MemoryProbe";
    }

    private void install(String instance, String system) {
        byte[] data =
                installData(ELF, MODULE, instance, "00", String.format("EF%02X%sC900", system.length() / 2, system));
        manage(ISSUER, 0xE6, 0x0C, 0, Hex.encode(data));
    }

    private static String quota(String tag, int bytes) {
        return String.format("%s02%04X", tag, bytes);
    }

    private String take(int kind, int bytes) {
        return send(String.format("80%02X%04X00", kind, bytes));
    }

    private int left(int kind) {
        return Integer.parseInt(send("8004000000").substring(4 * kind, 4 * kind + 4), 16);
    }

    private String free() {
        return manage(ISSUER, 0xCA, 0xFF, 0x21, "");
    }

    @Test
    void persistentMemoryEndsAtTheQuota() {
        install(INSTANCE, quota("C8", OWN + 50));
        select(INSTANCE);
        assertEquals(50, left(1));
        assertEquals(NO_RESOURCE, take(1, 43), "with the array's header it is one byte over");
        assertEquals(TAKEN, take(1, 42));
        assertEquals(NO_RESOURCE, take(1, 0));
        assertEquals(TAKEN, send("8005000000"), "what is deleted");
        assertEquals(TAKEN, take(1, 42), "may be taken again");
    }

    @Test
    void zerosAreNoQuota() {
        install(INSTANCE, quota("C7", 0) + quota("C8", 0));
        select(INSTANCE);
        assertEquals(TAKEN, take(1, 200));
        assertEquals(TAKEN, take(2, 200));
    }

    @Test
    void volatileMemoryEndsAtTheQuotaForBothKindsTogether() {
        install(INSTANCE, quota("C7", 60));
        select(INSTANCE);
        assertEquals(NO_TRANSIENT_SPACE, take(2, 61));
        assertEquals(TAKEN, take(2, 40));
        assertEquals(NO_TRANSIENT_SPACE, take(3, 21));
        assertEquals(TAKEN, take(3, 20));
        assertEquals(0, left(2));
        assertEquals(0, left(3));
    }

    @Test
    void anotherApplicationHasItsOwn() {
        String other = "F0000000010102";
        install(INSTANCE, quota("C8", OWN));
        install(other, quota("C8", OWN + 30));
        select(INSTANCE);
        assertEquals(NO_RESOURCE, take(1, 0));
        select(other);
        assertEquals(TAKEN, take(1, 22));
    }

    @Test
    void installThatNeedsMoreIsRefusedAndLeavesNothing() {
        String before = free();
        assertStatus(0x6A84, () -> install(INSTANCE, quota("C8", OWN - 1)));
        assertNull(card.registry().find(APPLICATION));
        assertEquals(before, free());
        assertEquals("6A82", select(INSTANCE));
        card.process(Hex.decode("00A4040000"));
        install(INSTANCE, quota("C8", OWN));
        assertEquals("9000", select(INSTANCE), "nothing of the first attempt counts");
    }

    /** As two commands of one packet: what was deleted is cleared when the packet has ended. */
    @Test
    void whatIsDeletedByTheSameCommandCountsAgainstNobody() {
        install(INSTANCE, quota("C8", OWN + 50) + quota("C7", 60));
        select(INSTANCE);
        assertEquals(TAKEN, take(1, 42));
        assertEquals(TAKEN, take(2, 60));
        send("00A4040000");
        delete(INSTANCE, false);
        install(INSTANCE, quota("C8", OWN + 20));
        select(INSTANCE);
        assertEquals(20, left(1));
        assertEquals(TAKEN, take(2, 200), "the quota of RAM was the other one's");
    }

    @Test
    void whatATransactionMadeThatIsTakenBackCountsNoMore() {
        install(INSTANCE, quota("C8", OWN + 50));
        select(INSTANCE);
        for (int i = 0; i < 3; i++) {
            assertEquals(TAKEN, take(7, 42));
        }
        assertEquals(50, left(1));
    }

    @Test
    void aDomainHasAQuotaToo() {
        String domain = "F0000000020101";
        String data = Hex.encode(installData(
                "A0000001515350", "A000000151535041", domain, "80", "C9135F2010" + "AA".repeat(16) + "EF04C8020040"));
        assertStatus(0x6A84, () -> manage(ISSUER, 0xE6, 0x0C, 0, data));
        assertNull(card.registry().find(Aids.aid(domain)));
    }

    @Test
    void whatIsReservedIsKeptFromOthers() {
        assertEquals("81010282040010000083040000" + "8000", free());
        install(INSTANCE, quota("D7", 0x1000) + quota("D8", 0x4000));
        assertEquals("810103820400" + "0FC000" + "83040000" + "7000", free());
        assertStatus(0x6A84, () -> install("F0000000010102", "D804000FC001"));
        assertStatus(0x6A84, () -> install("F0000000010102", quota("D7", 0x7001)));
        delete(INSTANCE, false);
        assertEquals("81010282040010000083040000" + "8000", free());
    }

    /** So many bytes of each kind are left on the card from now on. */
    private void leave(int bytes) {
        card.limitMemory(MemoryLimits.NONE);
        int[] taken = new int[3];
        card.memoryByInstance().values().forEach(held -> Arrays.setAll(taken, kind -> taken[kind] + held[kind]));
        card.limitMemory(
                new MemoryLimits(taken[0] + bytes, taken[1] + bytes, taken[2] + bytes, MemoryLimits.NONE.commit()));
    }

    @Test
    void whatIsReservedIsNotTakenByAnotherWhileTheOwnerHasNotTakenIt() {
        String other = "F0000000010102";
        leave(2 * OWN + 400);
        install(INSTANCE, quota("D7", 60) + quota("D8", OWN + 108));
        install(other, "");
        select(other);
        assertEquals(400 - 108, left(1));
        assertEquals(2 * OWN + 400 - 60, left(2));
        assertEquals(NO_RESOURCE, take(1, 400 - 108 - 7));
        assertEquals(TAKEN, take(1, 400 - 108 - 8));
        assertEquals(NO_TRANSIENT_SPACE, take(2, 2 * OWN + 400 - 59));
        select(INSTANCE);
        assertEquals(TAKEN, take(1, 100), "the owner has what was kept");
        assertEquals(NO_RESOURCE, take(1, 0), "and no more is there");
        assertStatus(0x6A84, () -> install("F0000000010103", quota("D8", 1)));
        send("00A4040000");
        delete(INSTANCE, false);
        select(other);
        assertEquals(OWN + 108, left(1), "a reservation goes with its owner");
    }

    @Test
    void aReservationOverItsQuotaIsWrongData() {
        assertStatus(0x6A80, () -> install(INSTANCE, quota("C8", 0x100) + quota("D8", 0x101)));
        assertStatus(0x6A80, () -> install(INSTANCE, "C80101"));
    }
}
