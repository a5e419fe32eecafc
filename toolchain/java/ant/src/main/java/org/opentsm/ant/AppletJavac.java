// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.taskdefs.Javac;
import org.apache.tools.ant.types.Path;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.KitName;
import org.opentsm.api.StubJar;

/**
 * {@code <javac>} with the card API of a kit on its class path: where that jar is not there, our declarations stand in
 * for it, and a {@code source} or {@code target} older than this JDK takes becomes 8, which the converter reads as
 * well. What the jar's kit is called tells the level; else it is the newest one, and the converter says what the
 * package's own level does not have. Every other {@code <javac>} is Ant's own.
 */
public final class AppletJavac extends Javac {
    private static final Pattern API =
            Pattern.compile("(api|api21|api_classic(-[\\d.]+)?|api_connected|javacardframework)\\.jar");
    private static final String OLDEST = "8";
    private static final Pattern OLDER = Pattern.compile("(1\\.)?[1-7](\\.0)?|jsr14");

    private boolean noKit;

    /** The JDK's own classes when the kit is not there: a path of nothing would hide java.lang. */
    @Override
    public Path getBootclasspath() {
        return noKit ? null : super.getBootclasspath();
    }

    @Override
    public void execute() {
        Optional<File> absent = Stream.of(getBootclasspath(), getClasspath())
                .filter(path -> path != null)
                .flatMap(path -> Stream.of(path.list()))
                .map(File::new)
                .filter(file -> API.matcher(file.getName()).matches() && !file.exists())
                .findFirst();
        if (absent.isEmpty()) {
            super.execute();
            return;
        }
        ApiLevel level = level(absent.get());
        log("no " + absent.get() + ": compiling with our own declarations of " + level, Project.MSG_INFO);
        setSource(atLeastOldest(getSource()));
        setTarget(atLeastOldest(getTarget()));
        java.nio.file.Path folder = null;
        try {
            folder = Files.createTempDirectory("opentsm-javac");
            java.nio.file.Path stubs = folder.resolve("api.jar");
            StubJar.write(level, stubs);
            createClasspath().setLocation(stubs.toFile());
            noKit = true;
            createCompilerArg().setValue("-Xlint:-options");
            super.execute();
        } catch (IOException failed) {
            throw new BuildException("cannot read or write: " + failed.getMessage(), failed, getLocation());
        } finally {
            CapBuild.delete(folder);
        }
    }

    /** What {@code api_classic-3.0.5.jar} or the kit of {@code jc222_kit/lib/api.jar} is called, else the newest. */
    private static ApiLevel level(File jar) {
        File kit = jar.getParentFile() == null ? null : jar.getParentFile().getParentFile();
        return ApiLevel.of(KitName.level(jar.getName().replaceAll("^[a-z_]*-|\\.jar$", ""))
                .or(() -> kit == null ? Optional.empty() : KitName.level(kit.getName()))
                .orElse(ApiLevel.NAMES.get(ApiLevel.NAMES.size() - 1)));
    }

    private static String atLeastOldest(String value) {
        return value != null && OLDER.matcher(value).matches() ? OLDEST : value;
    }
}
