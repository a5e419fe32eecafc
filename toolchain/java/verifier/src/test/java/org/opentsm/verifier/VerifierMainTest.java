// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerifierMainTest {
    @TempDir
    Path folder;

    private Path exports;

    @BeforeEach
    void writeExports() throws IOException {
        exports = folder.resolve("exports");
        Exports.LANG.writeTo(exports.resolve("java/lang/javacard/lang.exp"));
        Exports.FRAMEWORK.writeTo(exports.resolve("javacard/framework/javacard/framework.exp"));
    }

    @Test
    void aSoundCapPrintsOneLine() throws IOException {
        Path cap = folder.resolve("sound.cap");
        new SoundPackage().p.build().writeTo(cap);
        StringBuilder out = new StringBuilder();
        assertEquals(List.of(), VerifierMain.verify(cap, List.of(exports), out));
        assertEquals("sound.cap: verified, 0 errors, 0 warnings, 0 notes\n", out.toString());
    }

    @Test
    void aFindingNamesItsPlaceAndRule() throws IOException {
        SoundPackage sound = new SoundPackage();
        sound.override.code = "aconst_null; sreturn";
        Path cap = folder.resolve("broken.cap");
        sound.p.build().writeTo(cap);
        StringBuilder out = new StringBuilder();
        VerifierMain.verify(cap, List.of(exports), out);
        assertTrue(
                out.toString()
                        .startsWith(
                                "broken.cap: error: Method class @0013 method @0016 at 1: expected short, found null [stack-type]\n"),
                out.toString());
        assertTrue(out.toString().endsWith("broken.cap: refused, 1 error, 0 warnings, 0 notes\n"), out.toString());
    }

    @Test
    void aFileThatIsNoCapIsOneError() throws IOException {
        Path file = Files.write(folder.resolve("no.cap"), new byte[] {1, 2, 3});
        StringBuilder out = new StringBuilder();
        List<Finding> findings = VerifierMain.verify(file, List.of(exports), out);
        assertEquals(List.of("format"), findings.stream().map(Finding::rule).toList());
    }

    @Test
    void theWorstComesFirst() throws IOException {
        SoundPackage sound = new SoundPackage();
        sound.override.code = "aconst_null; sreturn";
        Path cap = folder.resolve("broken.cap");
        sound.p.build().writeTo(cap);
        StringBuilder out = new StringBuilder();
        VerifierMain.verify(cap, List.of(), out);
        List<String> kinds =
                out.toString().lines().map(line -> line.split(": ")[1]).toList();
        assertTrue(kinds.contains("note"), out.toString());
        assertTrue(kinds.indexOf("error") < kinds.indexOf("note"), out.toString());
    }

    @Test
    void aFolderStandsForAllCapsBelowIt() throws IOException {
        new SoundPackage().p.build().writeTo(folder.resolve("deep/er/a.cap"));
        Files.write(folder.resolve("deep/B.IJC"), new SoundPackage().p.build().loadFileDataBlock(true));
        Files.writeString(folder.resolve("deep/readme.txt"), "no CAP");
        assertEquals(
                List.of("B.IJC", "a.cap"),
                VerifierMain.capsIn(folder.resolve("deep")).stream()
                        .map(one -> one.getFileName().toString())
                        .sorted()
                        .toList());
        assertThrows(IOException.class, () -> VerifierMain.capsIn(exports));
    }

    @Test
    void missingFilesAreIoErrors() {
        assertThrows(
                IOException.class,
                () -> VerifierMain.verify(folder.resolve("none.cap"), List.of(exports), new StringBuilder()));
        assertThrows(
                IOException.class,
                () -> VerifierMain.verify(
                        folder.resolve("none.cap"), List.of(folder.resolve("none")), new StringBuilder()));
    }
}
