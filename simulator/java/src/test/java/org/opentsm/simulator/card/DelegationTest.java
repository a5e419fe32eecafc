// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;

import javacard.framework.AID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.LifeCycle;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * Delegated management: the issuer's token before, a receipt behind. The token is the exclusive-or of what it signs.
 */
class DelegationTest extends OpenCard {

    private static final String DELEGATE = "F0000000030101";
    private static final String SIGNER = "F0000000030102";
    private static final AID DELEGATE_AID = Aids.aid(DELEGATE);

    @BeforeEach
    void installTheDomains() {
        RegistryEntry elf = RegistryEntry.loadFile(Aids.aid("F000000003"), ISSUER, new byte[] {1, 0});
        elf.modules.put("F00000000301", "org.opentsm.simulator.domain.Manager");
        card.registry().add(elf);
        byte[] data = installData("F000000003", "F00000000301", DELEGATE, "A08000", "C900");
        asIssuer().install(ISSUER, true, data, (short) 0, (short) data.length);
    }

    private static String xor(String signed) {
        byte sum = 0;
        for (byte part : Hex.decode(signed)) {
            sum ^= part;
        }
        return String.format("%02X", sum);
    }

    private static String lv(String value) {
        return String.format("%02X", value.length() / 2) + value;
    }

    private static String fields(String instance) {
        return lv("F000000003") + lv("F00000000301") + lv(instance) + "0100" + "02C900";
    }

    private String installed(String instance, String token) {
        return manage(DELEGATE_AID, 0xE6, 0x0C, 0, fields(instance) + lv(token));
    }

    private static String token(String instance) {
        return xor("0C00" + lv(fields(instance)));
    }

    private void installSigner(String privileges) {
        byte[] data = installData("F000000003", "F00000000301", SIGNER, privileges, "C900");
        asIssuer().install(ISSUER, true, data, (short) 0, (short) data.length);
    }

    /** The delegate gets the load file it installs from, as after a load of its own. */
    private void giveTheLoadFile() {
        asIssuer().setApplicationState(DELEGATE_AID, LifeCycle.PERSONALIZED);
        manage(ISSUER, 0xE6, 0x10, 0, lv(DELEGATE) + "00" + lv("F000000003") + "00" + "00" + "00");
    }

    @Test
    void needsATokenThatSomebodyVerifies() {
        giveTheLoadFile();
        assertStatus(0x6985, () -> installed("F0000000030103", ""));
        assertStatus(0x6985, () -> installed("F0000000030103", token("F0000000030103")));
    }

    @Test
    void takesTheRightTokenAndHandsOutTheReceipt() {
        giveTheLoadFile();
        installSigner("80A080");
        assertStatus(0x6985, () -> installed("F0000000030103", "00"));
        assertStatus(0x6985, () -> installed("F0000000030103", token("F0000000030104")));
        String receipt = xor(lv("F000000003") + lv("F0000000030103"));
        assertEquals("01" + receipt + "02" + "0000" + "00", installed("F0000000030103", token("F0000000030103")));
        assertEquals("9000", select("F0000000030103"));
        String deleted = "4F07F0000000030103";
        assertStatus(0x6985, () -> manage(DELEGATE_AID, 0xE4, 0, 0, deleted));
        select(DELEGATE);
        assertEquals(
                "01" + xor(lv("F0000000030103")) + "02" + "0001" + "00",
                manage(DELEGATE_AID, 0xE4, 0, 0, deleted + "9E01" + xor("0000" + lv(deleted))));
    }

    @Test
    void confirmsNothingWithoutAReceiptDomain() {
        giveTheLoadFile();
        installSigner("80A000");
        assertEquals("00", installed("F0000000030103", token("F0000000030103")));
    }

    @Test
    void reachesOwnCodeOnly() {
        installSigner("80A000");
        asIssuer().setApplicationState(DELEGATE_AID, LifeCycle.PERSONALIZED);
        assertStatus(0x6A88, () -> installed("F0000000030103", token("F0000000030103")));
    }

    @Test
    void managesNothingBeforeItIsPersonalized() {
        installSigner("80A000");
        assertStatus(0x6985, () -> installed("F0000000030103", token("F0000000030103")));
    }

    @Test
    void refusesATokenThatIsNotNeeded() {
        installSigner("80A000");
        assertStatus(
                0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, fields("F0000000030103") + lv(token("F0000000030103"))));
    }
}
