// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import javacard.framework.AID;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.LifeCycle;
import org.opentsm.simulator.open.Privilege;
import org.opentsm.simulator.open.RegistryEntry;

/** INSTALL in its variants, and DELETE, as domains hand them to OPEN. */
class ContentTest extends OpenCard {

    private static final String DOMAIN = "F0000000020101";
    private static final String OTHER = "F0000000020102";
    private static final AID DOMAIN_AID = Aids.aid(DOMAIN);
    private static final String NO_TOKEN = "";

    private static String lv(String... fields) {
        StringBuilder text = new StringBuilder();
        for (String field : fields) {
            int length = field.length() / 2;
            text.append(
                    length > 0xFF
                            ? String.format("82%04X", length)
                            : length > 0x7F ? String.format("81%02X", length) : String.format("%02X", length));
            text.append(field);
        }
        return text.toString();
    }

    private static String forInstall(String instance, String privileges, String parameters) {
        return lv(ELF, MODULE, instance, privileges, parameters, NO_TOKEN);
    }

    private static String change(String target, String application, String privileges, String parameters) {
        return lv(target, "", application, privileges, parameters, NO_TOKEN);
    }

    private RegistryEntry entry(String aid) {
        return card.registry().find(Aids.aid(aid));
    }

    private void makeDomain(String aid, String privileges, String policies) {
        String parameters = policies + "5F2010" + "AA".repeat(16);
        String c9 = String.format("C9%02X", parameters.length() / 2) + parameters;
        assertEquals(
                "00",
                manage(ISSUER, 0xE6, 0x0C, 0, lv("A0000001515350", "A000000151535041", aid, privileges, c9, NO_TOKEN)));
    }

    private void personalize(String aid) {
        asIssuer().setApplicationState(Aids.aid(aid), LifeCycle.PERSONALIZED);
    }

    @Test
    void installsThenMakesSelectable() {
        assertEquals("00", manage(ISSUER, 0xE6, 0x04, 0, forInstall(INSTANCE, "00", "C900")));
        assertEquals("6A82", select(INSTANCE));
        assertEquals("00", manage(ISSUER, 0xE6, 0x08, 0, change("", INSTANCE, "00", "")));
        assertEquals("9000", select(INSTANCE));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x08, 0, change("", INSTANCE, "00", "")));
        assertStatus(0x6A88, () -> manage(ISSUER, 0xE6, 0x08, 0, change("", OTHER, "00", "")));
    }

    @Test
    void givesInstallTheWholeOfC9() {
        String parameters = "11".repeat(200);
        assertEquals("00", manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C981C8" + parameters)));
        String tooLong = "11".repeat(250);
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, forInstall(OTHER, "00", "C981FA" + tooLong)));
        assertEquals("00", manage(ISSUER, 0xE6, 0x0C, 0, forInstall(OTHER, "00", "EF00")));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, forInstall(OTHER, "00", "C900C900")));
    }

    /** Hosts that have no token leave its length out too. */
    @Test
    void needsNoLengthOfATokenThatIsNotThere() {
        assertEquals("00", manage(ISSUER, 0xE6, 0x04, 0, lv(ELF, MODULE, INSTANCE, "00", "C900")));
        assertEquals("00", manage(ISSUER, 0xE6, 0x08, 0, lv("", "", INSTANCE, "00", "")));
        assertEquals("9000", select(INSTANCE));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, lv(ELF, MODULE, OTHER, "00")));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, lv(ELF, MODULE, OTHER, "00", "C900") + "01"));
    }

    @Test
    void refusesOtherVariantsAndForms() {
        for (int p1 : new int[] {0x00, 0x01, 0x05, 0x20, 0x60}) {
            assertStatus(0x6A86, () -> manage(ISSUER, 0xE6, p1, 0, forInstall(INSTANCE, "00", "C900")));
        }
        assertStatus(0x6A86, () -> manage(ISSUER, 0xE6, 0x0C, 1, forInstall(INSTANCE, "00", "C900")));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900") + "00"));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, lv(ELF, MODULE, INSTANCE, "00", "C900", "AA")));
        assertStatus(0x6D00, () -> manage(ISSUER, 0xD8, 0, 0, ""));
    }

    @Test
    void keepsPrivilegesInOrder() {
        for (String wrong : List.of(
                "40",
                "20",
                "01",
                "C10000".replace("C1", "81"),
                "A04000",
                "A02000",
                "A00080",
                "000001",
                "008000",
                "004000",
                "0000")) {
            assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, wrong, "C900")));
        }
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x04, 0, forInstall(INSTANCE, "04", "C900")));
    }

    @Test
    void hasOneFinalApplication() {
        assertTrue(entry("A000000151000000").has(Privilege.FINAL_APPLICATION));
        manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, "000200", "C900"));
        assertFalse(entry("A000000151000000").has(Privilege.FINAL_APPLICATION));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x0C, 0, forInstall("F0000000010102", "000200", "C900")));
        manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE);
        assertTrue(entry("A000000151000000").has(Privilege.FINAL_APPLICATION));
    }

    @Test
    void aDomainGivesOnlyWhatItHolds() {
        makeDomain(DOMAIN, "80C000", "");
        assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900")));
        personalize(DOMAIN);
        assertEquals("00", manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900")));
        assertEquals(DOMAIN_AID, entry(INSTANCE).parent());
        for (String more : List.of("100000", "080000", "001000", "000800", "000400", "000200", "020000")) {
            assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall("F0000000010102", more, "C900")));
        }
        assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xE4, 0, 0x80, "4F05" + ELF));
        assertEquals("00", manage(DOMAIN_AID, 0xE4, 0, 0, "4F07" + INSTANCE));
    }

    @Test
    void aDomainWithoutManagementChangesNothing() {
        makeDomain(DOMAIN, "808000", "");
        assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900")));
        assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xE6, 0x02, 0, lv("F000000009", "", "", "", NO_TOKEN)));
        assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xE4, 0, 0, "4F07" + DOMAIN));
    }

    @Test
    void extraditesToADomainThatTakesIt() {
        makeDomain(DOMAIN, "80C000", "820120");
        makeDomain(OTHER, "808000", "820100");
        install(INSTANCE);
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x10, 0, change(DOMAIN, INSTANCE, "", "")));
        personalize(DOMAIN);
        personalize(OTHER);
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x10, 0, change(OTHER, INSTANCE, "", "")));
        assertStatus(0x6A88, () -> manage(ISSUER, 0xE6, 0x10, 0, change("F0000000020109", INSTANCE, "", "")));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x10, 0, change(INSTANCE, DOMAIN, "", "")));
        assertEquals("00", manage(ISSUER, 0xE6, 0x10, 0, change(DOMAIN, INSTANCE, "", "")));
        assertEquals(DOMAIN_AID, entry(INSTANCE).parent());
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x10, 0, change(DOMAIN, DOMAIN, "", "")));
        assertEquals("00", manage(DOMAIN_AID, 0xE4, 0, 0, "4F07" + INSTANCE));
    }

    @Test
    void updatesTheRegistry() {
        install(INSTANCE);
        assertEquals("00", manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "000400", "EF03CF0140")));
        assertTrue(entry(INSTANCE).has(Privilege.GLOBAL_REGISTRY));
        assertEquals(0x40, entry(INSTANCE).row().options().implicit());
        assertEquals("00", manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "00", "")));
        assertFalse(entry(INSTANCE).has(Privilege.GLOBAL_REGISTRY));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "80", "")));
        assertStatus(0x6A88, () -> manage(ISSUER, 0xE6, 0x40, 0, change("", OTHER, "00", "")));
    }

    @Test
    void restrictsForGood() {
        install(INSTANCE);
        manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "", "EF03D90101"));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE));
        manage(ISSUER, 0xE6, 0x40, 0, change("", "", "", "EF03D90104"));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x0C, 0, forInstall("F0000000010102", "00", "C900")));
        manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "", "EF03D90100"));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE));
    }

    @Test
    void deletesADomainWithAllBelowIt() {
        makeDomain(DOMAIN, "80C000", "");
        personalize(DOMAIN);
        manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900"));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE4, 0, 0, "4F07" + DOMAIN));
        assertEquals("00", manage(ISSUER, 0xE4, 0, 0x80, "4F07" + DOMAIN));
        assertEquals("6A82", select(INSTANCE));
        assertEquals("6A82", select(DOMAIN));
    }

    /** GPCS 9.4.1: the domain that something leaves is in use too; a locked one gives nothing away. */
    @Test
    void extraditesFromADomainThatIsPersonalized() {
        makeDomain(DOMAIN, "80C000", "820120870120");
        personalize(DOMAIN);
        manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900"));
        String home = change("A000000151000000", INSTANCE, "", "");
        manage(ISSUER, 0xF0, 0x40, 0x80, DOMAIN);
        assertStatus(0x6985, () -> manage(ISSUER, 0xE6, 0x10, 0, home));
        manage(ISSUER, 0xF0, 0x40, 0x00, DOMAIN);
        assertEquals("00", manage(ISSUER, 0xE6, 0x10, 0, home));
        assertEquals(ISSUER, entry(INSTANCE).parent());
    }

    @Test
    void refusesDeleteOutOfForm() {
        install(INSTANCE);
        for (String wrong :
                List.of("", "4F04F0000000", "4F07" + INSTANCE + "00", "D00101", "4F07" + INSTANCE + "B600B600")) {
            assertStatus(0x6A80, () -> manage(ISSUER, 0xE4, 0, 0, wrong));
        }
        assertStatus(0x6A86, () -> manage(ISSUER, 0xE4, 0, 1, "4F07" + INSTANCE));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE + "9E0101"));
    }

    @Test
    void locksADomainWithAllBelowIt() {
        makeDomain(DOMAIN, "80C000", "");
        personalize(DOMAIN);
        manage(DOMAIN_AID, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900"));
        manage(ISSUER, 0xF0, 0x60, 0x80, DOMAIN);
        assertEquals((byte) 0x8F, entry(DOMAIN).state());
        assertEquals((byte) 0x87, entry(INSTANCE).state());
        manage(ISSUER, 0xF0, 0x60, 0x80, DOMAIN);
        manage(ISSUER, 0xF0, 0x60, 0x00, DOMAIN);
        assertEquals(LifeCycle.SELECTABLE, entry(INSTANCE).state());
        assertStatus(0x6985, () -> manage(ISSUER, 0xF0, 0x40, 0x00, INSTANCE));
        assertStatus(0x6A88, () -> manage(ISSUER, 0xF0, 0x40, 0x80, OTHER));
        assertStatus(0x6A86, () -> manage(ISSUER, 0xF0, 0x20, 0x80, INSTANCE));
        assertStatus(0x6985, () -> manage(DOMAIN_AID, 0xF0, 0x80, 0xFF, ""));
    }

    /** JCRE 3.0.4 11.3.4.1: what another instance, or a static field, holds of an instance keeps that one. */
    @Test
    void deletesNoInstanceThatAnotherOneHolds() {
        String holder = "F0000000010102";
        install(INSTANCE);
        install(holder);
        for (String[] keepsAndLetsGo : new String[][] {{"80070200", "8009000000"}, {"80070300", "80070400"}}) {
            select(holder);
            String suffix = "07" + INSTANCE + "00";
            assertEquals("9000", end(send(keepsAndLetsGo[0] + suffix)));
            select("A000000151000000");
            assertStatus(0x6985, () -> manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE));
            assertEquals("9000", end(select(INSTANCE)), "it is still there");
            select(holder);
            String release = keepsAndLetsGo[1];
            assertEquals("9000", end(send(release.length() > 8 ? release : release + suffix)));
        }
        select("A000000151000000");
        assertEquals("00", manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE));
    }

    private static String end(String response) {
        return response.substring(response.length() - 4);
    }

    /** Table 11-49: CF as often as there are channels to be selected on. */
    @Test
    void selectsImplicitlyOnAllChannelsThatAreNamed() {
        manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900EF06CF0141CF0182"));
        RegistryEntry made = entry(INSTANCE);
        assertEquals(List.of(0x41, 0x82), made.row().options().implicitOnes());
        assertFalse(card.registry().isImplicit(made, 0));
        assertTrue(card.registry().isImplicit(made, 1));
        assertFalse(card.registry().isImplicit(made, 2));
        assertTrue(manage(ISSUER, 0xF2, 0x40, 0x02, "4F07" + INSTANCE).contains("CF0141CF0182"));
        manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "", "EF03CF0140"));
        assertEquals(List.of(0x40), entry(INSTANCE).row().options().implicitOnes());
        manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "", "EF03CF0100"));
        assertEquals(List.of(), entry(INSTANCE).row().options().implicitOnes());
        assertStatus(
                0x6A80,
                () -> manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "", "EF0FCF0140CF0141CF0142CF0143CF0144")));
        assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x40, 0, change("", INSTANCE, "", "EF04CF024041")));
    }

    /** Table 11-46: extradition gives no privileges. */
    @Test
    void givesNoPrivilegesWithAnExtradition() {
        makeDomain(DOMAIN, "80C000", "");
        personalize(DOMAIN);
        manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, "00", "C900"));
        for (String privileges : List.of("00", "000000")) {
            assertStatus(0x6A80, () -> manage(ISSUER, 0xE6, 0x10, 0, change(DOMAIN, INSTANCE, privileges, "")));
        }
        assertEquals("00", manage(ISSUER, 0xE6, 0x10, 0, change(DOMAIN, INSTANCE, "", "")));
    }

    /** Table 11-44: make selectable may restrict too, and for good. */
    @Test
    void restrictsByMakeSelectable() {
        manage(ISSUER, 0xE6, 0x04, 0, forInstall(INSTANCE, "00", "C900"));
        assertEquals("00", manage(ISSUER, 0xE6, 0x08, 0, change("", INSTANCE, "00", "EF03D90101")));
        assertStatus(0x6985, () -> manage(ISSUER, 0xE4, 0, 0, "4F07" + INSTANCE));
    }

    /** GPCS 5.1.1.4, 11.9.3: a locked card selects its Final Application, with a warning, and tells others apart. */
    @Test
    void aLockedCardSelectsItsFinalApplicationAlone() {
        String other = "F0000000010102";
        manage(ISSUER, 0xE6, 0x0C, 0, forInstall(INSTANCE, "000200", "C900"));
        manage(ISSUER, 0xE6, 0x0C, 0, forInstall(other, "00", "C900"));
        card.registry().setCardState(LifeCycle.CARD_LOCKED);
        assertEquals("6283", select(INSTANCE));
        assertEquals("6A81", select(other));
        assertEquals("6A82", select("F0000000990102"));
        card.registry().setCardState(LifeCycle.SECURED);
        assertEquals("9000", select(INSTANCE));
        assertEquals("9000", select(other));
        card.registry().setCardState(LifeCycle.TERMINATED);
        assertEquals("6A82", select(INSTANCE));
    }
}
