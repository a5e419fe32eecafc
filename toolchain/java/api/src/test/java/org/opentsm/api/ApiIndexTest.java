// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ApiIndexTest {
    private static final ApiIndex CLASSIC = new ApiIndex(ApiLevel.of("3.0.5"));

    private static Lookup.Found method(String owner, String name, String descriptor) {
        return assertInstanceOf(Lookup.Found.class, CLASSIC.findMethod(owner, name, descriptor));
    }

    @ParameterizedTest(name = "{0} {1}{2} has token {3}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            java/lang/Object                | equals     | (Ljava/lang/Object;)Z         | 0
            javacard/framework/Applet       | process    | (Ljavacard/framework/APDU;)V  | 7
            javacard/framework/Applet       | register   | ()V                           | 1
            javacard/framework/Applet       | <init>     | ()V                           | 0
            javacard/framework/ISOException | getReason  | ()S                           | 1
            javacard/framework/ISOException | setReason  | (S)V                          | 2
            javacard/framework/ISOException | throwIt    | (S)V                          | 1
            javacard/framework/APDU         | getBuffer  | ()[B                          | 1
            javacard/framework/Util         | arrayCopy  | ([BS[BSS)S                    | 1
            javacard/security/RSAPrivateKey | getSize    | ()S                           | 1
            javacardx/crypto/Cipher         | doFinal    | ([BSS[BS)S                    | 1
            uicc/toolkit/ProactiveHandler   | clear      | ()V                           | 13
            uicc/toolkit/ProactiveHandler   | init       | (BBB)V                        | 23
            """)
    void knowsTheTokenOf(String owner, String name, String descriptor, int token) {
        assertEquals(token, method(owner, name, descriptor).member().token());
    }

    @Test
    void theHighestVirtualTokenOfAppletIsSevenAndOfCardRuntimeExceptionTwo() {
        assertEquals(7, highest("javacard/framework/Applet"));
        assertEquals(2, highest("javacard/framework/CardRuntimeException"));
        assertEquals(0, highest("java/lang/Object"));
    }

    private static int highest(String name) {
        return CLASSIC.members(Declarations.all().findClass(name).orElseThrow()).stream()
                .filter(member -> member.kind() == ApiMember.Kind.VIRTUAL)
                .mapToInt(ApiMember::token)
                .max()
                .orElseThrow();
    }

    @Test
    void everyNumberingOfEveryClassIsGaplessAtEveryLevel() {
        for (String name : ApiLevel.NAMES) {
            ApiIndex index = new ApiIndex(ApiLevel.of(name));
            for (ApiPackage one : Declarations.all().packages()) {
                one.classes().stream().filter(index::has).forEach(apiClass -> assertGapless(name, index, apiClass));
            }
        }
    }

    private static void assertGapless(String level, ApiIndex index, ApiClass apiClass) {
        Map<ApiMember.Kind, Set<Integer>> tokens = new HashMap<>();
        for (ApiMember member : index.members(apiClass)) {
            if (member.kind() != ApiMember.Kind.CONSTANT) {
                assertTrue(
                        tokens.computeIfAbsent(member.kind(), kind -> new HashSet<>())
                                .add(member.token()),
                        level + " " + member.display() + " shares token " + member.token());
            }
        }
        tokens.forEach((kind, seen) -> assertEquals(
                seen.size() - 1,
                seen.stream().max(Integer::compare).orElseThrow(),
                level + " " + apiClass.display() + " " + kind + " " + seen));
    }

    @ParameterizedTest(name = "{1} at {0} is {2}")
    @CsvSource({
        "2.2.1, javacard/framework, 1.2",
        "2.2.2, javacard/framework, 1.3",
        "3.0.1, javacard/framework, 1.4",
        "3.0.4, javacard/framework, 1.5",
        "3.0.5, javacard/framework, 1.6",
        "2.2.1, java/lang, 1.0",
        "3.0.4, javacard/security, 1.5",
        "3.0.5, javacardx/crypto, 1.6",
        "2.2.2, javacardx/biometry, 1.2",
        "3.0.5, javacardx/framework/util, 1.1",
        "3.0.4, javacardx/framework/string, 1.0",
        "3.0.1, javacardx/apdu, 1.0",
        "3.0.4, org/globalplatform, 1.7",
        "2.2.2, uicc/system, 1.1",
        "3.1, javacard/framework, 1.8",
        "3.1.0, javacard/security, 1.7",
        "3.2, javacard/framework, 1.9",
        "3.2.0, javacard/security, 1.8",
        "3.2, javacardx/crypto, 1.8",
        "3.2, javacardx/biometry, 1.4",
        "3.2, javacardx/biometry1toN, 1.1",
        "3.2, javacardx/security/derivation, 1.1",
        "3.2, javacardx/framework/nio, 1.0"
    })
    void followsTheVersionTable(String level, String packageName, String version) {
        assertEquals(
                Version.of(version), ApiLevel.of(level).versionOf(packageName).orElseThrow());
    }

    @Test
    void aPackageTheLevelDoesNotHaveHasNoVersion() {
        assertTrue(ApiLevel.of("2.2.1").versionOf("javacardx/apdu").isEmpty());
        assertTrue(ApiLevel.of("3.0.1").versionOf("javacardx/framework/string").isEmpty());
    }

    @Test
    void aMemberNewerThanTheLevelIsNamedWithItsVersion() {
        ApiIndex index = new ApiIndex(ApiLevel.of("3.0.4"));
        Lookup.Newer newer = assertInstanceOf(
                Lookup.Newer.class, index.findMethod("javacard/framework/Util", "arrayFill", "([BSSB)S"));
        assertEquals(new Version(1, 6), newer.since());
        assertEquals(
                "javacard.framework.Util.arrayFill([BSSB)S exists since javacard.framework 1.6, but Java Card 3.0.4 has 1.5;"
                        + " set targetsdk to 3.0.5 or later or do without it",
                newer.message());
        assertInstanceOf(Lookup.Found.class, CLASSIC.findMethod("javacard/framework/Util", "arrayFill", "([BSSB)S"));
    }

    @Test
    void membersOfThreeTwoAreNotInThreeOne() {
        ApiIndex newest = new ApiIndex(ApiLevel.of("3.2"));
        ApiIndex before = new ApiIndex(ApiLevel.of("3.1"));
        String[][] members = {
            {"javacard/framework/APDU", "getLogicalChannelEncoding", "()B", "18"},
            {"javacard/security/MessageDigest$OneShot", "doIntermediateMessageDigest", "([BS)S", "7"},
            {"javacard/security/SM2KeyAgreementParameterSpec", "getConfirmationValue", "()[B", "6"},
            {"javacardx/biometry/OwnerBioTemplate", "clear", "()V", "13"}
        };
        for (String[] row : members) {
            Lookup.Found found =
                    assertInstanceOf(Lookup.Found.class, newest.findMethod(row[0], row[1], row[2]), row[1]);
            assertEquals(Integer.parseInt(row[3]), found.member().token(), row[1]);
            assertInstanceOf(Lookup.Newer.class, before.findMethod(row[0], row[1], row[2]), row[1]);
        }
    }

    @Test
    void aClassNewerThanTheLevelIsNamedWithItsVersion() {
        Lookup.Newer newer = assertInstanceOf(
                Lookup.Newer.class,
                new ApiIndex(ApiLevel.of("2.2.2"))
                        .findMethod("javacard/framework/SensitiveArrays", "clearArray", "(Ljava/lang/Object;)S"));
        assertTrue(
                newer.message().startsWith("javacard.framework.SensitiveArrays exists since javacard.framework 1.6"),
                newer.message());
    }

    @Test
    void aGlobalPlatformVersionCanBeChosenApart() {
        ApiIndex old = new ApiIndex(ApiLevel.of("3.0.4").with("org.globalplatform", Version.of("1.0")));
        Lookup.Newer newer = assertInstanceOf(
                Lookup.Newer.class,
                old.findMethod(
                        "org/globalplatform/GPSystem",
                        "getRegistryEntry",
                        "(Ljavacard/framework/AID;)Lorg/globalplatform/GPRegistryEntry;"));
        assertEquals(new Version(1, 1), newer.since());
        assertThrows(ApiException.class, () -> ApiLevel.of("3.0.4").with("org.globalplatform", Version.of("9.9")));
        assertThrows(ApiException.class, () -> ApiLevel.of("3.0.4").with("javacard.framework", Version.of("1.6")));
    }

    @Test
    void namesOutsideTheApiAreUnknown() {
        assertInstanceOf(Lookup.Unknown.class, CLASSIC.findMethod("java/lang/Object", "hashCode", "()I"));
        assertInstanceOf(Lookup.Unknown.class, CLASSIC.findClass("java/lang/String"));
        assertInstanceOf(Lookup.Unknown.class, CLASSIC.findMethod("javacard/framework/ISOException", "<init>", "()V"));
    }

    @Test
    void constantsHaveValuesAndNoToken() {
        Lookup.Found found =
                assertInstanceOf(Lookup.Found.class, CLASSIC.findField("javacard/framework/ISO7816", "SW_NO_ERROR"));
        assertEquals(255, found.member().token());
        assertEquals((short) 0x9000, found.member().constant().shortValue());
        assertEquals("S", found.member().descriptor());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "3", "9.9.9", "jc99", "3.0.4; rm"})
    void refusesUnknownLevels(String text) {
        assertThrows(ApiException.class, () -> ApiLevel.of(text));
    }

    @ParameterizedTest
    @CsvSource({"jc304,3.0.4", "3.0.5u3,3.0.5", "3.0.3,3.0.1", "2.2.0,2.2.1", "3.1.0,3.1", "3.2.0,3.2", "jc320,3.2"})
    void takesTheNamesOfSdks(String text, String level) {
        assertEquals(level, ApiLevel.of(text).name());
    }

    @Test
    void declaresThePackagesTheToolchainPromises() {
        List<String> names =
                Declarations.all().packages().stream().map(ApiPackage::display).toList();
        assertTrue(
                names.containsAll(List.of(
                        "java.lang",
                        "javacard.framework",
                        "javacard.framework.service",
                        "javacard.security",
                        "javacardx.crypto",
                        "javacardx.apdu",
                        "javacardx.framework.util",
                        "javacardx.framework.tlv",
                        "javacardx.framework.string",
                        "javacardx.external",
                        "org.globalplatform",
                        "uicc.access",
                        "uicc.toolkit",
                        "uicc.system")),
                names.toString());
    }
}
