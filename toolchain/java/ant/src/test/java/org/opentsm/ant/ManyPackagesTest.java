// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.tools.ant.BuildException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentsm.cap.Aid;

/** What goes into a CAP: the classes of this compilation, packages made earlier in the build, string pools. */
class ManyPackagesTest {
    private static final String APPLET = "<cap sources='%s' aid='0102030405' output='%s'><applet class='p.A'/>%s</cap>";
    private static final String LIBRARY =
            "<cap sources='lib' package='q' aid='0102030406' version='1.3' output='q.cap' export='out'/>";

    @TempDir
    Path folder;

    private BuildFolder project() throws IOException {
        return new BuildFolder(folder)
                .file(
                        "lib/q/Sums.java",
                        "package q; public class Sums { public static short add(short a, short b) { return (short) (a + b); } }")
                .file(
                        "src/p/A.java",
                        BuildFolder.applet("p", "A", "ISOException.throwIt(q.Sums.add((short) 0x6000, (short) 1));"));
    }

    private List<Aid> imports(BuildFolder built, String cap) throws IOException {
        return built.cap(cap).imports().packages().stream()
                .map(one -> one.aid())
                .toList();
    }

    @Test
    void aPackageMadeEarlierInTheBuildIsImportedWithoutAWord() throws IOException {
        BuildFolder built =
                project().run("<javacard>" + LIBRARY + String.format(APPLET, "src", "o.cap", "") + "</javacard>");
        assertTrue(imports(built, "o.cap").contains(Aid.ofHex("0102030406")));
    }

    @Test
    void aPackageThatExportsNothingAnyMoreLeavesNoExportFile() throws IOException {
        String applet = BuildFolder.applet("p", "A", "");
        String build = "<javacard><cap sources='src' aid='0102030405' output='o.cap' export='out'>"
                + "<applet class='p.A'/></cap></javacard>";
        BuildFolder project = new BuildFolder(folder)
                .file("src/p/A.java", applet)
                .file("src/p/Side.java", "package p; public interface Side extends javacard.framework.Shareable { }")
                .run(build);
        assertEquals(List.of("out/p/javacard/p.exp"), project.files(".exp"));
        project.file("src/p/Side.java", "package p; interface Side { }").run(build);
        assertEquals(List.of(), project.files(".exp"));
    }

    @Test
    void oneSourceFolderServesSeveralPackages() throws IOException {
        BuildFolder project = project();
        Files.createDirectories(folder.resolve("src/q"));
        Files.move(folder.resolve("lib/q/Sums.java"), folder.resolve("src/q/Sums.java"));
        project.run("<javacard>" + LIBRARY.replace("'lib'", "'src'") + String.format(APPLET, "src", "o.cap", "")
                + "</javacard>");
        assertTrue(imports(project, "o.cap").contains(Aid.ofHex("0102030406")));
    }

    @Test
    void whatIsImportedIsBuiltFirst() throws IOException {
        BuildFolder built = project()
                .run("<javacard>" + String.format(APPLET, "src", "o.cap", "<import jar='out/q.jar'/>") + LIBRARY
                        + "</javacard>");
        assertEquals(List.of("o.cap", "q.cap"), built.files(".cap"));
        BuildFolder again = project()
                .run("<javacard>" + String.format(APPLET, "src", "o.cap", "<import exps='out' jar='lib.jar'/>")
                        + LIBRARY.replace("/>", " jar='lib.jar'/>") + "</javacard>");
        assertTrue(imports(again, "o.cap").contains(Aid.ofHex("0102030406")));
    }

    @Test
    void aFolderOfClassesServesAsJar() throws IOException {
        String library = LIBRARY.replace("'out'", "'bin'").replace("/>", " classes='bin'/>");
        project().run("<javacard>" + library + "</javacard>");
        String importing = String.format(APPLET, "src", "o.cap", "<import jar='bin' exps='bin'/>");
        BuildFolder built = project().run("<javacard>" + importing + "</javacard>");
        assertTrue(imports(built, "o.cap").contains(Aid.ofHex("0102030406")));
    }

    @Test
    void twoThatImportEachOtherAreAnErrorAndNoLoop() throws IOException {
        BuildFolder project = project();
        assertThrows(
                BuildException.class,
                () -> project.run("<javacard>"
                        + LIBRARY.replace("/>", "><import exps='applets'/></cap>")
                        + String.format(APPLET, "src", "o.cap", "<import exps='out'/>")
                                .replace("<cap ", "<cap export='applets' ")
                        + "</javacard>"));
    }

    @Test
    void onlyClassesOfThisCompilationAreConverted() throws IOException {
        String cap =
                "<javacard><cap sources='src' classes='bin' aid='0102030405' output='%s' %s><applet class='p.A'/></cap></javacard>";
        BuildFolder project = new BuildFolder(folder)
                .file("src/p/A.java", BuildFolder.applet("p", "A", ""))
                .file(
                        "src/p/Old.java",
                        "package p; public class Old { public static byte[] secret = {1, 2, 3, 4, 5, 6, 7, 8}; }");
        project.run(String.format(cap, "both.cap", ""));
        project.run(String.format(cap, "excluded.cap", "excludes='**/Old*'"));
        Files.delete(folder.resolve("src/p/Old.java"));
        project.run(String.format(cap, "gone.cap", ""));
        assertTrue(Files.exists(folder.resolve("bin/p/Old.class")), "the user's folder is not cleaned");
        assertEquals(
                1, project.cap("gone.cap").descriptor().orElseThrow().classes().size());
        assertEquals(
                2, project.cap("both.cap").descriptor().orElseThrow().classes().size());
        assertArrayEquals(
                Files.readAllBytes(folder.resolve("gone.cap")), Files.readAllBytes(folder.resolve("excluded.cap")));
    }

    @Test
    void aPackageWithTheAidOfOneOfTheApiIsWarnedOf() throws IOException {
        BuildFolder project = project();
        project.run("<javacard>" + LIBRARY + "</javacard>");
        assertFalse(project.logged().contains("whose API has"), project.logged());
        project.run("<javacard>" + LIBRARY.replace("0102030406", "A000000062020801") + "</javacard>");
        assertTrue(
                project.logged()
                        .contains("AID A000000062020801 is that of javacardx.framework.util: a card whose API has"),
                project.logged());
    }

    @Test
    void anAppletMayNotHaveItsPackagesAid() throws IOException {
        BuildFolder project = new BuildFolder(folder).file("src/p/A.java", BuildFolder.applet("p", "A", ""));
        assertThrows(
                BuildException.class,
                () -> project.run("<javacard><cap sources='src' aid='0102030405' output='o.cap'>"
                        + "<applet class='p.A' aid='0102030405'/></cap></javacard>"));
        assertTrue(project.logged().contains("0102030405 is also the AID of package p"), project.logged());
        assertEquals(List.of(), project.files(".cap"));
    }

    @Test
    void aPaymentDirectoryMayHaveItsName() throws IOException {
        BuildFolder project = new BuildFolder(folder).file("src/p/A.java", BuildFolder.applet("p", "A", ""));
        project.run(
                "<javacard><cap sources='src' aid='A000000004' output='o.cap'><applet class='p.A' aid='315041592E5359532E4444463031'/></cap></javacard>");
        assertEquals(List.of("o.cap"), project.files(".cap"));
        assertTrue(project.logged().contains("payment directory"), project.logged());
    }

    @Test
    void aSourceThatIsNotUtf8IsReadWithAWarning() throws IOException {
        BuildFolder project = new BuildFolder(folder).file("src/p/A.java", "");
        String text = BuildFolder.applet("p", "A", "// gr\u00fc\u00dfe");
        Files.write(folder.resolve("src/p/A.java"), text.getBytes(StandardCharsets.ISO_8859_1));
        project.run("<javacard>" + String.format(APPLET, "src", "o.cap", "") + "</javacard>");
        assertTrue(project.logged().contains("A.java:6: warning: byte FC is not UTF-8"), project.logged());
        Files.writeString(folder.resolve("src/p/A.java"), "\uFEFF" + text);
        BuildFolder marked =
                new BuildFolder(folder).run("<javacard>" + String.format(APPLET, "src", "bom.cap", "") + "</javacard>");
        assertFalse(marked.logged().contains("warning"), marked.logged());
        assertArrayEquals(Files.readAllBytes(folder.resolve("o.cap")), Files.readAllBytes(folder.resolve("bom.cap")));
    }

    @Test
    void aStringPoolIsAClassOfByteArrays() throws IOException {
        String pool =
                "import javacardx.annotations.*;\n@StringPool(value = {@StringDef(name = \"HELLO\", value = \"h\u00e9\\u0000\"),"
                        + " @StringDef(name = \"EMPTY\")}, name = \"Words\")\npublic class A";
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "src/p/A.java",
                        BuildFolder.applet(
                                        "p", "A", "apdu.getBuffer()[0] = (byte) (Words.HELLO[1] + Words.EMPTY.length);")
                                .replace("public class A", pool));
        project.run("<javacard>" + String.format(APPLET, "src", "o.cap", "") + "</javacard>");
        assertEquals(
                List.of("68C3A900", ""),
                project.cap("o.cap").staticFields().arrayInits().stream()
                        .map(one -> java.util.HexFormat.of().withUpperCase().formatHex(one.values()))
                        .toList());
        assertThrows(
                BuildException.class,
                () -> project.run("<javacard><cap targetsdk='2.2.2' sources='src' aid='0102030405' output='x.cap'>"
                        + "<applet class='p.A'/></cap></javacard>"));
        assertTrue(project.logged().contains("javacardx.annotations exists since Java Card 3.0.4"), project.logged());
    }

    @Test
    void aStringPoolTakesStringsOfALibrary() throws IOException {
        BuildFolder project = new BuildFolder(folder)
                .file(
                        "lib/q/L.java",
                        "package q; import javacardx.annotations.*;"
                                + " @StringPool(value = @StringDef(name = \"Hello\", value = \"Hi\"), name = \"LibStrings\", export = true) public class L { }")
                .file(
                        "src/p/A.java",
                        BuildFolder.applet(
                                        "p", "A", "AStrings.importLibConstants(); apdu.getBuffer()[0] = AStrings.S[0];")
                                .replace(
                                        "public class A",
                                        "@javacardx.annotations.StringPool(@javacardx.annotations.StringDef(name = \"S\","
                                                + " reference = \"q.LibStrings.Hello\")) public class A"));
        project.run("<javacard>" + LIBRARY + String.format(APPLET, "src", "o.cap", "") + "</javacard>");
        assertTrue(imports(project, "o.cap").contains(Aid.ofHex("0102030406")));
        project.file(
                "src/p/A.java",
                Files.readString(folder.resolve("src/p/A.java")).replace("q.LibStrings.Hello", "q.LibStrings.Bye"));
        assertThrows(
                BuildException.class,
                () -> project.run("<javacard>" + LIBRARY + String.format(APPLET, "src", "o.cap", "") + "</javacard>"));
        assertTrue(project.logged().contains("the string S refers to q.LibStrings.Bye"), project.logged());
    }
}
