// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.tools.ant.BuildException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opentsm.cap.Aid;
import org.opentsm.cap.PackageInfo;

class JavaCardTaskTest {
    private static final String APPLET = BuildFolder.applet("p", "A", "");

    @TempDir
    Path folder;

    private BuildFolder project() throws IOException {
        return new BuildFolder(folder).file("src/p/A.java", APPLET);
    }

    @Test
    void fillsInPackageNameVersionAndAppletAid() throws IOException {
        BuildFolder built = project()
                .run(
                        "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertEquals(
                Aid.ofHex("0102030405"),
                built.cap("o.cap").header().packageInfo().aid());
        assertEquals(
                Aid.ofHex("010203040501"),
                built.cap("o.cap").applet().orElseThrow().applets().get(0).aid());
        assertEquals(0, built.cap("o.cap").header().packageInfo().major());
        assertTrue(built.logged().contains("no targetsdk given: building for Java Card 3.0.4"), built.logged());
    }

    @Test
    void takesThePackageAidFromTheFirstApplet() throws IOException {
        BuildFolder built = project()
                .run("<javacard><cap sources='src' output='o.cap' version='2.7'>"
                        + "<applet class='p.A' aid='0xF0:0x01:0x02:0x03:0x04:0x05:0x06'/></cap></javacard>");
        assertEquals(
                Aid.ofHex("F001020304"),
                built.cap("o.cap").header().packageInfo().aid());
        assertEquals(2, built.cap("o.cap").header().packageInfo().major());
        assertEquals(7, built.cap("o.cap").header().packageInfo().minor());
    }

    @Test
    void numbersSeveralAppletsFromOne() throws IOException {
        BuildFolder built = project()
                .file("src/p/B.java", BuildFolder.applet("p", "B", ""))
                .run(
                        "<javacard><cap sources='src' package='p' aid='0102030405' output='o.cap'><applet class='A'/><applet class='B'/></cap></javacard>");
        assertEquals(
                List.of(Aid.ofHex("010203040501"), Aid.ofHex("010203040502")),
                built.cap("o.cap").applet().orElseThrow().applets().stream()
                        .map(one -> one.aid())
                        .toList());
    }

    @ParameterizedTest(name = "{0} compiles for javacard.framework 1.{1}")
    @CsvSource({
        "targetsdk='2.2.1',2",
        "targetsdk='2.2.2',3",
        "targetsdk='3.0.1',4",
        "targetsdk='3.0.4',5",
        "targetsdk='3.0.5',6",
        "targetsdk='sdks/jc303_kit',4",
        "jckit='sdks/jc222_kit',3",
        "jckit='oracle/jc305u3_kit/',6",
        "jckit='x' targetsdk='jc221_kit',2",
        "jckit='ext/java_card_kit-2_2_2',3",
        "jckit='ext/java_card_kit-3_0_3' targetsdk='ext/java_card_kit-2_2_1',2",
        "targetsdk='3.1',8",
        "targetsdk='3.1.0',8",
        "jckit='sdks/jc310r20210706_kit',8",
        "targetsdk='3.2',9",
        "jckit='jc320v24.1_kit',9",
        "jckit='${unset}',5"
    })
    void theLevelDecidesTheImportVersion(String attributes, int minor) throws IOException {
        BuildFolder built = project()
                .run("<javacard><cap " + attributes
                        + " sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertEquals(minor, imported(built, "A0000000620101").minor());
    }

    private static PackageInfo imported(BuildFolder built, String aid) throws IOException {
        return built.cap("o.cap").imports().packages().stream()
                .filter(one -> one.aid().equals(Aid.ofHex(aid)))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest(name = "{0} imports org.globalplatform 1.{1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "org.globalplatform.GPSystem.getCardState(); | 0",
                "org.globalplatform.GPSystem.getRegistryEntry(null); | 1",
                "org.globalplatform.GPSystem.getCardInfoLength((short) 128); | 7",
                "((org.globalplatform.SecureChannelx2) null).getSecurityLevel(); | 4",
                "} private org.globalplatform.GPRegistryEntry entry; void forget() { entry = null; | 1",
                "} private org.globalplatform.GPRegistryEntry[] entries; void forget() { entries = null; | 1"
            })
    void importsTheLowestGlobalPlatformVersionThatHasAllItUses(String statement, int minor) throws IOException {
        BuildFolder built = new BuildFolder(folder)
                .file("src/p/A.java", BuildFolder.applet("p", "A", statement))
                .run(
                        "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertEquals(minor, imported(built, "A00000015100").minor());
    }

    @Test
    void aPropertyFixesAGlobalPlatformVersion() throws IOException {
        BuildFolder built = new BuildFolder(folder)
                .file("src/p/A.java", BuildFolder.applet("p", "A", "org.globalplatform.GPSystem.lockCard();"))
                .run(
                        "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>",
                        "api.org.globalplatform",
                        "1.5");
        assertEquals(5, imported(built, "A00000015100").minor());
    }

    @Test
    void aMemberNewerThanTheLevelIsNamedWithItsVersion() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "src/p/A.java",
                        BuildFolder.applet(
                                "p", "A", "Util.arrayFill(apdu.getBuffer(), (short) 0, (short) 1, (byte) 0);"));
        String cap =
                "<javacard><cap targetsdk='3.0.%s' sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>";
        assertThrows(BuildException.class, () -> project.run(String.format(cap, "4")));
        assertTrue(
                project.logged()
                        .contains("javacard.framework.Util.arrayFill([BSSB)S exists since javacard.framework 1.6"),
                project.logged());
        assertTrue(project.logged().contains("A.java:6"), project.logged());
        project.run(String.format(cap, "5"));
        assertEquals(List.of("o.cap"), project.files(".cap"));
    }

    @Test
    void aMemberNewerThanTheLevelInCompiledClassesIsNamedWithItsLine() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "src/p/A.java",
                        BuildFolder.applet(
                                "p", "A", "Util.arrayFill(apdu.getBuffer(), (short) 0, (short) 1, (byte) 0);"));
        project.run(
                "<javacard><cap targetsdk='3.0.5' sources='src' classes='bin' aid='0102030405' output='a.cap'><applet class='p.A'/></cap></javacard>");
        assertThrows(
                BuildException.class,
                () -> project.run(
                        "<javacard><cap targetsdk='3.0.1' classes='bin' aid='0102030405' output='b.cap'><applet class='p.A'/></cap></javacard>"));
        assertTrue(
                project.logged().contains("line 6") && project.logged().contains("exists since javacard.framework 1.6"),
                project.logged());
        assertEquals(List.of("a.cap"), project.files(".cap"));
    }

    @Test
    void aLibraryIsExportedAndImportedThroughItsJar() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "lib/q/Sums.java",
                        "package q; public class Sums { public static short add(short a, short b) { return (short) (a + b); } }")
                .file(
                        "src/p/A.java",
                        BuildFolder.applet("p", "A", "ISOException.throwIt(q.Sums.add((short) 0x6000, (short) 1));"));
        project.run(
                "<javacard><cap sources='lib' package='q' aid='0102030406' version='1.3' output='q.cap' export='exported'/></javacard>");
        assertEquals(List.of("exported/q/javacard/q.exp"), project.files(".exp"));
        project.run(
                "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/><import jar='exported/q.jar'/></cap></javacard>");
        assertEquals(3, imported(project, "0102030406").minor());
        project.run(
                "<javacard><cap sources='src' aid='0102030405' output='two.cap'><applet class='p.A'/><import exps='exported' jar='exported/q.jar'/></cap></javacard>");
        assertArrayEquals(
                project.cap("o.cap").loadFileDataBlock(true),
                project.cap("two.cap").loadFileDataBlock(true));
    }

    @Test
    void exportmapKeepsTheTokensOfTheVersionBefore() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "lib/q/Sums.java",
                        "package q; public class Sums { public static short second() { return 2; } public static short first() { return 1; } }");
        project.run(
                "<javacard><cap sources='lib' package='q' aid='0102030406' output='q1.cap' export='e1'/></javacard>");
        project.file(
                "lib/q/Sums.java",
                "package q; public class Sums { public static short added() { return 3; }"
                        + " public static short first() { return 1; } public static short second() { return 2; } }");
        Files.createDirectories(folder.resolve("lib/q/javacard"));
        Files.copy(folder.resolve("e1/q/javacard/q.exp"), folder.resolve("lib/q/javacard/q.exp"));
        project.run(
                "<javacard><cap sources='lib' package='q' aid='0102030406' output='q2.cap' export='e2' exportmap='true'/></javacard>");
        assertEquals(tokenOf("e1", "second"), tokenOf("e2", "second"));
        assertEquals(tokenOf("e1", "first"), tokenOf("e2", "first"));
    }

    private int tokenOf(String export, String method) throws IOException {
        return org.opentsm.cap.exp.ExportFile.read(folder.resolve(export + "/q/javacard/q.exp"))
                .classByName("q/Sums")
                .orElseThrow()
                .method(method, "()S")
                .orElseThrow()
                .token();
    }

    @Test
    void patternsAndSeveralSourceFoldersChooseTheFiles() throws IOException {
        BuildFolder project = project()
                .file("src/p/Broken.java", "package p; broken")
                .file("more/p/C.java", "package p; class C { }");
        project.run(
                "<javacard><cap sources='src' sources2='more' excludes='**/Broken.java' classes='bin' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertEquals(List.of("bin/p/A.class", "bin/p/C.class"), project.files(".class"));
        project.run(
                "<javacard><cap classes='bin2' aid='0102030405' output='o.cap'><applet class='p.A'/><sources path='src' includes='**/A.java'/></cap></javacard>");
        assertTrue(project.files(".class").contains("bin2/p/A.class"));
    }

    @Test
    void theOutputNameTakesItsVariables() throws IOException {
        project()
                .run(
                        "<javacard><cap sources='src' aid='0102030405' targetsdk='3.0.5' output='%n-%p-%a-%j-%h.cap'><applet class='p.A'/></cap></javacard>");
        List<String> names = new BuildFolder(folder).files(".cap");
        assertEquals(1, names.size());
        assertTrue(names.get(0).matches("A-p-0102030405-3\\.0\\.5-[0-9a-f]{8}\\.cap"), names.toString());
    }

    @Test
    void theSameInputGivesTheSameBytes() throws IOException {
        project()
                .run(
                        "<javacard><cap sources='src' aid='0102030405' output='a.cap'><applet class='p.A'/></cap><cap sources='src' aid='0102030405' output='b.cap'><applet class='p.A'/></cap></javacard>");
        assertArrayEquals(Files.readAllBytes(folder.resolve("a.cap")), Files.readAllBytes(folder.resolve("b.cap")));
    }

    @Test
    void intIsAllowedOnlyWhenAskedFor() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "src/p/A.java",
                        BuildFolder.applet(
                                "p",
                                "A",
                                "int i = apdu.getBuffer()[0]; i = i * 70000; apdu.getBuffer()[1] = (byte) (i >> 8);"));
        String cap =
                "<javacard><cap sources='src' aid='0102030405' output='o.cap' ints='%s'><applet class='p.A'/></cap></javacard>";
        assertThrows(BuildException.class, () -> project.run(String.format(cap, "false")));
        assertEquals(List.of(), project.files(".cap"));
        project.run(String.format(cap, "true"));
        assertEquals(List.of("o.cap"), project.files(".cap"));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "odd AID            | aid='010203040' sources='src'                        | p.A | is not hex",
                "short AID          | aid='01020304' sources='src'                         | p.A | an AID has 5 to 16",
                "long AID           | aid='0102030405060708091011121314151617' sources='src' | p.A | an AID has 5 to 16",
                "no room to number  | aid='01020304050607080910111213141516' sources='src' | p.A | no applet AID can be made",
                "no AID             | sources='src'                                        | p.A | neither the package nor applet",
                "version            | aid='0102030405' sources='src' version='1'           | p.A | must be major.minor",
                "large version      | aid='0102030405' sources='src' version='1.128'       | p.A | must be major.minor",
                "level              | aid='0102030405' sources='src' targetsdk='9.9.9'     | p.A | names no Java Card level",
                "kit in words       | aid='0102030405' sources='src' jckit='my/kit'        | p.A | java_card_kit-2_2_1",
                "kit of next year   | aid='0102030405' sources='src' jckit='jc330_kit'     | p.A | names no Java Card level",
                "level in words     | aid='0102030405' sources='src' targetsdk='newest'    | p.A | names no Java Card level",
                "no sources         | aid='0102030405'                                     | p.A | sources or classes",
                "missing sources    | aid='0102030405' sources='nowhere'                   | p.A | does not exist",
                "missing classes    | aid='0102030405' classes='nowhere'                   | p.A | does not exist",
                "empty sources      | aid='0102030405' sources='src' excludes='**'         | p.A | no Java source",
                "other package      | aid='0102030405' sources='src' package='q'           | p.A | is not in package q",
                "no such applet     | aid='0102030405' sources='src'                       | p.Z | p.Z is not among src",
                "default package    | aid='0102030405' sources='src'                       | A   | must be in a package",
                "strange package    | aid='0102030405' sources='src' package='../p'        | A   | is not a package name",
                "exportmap          | aid='0102030405' sources='src' exportmap='true'      | p.A | exportmap is set"
            })
    void refuses(String name, String attributes, String applet, String message) throws IOException {
        BuildFolder project = project();
        BuildException error = assertThrows(
                BuildException.class,
                () -> project.run("<javacard><cap " + attributes + " output='o.cap'><applet class='" + applet
                        + "'/></cap></javacard>"));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertEquals(List.of(), project.files(".cap"));
    }

    @Test
    void castsThatOnlyACardNeedsAreNoWarning() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "src/p/A.java",
                        BuildFolder.applet(
                                "p",
                                "A",
                                "short sum = 0; sum += (short) (apdu.getBuffer()[0] * 3); short other = (short) sum; apdu.getBuffer()[1] = (byte) other;"));
        project.run(
                "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertEquals(
                List.of(),
                project.log.stream().filter(line -> line.contains("warning")).toList());
    }

    @Test
    void aMissingKitIsSaidAndItsLevelTaken() throws IOException {
        BuildFolder project = project();
        project.run(
                "<javacard jckit='sdks/jc222_kit'><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertTrue(project.logged().contains("no SDK in sdks/jc222_kit"), project.logged());
        assertTrue(project.logged().contains("Java Card 2.2.2"), project.logged());
    }

    @Test
    void aKitOfAnotherNameIsKnownByItsExportFiles() throws IOException {
        BuildFolder project = project();
        Path export = folder.resolve("my/kit/api_export_files/javacard/framework/javacard/framework.exp");
        new org.opentsm.api.ExportFiles(org.opentsm.api.ApiLevel.of("2.2.2"))
                .all().stream()
                        .filter(one -> one.packageName().equals("javacard/framework"))
                        .findFirst()
                        .orElseThrow()
                        .writeTo(export);
        project.run(
                "<javacard><cap jckit='my/kit' sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
        assertEquals(3, imported(project, "A0000000620101").minor());
    }

    @Test
    void fromThreeOneOnTheFormatIsTwoThree() throws IOException {
        for (String level : List.of("3.1", "3.2")) {
            project()
                    .run("<javacard><cap targetsdk='" + level
                            + "' sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>");
            assertEquals(
                    org.opentsm.cap.CapVersion.V2_3,
                    new BuildFolder(folder).cap("o.cap").header().version());
        }
    }

    @Test
    void brokenImportsAreRefusedByName() throws IOException {
        BuildFolder project = project()
                .file("bad/x.exp", "not an export file")
                .file("text.jar", "not a jar")
                .file("empty/readme", "");
        for (String element :
                List.of("<import exps='bad'/>", "<import jar='text.jar'/>", "<import exps='empty'/>", "<import/>")) {
            assertThrows(
                    BuildException.class,
                    () -> project.run(
                            "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/>"
                                    + element + "</cap></javacard>"),
                    element);
        }
        assertEquals(List.of(), project.files(".cap"));
    }

    @Test
    void hostileClassFilesGiveAnErrorAndNoOutput() throws IOException {
        BuildFolder project = project();
        project.run(
                "<javacard><cap sources='src' classes='bin' aid='0102030405' output='good.cap'><applet class='p.A'/></cap></javacard>");
        byte[] good = Files.readAllBytes(folder.resolve("bin/p/A.class"));
        for (int cut = 0; cut < good.length; cut += 7) {
            Files.write(folder.resolve("bin/p/A.class"), java.util.Arrays.copyOf(good, cut));
            assertThrows(
                    BuildException.class,
                    () -> project.run(
                            "<javacard><cap classes='bin' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>"));
        }
        assertEquals(List.of("good.cap"), project.files(".cap"));
    }
}
