// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.licel.jcardsim.base.Simulator;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.tools.ant.BuildException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Applets that somebody else wrote and compiled: the samples in jCardSim's jar. */
class ForeignAppletsTest {
    private static final String SAMPLES = "com/licel/jcardsim/samples/";
    private static final List<String> NAMES = List.of(
            "BaseApplet",
            "HelloWorldApplet",
            "SymmetricCipherApplet",
            "MultiInstanceApplet",
            "DualInterfaceApplet",
            "ApduExtendedCasesApplet",
            "Sha1Applet",
            "GlobalArrayAccess",
            "GlobalArrayServerApplet");

    @TempDir
    Path folder;

    @BeforeEach
    void unpack() throws IOException {
        for (String name : NAMES) {
            unpack(name);
        }
    }

    private void unpack(String name) throws IOException {
        Files.createDirectories(folder.resolve("bin/" + SAMPLES));
        try (InputStream in = Simulator.class.getResourceAsStream("/" + SAMPLES + name + ".class")) {
            Files.write(folder.resolve("bin/" + SAMPLES + name + ".class"), in.readAllBytes());
        }
    }

    private BuildFolder build(String attributes) throws IOException {
        return new BuildFolder(folder)
                .run(
                        "<javacard><cap classes='bin' package='com.licel.jcardsim.samples' aid='F000000001' output='o.cap' "
                                + attributes
                                + "><applet class='HelloWorldApplet'/><applet class='SymmetricCipherApplet'/><applet class='Sha1Applet'/>"
                                + "<applet class='ApduExtendedCasesApplet'/></cap></javacard>");
    }

    @Test
    void convertAndVerify() throws IOException {
        build("targetsdk='3.0.5' ints='true'");
        assertEquals(
                4,
                new BuildFolder(folder)
                        .cap("o.cap")
                        .applet()
                        .orElseThrow()
                        .applets()
                        .size());
    }

    @Test
    void withoutIntsTheirIntArithmeticIsNamedByLine() throws IOException {
        BuildFolder project = new BuildFolder(folder);
        assertThrows(
                BuildException.class,
                () -> project.run(
                        "<javacard><cap classes='bin' package='com.licel.jcardsim.samples' "
                                + "aid='F000000001' output='o.cap' targetsdk='3.0.5'><applet class='HelloWorldApplet'/></cap></javacard>"));
        assertTrue(
                project.logged().contains("line 170: com.licel.jcardsim.samples.HelloWorldApplet.sayHello"),
                project.logged());
        assertEquals(List.of(), project.files(".cap"));
    }

    @Test
    void whatTheLevelLacksIsNamed() throws IOException {
        BuildException error = assertThrows(BuildException.class, () -> build("targetsdk='2.2.1' ints='true'"));
        assertTrue(error.getMessage().contains("errors"), error.getMessage());
    }

    @Test
    void whatIsNotJavaCardIsNamed() throws IOException {
        unpack("PersistentApplet");
        BuildFolder project = new BuildFolder(folder);
        assertThrows(
                BuildException.class,
                () -> project.run(
                        "<javacard><cap classes='bin' package='com.licel.jcardsim.samples' "
                                + "aid='F000000001' output='o.cap' targetsdk='3.0.5' ints='true'><applet class='PersistentApplet'/></cap></javacard>"));
        assertTrue(project.logged().contains("java.lang.System is not part of the Java Card API"), project.logged());
    }
}
