// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.tools.ant.BuildEvent;
import org.apache.tools.ant.DefaultLogger;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.ProjectHelper;
import org.opentsm.cap.CapFile;

/** A project folder in which a build file is run by the real Ant. */
final class BuildFolder {
    static {
        // As the launcher does: the stub jar of a level is made once, not for each build.
        System.setProperty("opentsm.cache", stubs());
    }

    final Path folder;
    final List<String> log = new ArrayList<>();

    BuildFolder(Path folder) {
        this.folder = folder;
    }

    private static String stubs() {
        try {
            return Files.createTempDirectory(Files.createDirectories(Path.of("target")), "stubs")
                    .toAbsolutePath()
                    .toString();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    BuildFolder file(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return this;
    }

    /** Runs one {@code <javacard>} element. */
    BuildFolder run(String javacard, String... properties) throws IOException {
        file("build.xml", "<project default='t'><target name='t'>" + javacard + "</target></project>");
        Project project = new Project();
        project.init();
        project.setBaseDir(folder.toFile());
        for (int i = 0; i < properties.length; i += 2) {
            project.setUserProperty(properties[i], properties[i + 1]);
        }
        project.addBuildListener(new Collector());
        project.addBuildListener(new DefineTask());
        project.addTaskDefinition("javacard", JavaCardTask.class);
        ProjectHelper.configureProject(project, folder.resolve("build.xml").toFile());
        project.executeTarget("t");
        return this;
    }

    CapFile cap(String name) throws IOException {
        return CapFile.read(folder.resolve(name));
    }

    String logged() {
        return String.join("\n", log);
    }

    /** Files below the folder that end so, relative. */
    List<String> files(String end) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(file -> file.toString().endsWith(end))
                    .map(file -> folder.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    private final class Collector extends DefaultLogger {
        @Override
        public void messageLogged(BuildEvent event) {
            if (event.getPriority() <= Project.MSG_INFO) {
                log.add(event.getMessage());
            }
        }
    }

    static String applet(String packageName, String name, String body) {
        return "package " + packageName + ";\nimport javacard.framework.*;\npublic class " + name
                + " extends Applet {\n"
                + "  public static void install(byte[] b, short o, byte l) { new " + name + "().register(); }\n"
                + "  public void process(APDU apdu) {\n" + body + "\n  }\n}\n";
    }
}
