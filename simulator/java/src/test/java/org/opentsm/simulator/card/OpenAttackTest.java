// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import javacard.framework.AID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.LifeCycle;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/** Applets that are no issuer ask OPEN to lock, delete, install and terminate. */
class OpenAttackTest extends OpenCard {

    private static final String HOSTILE_ELF = "F000000002";
    private static final String HOSTILE_MODULE = "F00000000201";
    private static final String APPLET = "F0000000020101";
    /** A security domain with trusted path and nothing else. */
    private static final String DOMAIN = "F0000000020102";

    private static final String VICTIM = INSTANCE;

    @BeforeEach
    void installTheAttackers() {
        install(VICTIM);
        RegistryEntry elf = RegistryEntry.loadFile(Aids.aid(HOSTILE_ELF), ISSUER, new byte[] {1, 0});
        elf.modules.put(HOSTILE_MODULE, "org.opentsm.simulator.hostile.Hostile");
        card.registry().add(elf);
        installHostile(APPLET, "000000");
        installHostile(DOMAIN, Hex.encode(Privileges.DOMAIN.encode()));
    }

    private void installHostile(String instance, String privileges) {
        byte[] data = installData(HOSTILE_ELF, HOSTILE_MODULE, instance, privileges, "C900");
        asIssuer().install(ISSUER, true, data, (short) 0, (short) data.length);
    }

    private static String command(int ins, int p1, String data) {
        return String.format("80%02X%02X00%02X", ins, p1, data.length() / 2) + data;
    }

    /** All that the attackers want; each must be refused. */
    private static List<String> wishes() {
        String install = Hex.encode(installData(ELF, MODULE, "F000000001010F", "9EFE80", "C900"));
        return List.of(
                command(3, 0x07, "00"),
                command(3, 0x7F, "00"),
                command(3, 0xFF, "00"),
                command(4, 0x87, VICTIM),
                command(4, 0x0F, VICTIM),
                command(4, 0x87, "A00000015153504341534400"),
                command(4, 0x7F, "A000000151000000"),
                command(5, 0, VICTIM),
                command(5, 1, ELF),
                command(5, 0, "A00000015153504341534400"),
                command(6, 0, install));
    }

    private void assertNothingHappens(String... refusals) {
        List<String> before = card.registry().entries().stream()
                .map(entry -> Hex.encode(Registry.bytes(entry.aid)) + entry.state())
                .toList();
        for (String name : List.of("", "A000000151000000", "A00000015153504341534400")) {
            send(command(2, 0, name));
            for (String wish : wishes()) {
                String answer = send(wish);
                assertTrue(Stream.of(refusals).anyMatch(answer::equals), wish + " answered " + answer);
            }
        }
        assertEquals(
                before,
                card.registry().entries().stream()
                        .map(entry -> Hex.encode(Registry.bytes(entry.aid)) + entry.state())
                        .toList());
        assertEquals(LifeCycle.OP_READY, open.cardState());
        assertEquals("9000", select(VICTIM));
    }

    @Test
    void anAppletGetsNoReference() {
        select(APPLET);
        assertEquals("6F01", send("80010000"));
    }

    @Test
    void anAppletWithAStolenReferenceIsRefused() {
        select(DOMAIN);
        assertEquals("9000", send("80010000"));
        select(APPLET);
        assertNothingHappens("6985");
        select(APPLET);
        assertEquals("6985", send(command(7, 0x40, "F0")));
    }

    @Test
    void aDomainWithoutPrivilegesIsRefused() {
        select(DOMAIN);
        send("80010000");
        assertNothingHappens("6985");
    }

    @Test
    void aDomainSeesItselfOnly() {
        select(DOMAIN);
        send("80010000");
        assertTrue(send("8007400002F000").startsWith("E3"));
        int own = card.registry().entries().indexOf(card.registry().find(Aids.aid(DOMAIN)));
        assertEquals("6A88", send(String.format("800740%02X02F000", own + 1)), "nothing behind its own entry");
        assertTrue(send("8007400002F000").contains(DOMAIN), "and its own is the first");
        assertEquals("6A88", send("8007800002A000"));
    }

    @Test
    void aLockedDomainIsRefused() {
        AID domain = Aids.aid(DOMAIN);
        asIssuer().setApplicationState(domain, (byte) 0x87);
        assertStatus(0x6985, () -> as(domain).setApplicationState(domain, (byte) 0x07));
        assertStatus(0x6985, () -> as(domain).applicationState(domain));
    }

    @Test
    void theRuntimeItselfAsksForNothing() {
        assertStatus(0x6985, () -> open.setCardState(LifeCycle.INITIALIZED));
        assertStatus(0x6985, () -> as(Aids.aid("F099999999")).setCardState(LifeCycle.INITIALIZED));
    }

    @Test
    void aTerminatedCardChangesNothingMore() {
        for (byte state : new byte[] {LifeCycle.INITIALIZED, LifeCycle.SECURED, LifeCycle.CARD_LOCKED}) {
            asIssuer().setCardState(state);
        }
        AID victim = Aids.aid(VICTIM);
        assertStatus(0x6985, () -> asIssuer().setApplicationState(victim, (byte) 0x87));
        assertStatus(0x6985, () -> delete(VICTIM, false));
        assertStatus(0x6985, () -> install("F000000001010F"));
        asIssuer().setCardState(LifeCycle.TERMINATED);
        assertStatus(0x6985, () -> asIssuer().setApplicationState(victim, (byte) 0x87));
        assertStatus(0x6985, () -> delete(VICTIM, false));
        assertStatus(0x6985, () -> install("F000000001010F"));
        assertStatus(0x6985, () -> asIssuer().setCardState(LifeCycle.SECURED));
        assertEquals(LifeCycle.TERMINATED, open.cardState());
    }
}
