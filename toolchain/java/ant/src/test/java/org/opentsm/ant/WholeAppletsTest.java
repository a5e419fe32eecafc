// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.tools.ant.BuildException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.cap.exp.ExportPath;
import org.opentsm.verifier.Verifier;

/** Applets of the kinds public projects have (src/test/applets), built for every level. */
class WholeAppletsTest {
    private static final Path APPLETS = Path.of("src/test/applets").toAbsolutePath();

    @TempDir
    Path folder;

    private BuildFolder build(String level, String attributes, String children) throws IOException {
        return new BuildFolder(folder)
                .run("<javacard><cap targetsdk='" + level + "' version='1.0' " + attributes + ">" + children
                        + "</cap></javacard>");
    }

    private CapFile applet(String level, String name, String applet, String imports) throws IOException {
        BuildFolder project = build(
                level,
                "aid='F0000000A1' output='" + name + ".cap' sources='" + APPLETS.resolve(name) + "'",
                "<applet class='org.example." + name + "." + applet + "' aid='F0000000A101'/>" + imports);
        assertEquals(
                List.of(),
                project.log.stream()
                        .filter(line -> line.contains("warning") || line.contains("error"))
                        .toList());
        return project.cap(name + ".cap");
    }

    private static void assertVerified(CapFile cap, ExportFileProvider exports) {
        assertEquals(List.of(), Verifier.verify(cap, exports));
    }

    private static int framework(CapFile cap) {
        return cap.imports().packages().stream()
                .filter(one -> one.aid().toString().equals("A0000000620101"))
                .findFirst()
                .orElseThrow()
                .minor();
    }

    @ParameterizedTest
    @CsvSource({"2.2.1, 2", "2.2.2, 3", "3.0.1, 4", "3.0.4, 5", "3.0.5, 6"})
    void aTagOfTheNfcForum(String level, int minor) throws IOException {
        CapFile cap = applet(level, "ndef", "NdefApplet", "");
        assertVerified(cap, ExportPath.services());
        assertEquals(minor, framework(cap));
        assertTrue(cap.loadFileDataBlock(true).length < 2048);
    }

    @ParameterizedTest
    @CsvSource({"2.2.1, 2", "2.2.2, 3", "3.0.1, 4", "3.0.4, 5", "3.0.5, 6"})
    void aKeyCardWithChainingAndPins(String level, int minor) throws IOException {
        CapFile cap = applet(level, "openpgp", "OpenPgpApplet", "");
        assertVerified(cap, ExportPath.services());
        assertEquals(minor, framework(cap));
    }

    @ParameterizedTest
    @ValueSource(strings = {"2.2.1", "2.2.2", "3.0.1", "3.0.4", "3.0.5"})
    void aLibraryOfShareableInterfacesAndItsUser(String level) throws IOException {
        CapFile library = build(
                        level,
                        "package='org.example.counter' aid='F0000000A3' output='lib.cap' export='exp' sources='"
                                + APPLETS.resolve("counter") + "'",
                        "")
                .cap("lib.cap");
        assertVerified(library, ExportPath.services());
        CapFile cap = applet(level, "loyalty", "LoyaltyApplet", "<import exps='exp' jar='exp/counter.jar'/>");
        assertVerified(cap, new ExportPath(List.of(folder.resolve("exp"))).or(ExportPath.services()));
        assertTrue(cap.imports().packages().stream()
                .anyMatch(one -> one.aid().toString().equals("F0000000A3")));
    }

    /** From sources the compiler cannot find it; from class files compiled for a later level the converter names it. */
    @ParameterizedTest(name = "{0}: {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "2.2.1 | 2.2.2 | javacard.security.MessageDigest.getInitializedMessageDigestInstance((byte) 1, false) | getInitializedMessageDigestInstance",
                "3.0.1 | 3.0.4 | JCSystem.makeGlobalArray((byte) 1, (short) 1) | makeGlobalArray",
                "2.2.1 | 3.0.4 | new javacard.security.SignatureMessageRecovery[1] | SignatureMessageRecovery",
                "3.0.4 | 3.0.5 | new OwnerPINBuilder[1] | OwnerPINBuilder",
                "3.0.1 | 3.0.5 | Util.arrayFill(new byte[1], (short) 0, (short) 1, (byte) 0) | arrayFill"
            })
    void whatALevelHasNotIsNamed(String level, String later, String expression, String name) throws IOException {
        BuildFolder project =
                new BuildFolder(folder).file("src/p/A.java", BuildFolder.applet("p", "A", "" + statement(expression)));
        String cap =
                "<javacard><cap targetsdk='%s' aid='0102030405' output='o.cap' %s><applet class='p.A'/></cap></javacard>";
        assertThrows(BuildException.class, () -> project.run(String.format(cap, level, "sources='src'")));
        assertTrue(
                project.log.stream()
                        .anyMatch(line -> line.contains(name)
                                && line.contains(later.equals("3.0.4") && level.equals("2.2.1") ? "2.2.2" : later)),
                project.logged());
        assertEquals(List.of(), project.files(".cap"));
        project.run(String.format(cap, later, "sources='src' classes='bin'"));
        project.log.clear();
        assertThrows(
                BuildException.class,
                () -> project.run(String.format(cap, level, "classes='bin'").replace("o.cap", "old.cap")));
        assertTrue(
                project.log.stream().anyMatch(line -> line.contains(name) && line.contains("p.A")), project.logged());
        assertEquals(List.of("o.cap"), project.files(".cap"));
    }

    private static String statement(String expression) {
        return expression.startsWith("new ") ? "Object o = " + expression + ";" : expression + ";";
    }
}
