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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Build files of the vendor's kits 2.2.x: their converter task, with their attributes. */
class ConvertTaskTest {
    private static final String TASK = "<taskdef name='convert' classname='com.sun.javacard.ant.tasks.ConverterTask' "
            + "classpath='ant-tasks/lib/jctasks.jar'/>";
    private static final String APPLET = "<AppletNameAID appletname='p.A' aid='0x01:0x02:0x03:0x04:0x05:0x01'/>";
    private static final String PACKAGE =
            " packagename='p' packageaid='0x01:0x02:0x03:0x04:0x05' majorminorversion='1.0' ";

    @TempDir
    Path folder;

    private BuildFolder project;

    @BeforeEach
    void compile() throws IOException {
        project = new BuildFolder(folder).file("src/p/A.java", BuildFolder.applet("p", "A", ""));
        project.run("<javacard><cap targetsdk='2.2.2' sources='src' classes='bin' package='p' version='1.0' "
                + "aid='0102030405' output='ours.cap'>"
                + "<applet class='p.A' aid='010203040501'/></cap></javacard>");
    }

    @Test
    void convertsAsTheJavacardTaskDoes() throws IOException {
        project.run(TASK + "<path id='kit'><pathelement path='sdk/java_card_kit-2_2_2/api_export_files'/></path>"
                + "<convert dir='bin' outputdirectory='out' CAP='true' EXP='yes' JCA='true' verbose='true' "
                + "nobanner='true' noverify='true'"
                + PACKAGE
                + "><exportpath refid='kit'/><classpath path='converter.jar'/>" + APPLET + "</convert>");
        assertEquals(
                List.of("out/p/javacard/p.cap"),
                project.files("p.cap").stream()
                        .filter(one -> one.startsWith("out"))
                        .toList());
        assertArrayEquals(
                project.cap("ours.cap").loadFileDataBlock(true),
                project.cap("out/p/javacard/p.cap").loadFileDataBlock(true));
        assertEquals(List.of("out/p/javacard/p.exp"), project.files("p.exp"));
        assertEquals(List.of("out/p/javacard/p.jca"), project.files("p.jca"));
    }

    @Test
    void takesTheLevelOfTheKitWhoseExportFilesItNames() throws IOException {
        project.run(TASK + "<convert CAP='true' classdir='bin' exportpath='jc221_kit/api_export_files'" + PACKAGE + ">"
                + APPLET + "</convert>");
        assertEquals(2, framework("bin/p/javacard/p.cap"));
    }

    @Test
    void readsAConfigurationFile() throws IOException {
        project.file(
                "p.opt",
                "-out CAP EXP # what\n-classdir bin\n-d \"opt out\"\n-target 2.2.2\n-applet "
                        + "0x1:0x02:0x03:0x04:0x05:0x01 p.A\np 0x01:0x2:0x03:0x4:0x05 1.0\n");
        project.run(TASK + "<convert configfile='p.opt'/>");
        assertArrayEquals(
                project.cap("ours.cap").loadFileDataBlock(true),
                project.cap("opt out/p/javacard/p.cap").loadFileDataBlock(true));
    }

    /** The vendor's HelloWorld.opt: no -classdir, an export path of ".", bytes of one digit, and the kit elsewhere. */
    @Test
    void attributesFillWhatTheConfigurationFileLeavesOut() throws IOException {
        project.file(
                "src/p.opt",
                "-out EXP JCA CAP\n-exportpath .\n-applet  0x1:0x2:0x3:0x4:0x5:0x1 p.A\np\n0x1:0x2:0x3:0x4:0x5 1.0\n");
        String task =
                TASK + "<convert configfile='src/p.opt' dir='bin' outputdirectory='out' target='java_card_kit-2_2_1'/>";
        project.run(task).run(task);
        assertEquals(List.of("out/p/javacard/p.cap"), project.files("p.cap"));
        assertEquals(2, framework("out/p/javacard/p.cap"));
        assertTrue(!project.logged().contains("does not count"), project.logged());
        project.run(TASK
                + "<convert configfile='src/p.opt' classdir='bin' packagename='q' "
                + "packageaid='0102030405' majorminorversion='1.0'/>");
        assertTrue(project.logged().contains("the package is p 0x1:0x2:0x3:0x4:0x5 1.0"), project.logged());
        assertEquals(List.of("bin/p/javacard/p.cap", "out/p/javacard/p.cap"), project.files("p.cap"));
    }

    private int framework(String cap) throws IOException {
        return project.cap(cap).imports().packages().stream()
                .filter(one -> one.aid().toString().equals("A0000000620101"))
                .findFirst()
                .orElseThrow()
                .minor();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "no version       | classdir='bin' packagename='p' packageaid='0102030405' | needs the attribute major",
                "unknown          | classdir='bin' packagename='p' speed='9'               | no attribute speed",
                "unknown target   | classdir='bin' target='kit'" + PACKAGE + "| names no Java Card level",
                "no classes       | classdir='none'" + PACKAGE + "             | cannot read the class files",
                "no configuration | configfile='none.opt'                                   | is no file",
                "half a package   | configfile='p.opt' packagename='p' | needs the attribute packageaid"
            })
    void refuses(String name, String attributes, String message) {
        BuildException error =
                assertThrows(BuildException.class, () -> project.run(TASK + "<convert " + attributes + "/>"));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void aDownloadThatFailsDoesNotEndTheBuild() throws IOException {
        assertTrue(Files.exists(folder.resolve("ours.cap")));
        project.run(
                "<get src='http://127.0.0.1:1/ant-javacard.jar' dest='.' skipexisting='true'/><echo>went on</echo>");
        assertTrue(project.logged().contains("went on"), project.logged());
        assertTrue(project.logged().contains("a download that fails does not end the build"), project.logged());
        assertThrows(
                BuildException.class,
                () -> project.run("<get src='http://127.0.0.1:1/x' dest='.' ignoreerrors='false'/>"));
        assertThrows(BuildException.class, () -> project.run("<get dest='.'/>"));
    }

    @Test
    void whatChecksOrUnpacksADownloadThatFailedIsPassedOver() throws IOException {
        project.run("<property name='jar' value='ant-javacard.jar'/>"
                + "<get src='http://127.0.0.1:1/v1/ant-javacard.jar?raw=true' dest='.'/>"
                + "<get src='http://127.0.0.1:1/kits.zip' dest='kits.zip'/>"
                + "<get src='http://127.0.0.1:1/k' dest='k.tgz'/>"
                + "<checksum file='${jar}' algorithm='SHA-256' property='0' verifyproperty='known'/>"
                + "<unzip src='kits.zip' dest='sdks'/><untar src='k.tgz' dest='sdks' compression='gzip'/>"
                + "<echo>went on</echo>");
        assertTrue(project.logged().contains("went on"), project.logged());
        assertTrue(project.logged().contains("kits.zip was not downloaded"), project.logged());
    }

    @Test
    void aConditionTakesADownloadThatFailedForRight() throws IOException {
        String checked = "<checksum file='kits.zip' algorithm='SHA-256' property='0'/>";
        project.run("<get src='http://127.0.0.1:1/kits.zip' dest='kits.zip'/>"
                + "<condition property='right'>" + checked + "</condition><fail unless='right'/>"
                + "<fail><condition><not><and><istrue value='yes'/>" + checked + "</and></not></condition></fail>"
                + "<macrodef name='once'><sequential><fail><condition><not>" + checked
                + "</not></condition></fail></sequential></macrodef><once/><echo>went on</echo>");
        assertTrue(project.logged().contains("went on"), project.logged());
    }

    /** Whatever no download was to bring, or a download did bring, is checked and unpacked as ever. */
    @ParameterizedTest
    @CsvSource({
        "<checksum file='other.jar'/>",
        "<unzip src='other.zip' dest='d'/>",
        "<untar src='other.tar' dest='d'/>",
        "<unzip src='src/p/A.java' dest='d'/>",
        "<fail><condition><not><checksum file='src/p/A.java' property='0'/></not></condition></fail>",
        "<condition property='right'><checksum file='other.jar' property='0'/></condition>"
    })
    void anyOtherFileIsCheckedAndUnpacked(String task) {
        assertThrows(
                BuildException.class,
                () -> project.run("<get src='http://127.0.0.1:1/ant-javacard.jar' dest='.'/>"
                        + "<get src='http://127.0.0.1:1/A.java' dest='src/p/A.java'/>" + task));
    }

    @Test
    void aSubmoduleThatIsNotThereIsNotBuilt() throws IOException {
        Files.createDirectories(folder.resolve("empty"));
        project.file("task/src/main/java/pro/javacard/ant/JavaCard.java", "class JavaCard {}")
                .file("task/build.xml", "<project><fail/></project>")
                .file("broken/build.xml", "<project><fail/></project>")
                .file("full/readme.txt", "no build file")
                .file("other/build.xml", "<project><echo>built the other</echo></project>");
        project.run("<ant dir='absent'/><ant dir='empty'/><ant dir='task'/><ant dir='other'/><echo>went on</echo>");
        assertTrue(project.logged().contains("went on"), project.logged());
        assertTrue(project.logged().contains("built the other"), project.logged());
        assertTrue(project.logged().contains("what needs its result will say so"), project.logged());
        for (String left : List.of("broken", "full")) {
            assertThrows(BuildException.class, () -> project.run("<ant dir='" + left + "'/>"), left);
        }
    }
}
