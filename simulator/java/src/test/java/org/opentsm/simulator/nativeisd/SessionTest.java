// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentsm.simulator.Hex;

/**
 * The native domain's sessions against published ones, without the host or the applets: pySim test_globalplatform.py,
 * kaoh scp02Test.c, scp03Test.c, and an S16 session that pySim accepted.
 */
class SessionTest {

    private static final String PUBLISHED = "404142434445464748494A4B4C4D4E4F";

    private static KeySet set(int version, int type, int counter, String... keys) {
        return new KeySet(
                version, type, List.of(Hex.decode(keys[0]), Hex.decode(keys[1]), Hex.decode(keys[2])), counter, 0);
    }

    private static KeySet same(int version, int type, int counter, String key) {
        return set(version, type, counter, key, key, key);
    }

    private static Scp02Session pySim02() {
        KeySet keys = set(
                0x70,
                KeySet.DES,
                1,
                "100102030405060708090A0B0C0D0E0F",
                "101102030405060708090A0B0C0D0E0F",
                "102102030405060708090A0B0C0D0E0F");
        return new Scp02Session(keys, Hex.decode("40A62C37FA6304F8"), new byte[8], Hex.decode("6B4524ABEE7C"));
    }

    private static Scp03Session pySim03() {
        KeySet keys = set(
                0x30,
                KeySet.AES,
                3,
                "000102030405060708090A0B0C0D0E0F",
                "101112131415161718191A1B1C1D1E1F",
                "202122232425262728292A2B2C2D2E2F");
        return new Scp03Session(
                keys, 0x70, Hex.decode("FDF38259A1E0DE44"), Hex.decode("A0000005591010FFFFFFFF8900000100"));
    }

    private static Command command(String hex) {
        return Command.parse(Hex.decode(hex));
    }

    @ParameterizedTest
    @ValueSource(strings = {"80E2800002AABB", "80E2800002AABB00", "80E28000000002AABB", "80E28000000002AABB0000"})
    void commandsOfBothFormsAreTheSame(String apdu) {
        assertArrayEquals(Hex.decode("AABB"), command(apdu).data());
    }

    @ParameterizedTest
    @ValueSource(strings = {"80CA0066", "80CA006600", "80CA0066000000"})
    void commandsWithoutDataOfBothFormsHaveNone(String apdu) {
        assertEquals(0, command(apdu).data().length);
    }

    @ParameterizedTest
    @ValueSource(strings = {"80CA00", "80CA00660000", "80E2800003AABB", "80E28000000003AABB", "80E28000000000AABB"})
    void commandsWhoseLengthsDoNotFitAreNone(String apdu) {
        assertNull(command(apdu));
    }

    private static void unwraps(Session session, String wrapped, String plain) {
        assertEquals(plain, Hex.encode(session.unwrap(command(wrapped)).data()), wrapped);
    }

    @Test
    void answersAndUnwrapsTheSessionOfPySimUnderScp02() {
        Scp02Session session = pySim02();
        assertEquals("700200016B4524ABEE7CF32EA3838BC148F3", Hex.encode(session.initialAnswer()));
        assertTrue(session.authenticate(command("8482010010BA6961667737C5BCEBECE14C7D6A4376")));
        unwraps(session, "84F220020814DB34FA4341DCA8", "");
        unwraps(session, "84CA00660855ED7C5FF069512B00", "");
        unwraps(session, "84F22002124F0212345C054F9F70C58FC1B380C4228AF8", "4F0212345C054F9F70C5");
        unwraps(session, "84F280020A4F003B95F09317DE6A4E00", "4F00");
        assertEquals(2, session.counterAfter());
    }

    @Test
    void decryptsTheSessionOfKaohUnderScp02() {
        Scp02Session session = new Scp02Session(
                same(0x01, KeySet.DES, 0x06A1, PUBLISHED),
                Hex.decode("EBAA9E53C696281B"),
                new byte[8],
                Hex.decode("5086BBEE58F4"));
        assertEquals("010206A15086BBEE58F467149061DA4B6EAE", Hex.encode(session.initialAnswer()));
        assertTrue(session.authenticate(command("848203001005814C116071EB67D8BA9D9879454564")));
        unwraps(session, "84E4008018BC146FA0403BE4BAD3BC089E4ABD8674DA7EFEA21047B85800", "4F08D0D1D2D3D4D50101");
    }

    @Test
    void answersUnwrapsAndWrapsTheSessionOfPySimUnderScp03() {
        Scp03Session session = pySim03();
        assertEquals("3003703B1ACA81E821F219081CDC01C26B372D000003", Hex.encode(session.initialAnswer()));
        assertTrue(session.authenticate(command("84823300108C36F96BCC00724A4E13AD591D7DA3F0")));
        unwraps(session, "84E2910018267A85DFE4A98FCA6FB0527E0DFECCE4914E40401433C87F00", "BF3E035C015A");
        assertEquals(
                "F3BA2B1013AA6224F5E1C138D71805C569E5439B47576260B75FC021B25097CB2E68F8A0144975B9",
                Hex.encode(session.wrap(Hex.decode("BF3E125A1089882119900000000000000000000005"), 0x9000)));
        unwraps(session, "84F2200208AC6A59024BED84CC", "");
        unwraps(session, "84CA006608409912AD8FB7AED000", "");
        unwraps(session, "84F22002185F3DAFC3AC14C381536A488BF44E06D056DF9D74DBD21E5A", "4F0212345C054F9F70C5");
        unwraps(session, "84F280021865165105BE3373347D0424D4400AF2AC393F569EC779389E00", "4F00");
        assertEquals("", Hex.encode(session.wrap(new byte[0], 0x6A88)), "errors go bare");
    }

    @Test
    void answersTheSessionOfKaohWithAes192() {
        Scp03Session session = new Scp03Session(
                same(0x02, KeySet.AES, 0x12, "DE2A3629CBC24E8D8869E82C8B4C0D874D88166B6F8A1C12"),
                0x10,
                Hex.decode("4157115CAD7D2FE7"),
                Hex.decode("A000000151000000"));
        assertEquals("020310726B1E22EED4F4BBAB21001BFD4B6F02000012", Hex.encode(session.initialAnswer()));
        assertTrue(session.authenticate(command("84820300109B126D1B1557297F3C06766CA9ACBD27")));
        unwraps(session, "84F2200218110C222888859059700E5D42AD65F41299B0BFFC03BF79A800", "4F00");
    }

    @Test
    void answersUnwrapsAndWrapsASessionInModeS16() {
        Scp03Session session = new Scp03Session(
                same(0x30, KeySet.AES, 2, PUBLISHED),
                0x71,
                Hex.decode("00112233445566778899AABBCCDDEEFF"),
                Hex.decode("A000000003000000"));
        assertEquals(
                "30037198EF322A5B62F3A45690E0BFADD54C7B69D58F888D0340F28416D8264CE7451D000002",
                Hex.encode(session.initialAnswer()));
        assertTrue(session.authenticate(
                command("8482330020D9B5A5D50E2FFC9069DAE07E29C04B4F7322F5C8A7FFA10E92D63A2BE2144922")));
        unwraps(
                session,
                "84F28002206AAE15A141AC156F72E1CB66DEEA8B778ADBEA141131EBA3B32A65F401615B3700",
                "4F005C054F9F70C5CC");
        assertEquals(
                "3A0FBFD018F64CF9FA84F6294B51A814C5E36A4B15F24E5564CC94E9EBD728BE68CDA753EA1DD951A23355AB81AE5192",
                Hex.encode(session.wrap(Hex.decode("E3134F08A0000000030000009F70010FC5039EFE80"), 0x9000)));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void takesNoChangedBitInAuthenticationOrCommand(int protocol) {
        String external = protocol == 2
                ? "8482010010BA6961667737C5BCEBECE14C7D6A4376"
                : "84823300108C36F96BCC00724A4E13AD591D7DA3F0";
        String wrapped = protocol == 2
                ? "84F220020814DB34FA4341DCA8"
                : "84E2910018267A85DFE4A98FCA6FB0527E0DFECCE4914E40401433C87F";
        for (int bit = 0; bit < 16 * 8; bit++) {
            byte[] forged = Hex.decode(external);
            forged[5 + bit / 8] ^= (byte) (1 << bit % 8);
            Session session = protocol == 2 ? pySim02() : pySim03();
            assertFalse(session.authenticate(Command.parse(forged)), "bit " + bit);
        }
        int header = 1;
        byte[] whole = Hex.decode(wrapped);
        for (int at = header; at < whole.length; at++) {
            if (at == 4) {
                continue;
            }
            byte[] forged = whole.clone();
            forged[at] ^= 0x10;
            Session session = protocol == 2 ? pySim02() : pySim03();
            assertTrue(session.authenticate(command(external)));
            assertThrows(StatusException.class, () -> session.unwrap(Command.parse(forged)), "byte " + at);
        }
    }
}
