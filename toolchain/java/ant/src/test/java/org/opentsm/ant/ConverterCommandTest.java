// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The converter's command line, as people, Makefiles and the vendor's samples write it. */
class ConverterCommandTest {
    private static final String SAMPLE = "com.sun.javacard.samples.HelloWorld";

    /** Line by line as the sample of the vendor's kits 2.2 has it. */
    private static final String OPT = "-out EXP JCA CAP\n-exportpath .\n"
            + "-applet  0xa0:0x0:0x0:0x0:0x62:0x3:0x1:0xc:0x1:0x1 com.sun.javacard.samples.HelloWorld.HelloWorld\n"
            + "com.sun.javacard.samples.HelloWorld\n0xa0:0x0:0x0:0x0:0x62:0x3:0x1:0xc:0x1 1.0\n";

    @TempDir
    static Path folder;

    private static BuildFolder project;

    @BeforeAll
    static void compile() throws IOException {
        String source = "src/com/sun/javacard/samples/HelloWorld/HelloWorld.java";
        project = new BuildFolder(folder)
                .file(source, BuildFolder.applet(SAMPLE, "HelloWorld", ""))
                .file("classes/hello.opt", OPT)
                .file(
                        "classes/windows.opt",
                        OPT.replace("-exportpath .", "-classdir .\\ -exportpath ..\\jc221_kit\\api_export_files\\;.\\"))
                .file(
                        "classes/drive.opt",
                        OPT.replace("-exportpath .", "-exportpath C:\\jc\\jc221_kit\\api_export_files;.\\"))
                .file("classes/again.opt", "-config hello.opt");
        project.run("<javacard><cap targetsdk='2.2.1' sources='src' classes='classes' package='" + SAMPLE
                + "' version='1.0' aid='A00000006203010C01' output='ours.cap'><applet class='" + SAMPLE
                + ".HelloWorld' aid='A00000006203010C0101'/></cap></javacard>");
    }

    /** @return what it printed, errors first */
    private static String run(int code, String... words) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        int result = ConverterCommand.run(words, folder.resolve("classes"), out, out);
        String text = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(code, result, text);
        return text;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "-d 1 -exportpath ../java_card_kit-2_2_1/api_export_files -config hello.opt",
        "-config hello.opt -target jc221_kit -d 1",
        "-config windows.opt -d 1",
        "-config drive.opt -d 1",
        "-config hello.opt -target 2.2.1 -d 1 -applet 0xa0:0x0:0x0:0x0:0x62:0x3:0x1:0xc:0x1:0x1 HelloWorld",
        "-v -nobanner -target 2.2.1 -d 1 -out CAP -applet 0xa0:0x0:0x0:0x0:0x62:0x3:0x1:0xc:0x1:0x1 HelloWorld "
                + "com.sun.javacard.samples.HelloWorld A0:0:0:0:62:3:1:C:1 1.0",
    })
    void convertsTheVendorsSampleAsTheTaskDoes(String line) throws IOException {
        String said = run(0, line.split(" "));
        assertFalse(said.contains("-exportpath"), said);
        String made = "classes/1/com/sun/javacard/samples/HelloWorld/javacard/HelloWorld.cap";
        assertArrayEquals(
                project.cap("ours.cap").loadFileDataBlock(true),
                project.cap(made).loadFileDataBlock(true));
    }

    @Test
    void theCommandLineCountsBeforeTheFile() throws IOException {
        String said = run(0, "-config", "hello.opt", "-d", "2", SAMPLE, "A000000062", "1.1");
        assertTrue(said.contains("warning: the package is " + SAMPLE + " A000000062 1.1"), said);
        assertEquals(
                List.of("classes/2/com/sun/javacard/samples/HelloWorld/javacard/HelloWorld.cap"),
                project.files("HelloWorld.cap").stream()
                        .filter(one -> one.startsWith("classes/2"))
                        .toList());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "-config                                        | -config needs a value",
                "-config none.opt                               | none.opt is no file",
                "-config again.opt                              | names another configuration file",
                "-config hello.opt -target kit                  | names no Java Card level",
                "-config hello.opt -speed 9                     | unknown option -speed",
                "-config hello.opt -classdir none               | cannot read the class files",
                "-d out                                         | expected PACKAGE AID VERSION",
                "/p 0102030405 1.0                              | '/p' is not a package name",
                "../p 0102030405 1.0                            | '../p' is not a package name",
                "p 0102030405 1.0 2.0                           | expected PACKAGE AID VERSION",
                "p 0x1:0x2:0x3:0x4 1.0                          | is not an AID of 5 to 16 bytes",
                "p 0x1:0x2:0x3:0x4:0x123 1.0                    | is not an AID of 5 to 16 bytes",
            })
    void refuses(String line, String message) {
        String said = run(1, line.split(" "));
        assertTrue(said.startsWith("[ ERROR: ]") && said.contains(message), said);
    }
}
