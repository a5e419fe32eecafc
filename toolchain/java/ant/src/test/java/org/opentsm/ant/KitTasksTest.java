// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.ToolProvider;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Task;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Build files made from the template of the vendor's samples, on a machine without a kit. */
class KitTasksTest {
    private static final String PACKAGE = "com.sun.javacard.ant.";
    private static final String TEMPLATE = "<property name='jc.home' value='${env.JC_HOME_SIMULATOR}'/>"
            + taskdef("convert", "ConverterTask") + taskdef("verifycap", "VerifyCapTask")
            + taskdef("scriptgen", "ScriptgenTask") + taskdef("capgen", "CapgenTask")
            + "<typedef name='appletnameaid' classname='" + PACKAGE + "types.AppletNameAID' classpath='no.jar'/>"
            + "<path id='api'><pathelement path='${jc.home}/lib/api_classic.jar'/>"
            + "<pathelement path='${jc.home}/lib/api_classic_annotations.jar'/></path>"
            + "<pathconvert property='boot' refid='api'/><mkdir dir='build'/>"
            + "<javac srcdir='src' destdir='build' source='7' target='7' debug='yes' includeantruntime='no' "
            + "bootclasspath='${boot}'/>"
            + "<convert dir='build' configfile='p.opt'><classpath refid='api'/></convert>";
    private static final String VERIFY = "<verifycap capfile='build/p/javacard/p.cap' outfile='build/digest.txt' "
            + "nobanner='true'><exportfiles dir='${jc.home}/api_export_files_3.0.4' includes='**/*.exp'/>"
            + "<classpath refid='api'/></verifycap>";

    @TempDir
    Path folder;

    private BuildFolder project;

    private static String taskdef(String name, String task) {
        return "<taskdef name='" + name + "' classname='" + PACKAGE + "tasks." + task
                + "' classpath='${jc.home}/lib/jctasks.jar'/>";
    }

    @BeforeEach
    void anAppletAndItsOptions() throws IOException {
        project = new BuildFolder(folder)
                .file("src/p/A.java", BuildFolder.applet("p", "A", "JCSystem.requestObjectDeletion();"))
                .file(
                        "p.opt",
                        "-out CAP EXP\n-target 3.0.4\n-applet 0x1:0x2:0x3:0x4:0x5:0x1 p.A\n"
                                + "p 0x1:0x2:0x3:0x4:0x5 1.0\n");
    }

    @Test
    void aPackageIsCompiledConvertedAndVerified() throws IOException {
        project.run(TEMPLATE + VERIFY);
        assertEquals(List.of("build/p/javacard/p.cap"), project.files(".cap"));
        assertEquals(
                "p.cap: verified, 0 errors, 0 warnings, 0 notes\n",
                Files.readString(folder.resolve("build/digest.txt")));
        assertTrue(project.logged().contains("p.cap: verified, 0 errors"), project.logged());
    }

    @ParameterizedTest
    @ValueSource(strings = {"scriptgen", "capgen"})
    void aTaskWithoutCounterpartEndsTheBuildOnlyWhenItIsRun(String tag) throws IOException {
        BuildException error = assertThrows(
                BuildException.class,
                () -> project.run(TEMPLATE + "<" + tag
                        + " capfile='build/p/javacard/p.cap' outfile='x'><classpath refid='api'/>"
                        + "<jcainputfile/></" + tag + ">"));
        assertTrue(error.getMessage().contains("<" + tag + "> is a task of the vendor's kit"), error.getMessage());
        assertEquals(List.of("build/p/javacard/p.cap"), project.files(".cap"));
    }

    @Test
    void aCapThatDoesNotVerifyEndsTheBuild() throws IOException {
        project.run(TEMPLATE);
        Path cap = folder.resolve("build/p/javacard/p.cap");
        byte[] whole = Files.readAllBytes(cap);
        Files.write(cap, java.util.Arrays.copyOf(whole, whole.length / 2));
        BuildException error =
                assertThrows(BuildException.class, () -> project.run(taskdef("verifycap", "VerifyCapTask") + VERIFY));
        assertEquals("build/p/javacard/p.cap does not verify", error.getMessage());
        assertTrue(project.logged().contains("p.cap: refused, 1 error"), project.logged());
    }

    /** What a build file means by a name of Ant's own is its business. */
    @Test
    void namesThatABuildFileGivesAnewAreItsOwn() throws IOException {
        project.run("<presetdef name='javac'><javac includeantruntime='no' debug='yes'/></presetdef>"
                + "<macrodef name='unzip'><attribute name='src'/><sequential><echo>not @{src}</echo>"
                + "</sequential></macrodef>"
                + "<taskdef name='untar' classname='org.apache.tools.ant.taskdefs.Echo'/>"
                + "<mkdir dir='build'/><unzip src='a.zip'/><untar message='neither'/>"
                + TEMPLATE.replace(" debug='yes' includeantruntime='no'", ""));
        assertTrue(project.logged().contains("not a.zip"), project.logged());
        assertTrue(project.logged().contains("neither"), project.logged());
        assertEquals(List.of("build/p/javacard/p.cap"), project.files(".cap"));
    }

    /** A kit that is there keeps its tasks. */
    @Test
    void aKitsOwnTaskIsTaken() throws IOException {
        project.file(
                "kit/src/VerifyCapTask.java",
                "package com.sun.javacard.ant.tasks;\npublic class VerifyCapTask extends " + Task.class.getName()
                        + " { public void execute() { log(\"the vendor's own\"); } }\n");
        Path classes = Files.createDirectories(folder.resolve("kit/classes"));
        int compiled = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-cp",
                        System.getProperty("java.class.path").replace(";", File.pathSeparator),
                        "-d",
                        classes.toString(),
                        folder.resolve("kit/src/VerifyCapTask.java").toString());
        assertEquals(0, compiled);
        project.run("<taskdef name='verifycap' classname='" + PACKAGE
                + "tasks.VerifyCapTask'><classpath><pathelement location='kit/classes'/></classpath></taskdef>"
                + "<verifycap/>");
        assertTrue(project.logged().contains("the vendor's own"), project.logged());
    }

    /** Whoever defines another task by a wrong name is told, as by Ant. */
    @Test
    void anotherTaskThatIsNotThereEndsTheBuild() {
        assertThrows(
                BuildException.class, () -> project.run("<taskdef name='x' classname='com.sun.javacardx.Nowhere'/>"));
    }

    private static String javac(String api, String source) {
        return "<mkdir dir='b'/><javac srcdir='src' destdir='b' includeantruntime='no' source='" + source + "' target='"
                + source + "' classpath='" + api + "'/>";
    }

    @ParameterizedTest(name = "{0}, source {1}")
    @CsvSource({"sdks/jc221_kit/lib/api.jar, 1.2", "k/lib/api_classic-2.2.1.jar, 1.5", "k/lib/api.jar, 8"})
    void sourcesAreCompiledWithoutTheApisJar(String api, String source) throws IOException {
        project.run(javac(api, source));
        assertEquals(List.of("b/p/A.class"), project.files(".class"));
    }

    @Test
    void theKitsNameTellsTheLevel() {
        BuildException error =
                assertThrows(BuildException.class, () -> project.run(javac("sdks/jc212_kit/lib/api21.jar", "8")));
        assertTrue(error.getMessage().contains("Compile failed"), error.getMessage());
        assertTrue(project.logged().contains("declarations of Java Card 2.1.2"), project.logged());
    }

    @Test
    void aJarOfTheApiThatIsThereCounts() throws IOException {
        project.file("k/lib/api.jar", "no jar");
        assertThrows(BuildException.class, () -> project.run(javac("k/lib/api.jar", "8")));
        assertFalse(project.logged().contains("our own declarations"), project.logged());
    }

    private String importing(String element) {
        return "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/>" + element
                + "</cap></javacard>";
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<import exps='sub/exports' jar='sub/gp.jar'/>",
                "<import exps='none'/>",
                "<import jar='none.jar'/>",
                "<import jar='src' exps='none'/>"
            })
    void anImportThatIsNotThereIsPassedOverWithAWarning(String element) throws IOException {
        project.file("src/p/A.java", BuildFolder.applet("p", "A", "org.globalplatform.GPSystem.getCardState();"));
        project.run(importing(element));
        assertEquals(List.of("o.cap"), project.files(".cap"));
        assertTrue(project.logged().contains("does not exist: "), project.logged());
    }

    @Test
    void whatNeedsAnImportThatIsNotThereSaysSo() throws IOException {
        project.file("src/p/A.java", BuildFolder.applet("p", "A", "q.Sums.add();"));
        assertThrows(BuildException.class, () -> project.run(importing("<import jar='lib/q.jar' exps='lib'/>")));
        assertTrue(project.logged().contains("lib/q.jar"), project.logged());
        assertTrue(project.logged().contains("package q does not exist"), project.logged());
        assertEquals(List.of(), project.files(".cap"));
    }
}
