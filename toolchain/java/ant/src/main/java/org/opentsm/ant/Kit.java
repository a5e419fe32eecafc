// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.DeterministicJar;
import org.opentsm.api.ExportFiles;
import org.opentsm.api.KitName;
import org.opentsm.api.StubJar;

/**
 * Writes a kit folder for the original ant-javacard: it takes the folder for an SDK 3.2.0 and starts our converter. Its
 * own verification needs the vendor's verifier, so such a build says {@code verify="false"}. Scripts for the vendor's
 * kits find {@code bin/converter} and {@code lib/converter.jar} in it; and in a folder that is called as a kit is
 * ({@code jc222_kit}), the API's jar and export files of that level by the names of those kits.
 */
final class Kit {
    private static final String VERSION = "3.2.0";
    /** Kit version to the level of our declarations that stands behind it. */
    private static final Map<String, String> LEVELS =
            Map.of("3.0.4", "3.0.4", "3.0.5", "3.0.5", "3.1.0", "3.1", VERSION, "3.2");

    private static final String UNIX =
            """
            #!/bin/sh
            exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" \\
              -cp "$(dirname "$0")/../lib/converter.jar" com.sun.javacard.converter.Converter "$@"
            """;
    private static final String WINDOWS =
            """
            @echo off\r
            java -cp "%~dp0..\\lib\\converter.jar" com.sun.javacard.converter.Converter %*\r
            """;

    private Kit() {}

    /**
     * @param lib folder with the toolchain's jars
     * @throws ApiException when the folder has other things in it
     */
    static void write(Path folder, Path lib) throws IOException {
        if (Files.exists(folder.resolve("lib")) && !Files.exists(folder.resolve("opentsm-kit"))) {
            throw new ApiException(folder + " is a kit of somebody else; choose another folder");
        }
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve("opentsm-kit"), "Generated; an interface for ant-javacard's jckit attribute.\n");
        tools(folder.resolve("lib/tools.jar"), lib);
        // Scripts for the kits 2.2 name this jar.
        Files.copy(folder.resolve("lib/tools.jar"), folder.resolve("lib/converter.jar"), REPLACE_EXISTING);
        command(folder.resolve("bin/converter"), UNIX);
        command(folder.resolve("bin/converter.bat"), WINDOWS);
        for (Map.Entry<String, String> entry : LEVELS.entrySet()) {
            ApiLevel level = ApiLevel.of(entry.getValue());
            StubJar.write(level, folder.resolve("lib/api_classic-" + entry.getKey() + ".jar"));
            DeterministicJar.write(folder.resolve("lib/api_classic_annotations-" + entry.getKey() + ".jar"), Map.of());
            new ExportFiles(level).writeTo(folder.resolve("api_export_files_" + entry.getKey()));
        }
        Optional<String> called =
                KitName.level(folder.toAbsolutePath().getFileName().toString());
        new ExportFiles(ApiLevel.of(called.orElse("3.0.5"))).writeTo(folder.resolve("api_export_files"));
        if (called.isPresent()) {
            api(folder.resolve("lib"), ApiLevel.of(called.get()));
        }
    }

    /** The API's jar by the names of the kits 2.1.2, 2.2.x and 3.0.x, which scripts compile against. */
    private static void api(Path lib, ApiLevel level) throws IOException {
        for (String name : List.of("api21.jar", "api.jar", "api_classic.jar")) {
            StubJar.write(level, lib.resolve(name));
        }
        DeterministicJar.write(lib.resolve("api_classic_annotations.jar"), Map.of());
    }

    private static void command(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        if (!file.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + file + " executable");
        }
    }

    /** One jar with the converter and all it needs, because ant-javacard puts nothing else on the class path. */
    private static void tools(Path target, Path lib) throws IOException {
        Map<String, byte[]> entries = new HashMap<>();
        for (Path jar : jars(lib)) {
            try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(jar))) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    if (!entry.isDirectory()
                            && !entry.getName().startsWith("META-INF/")
                            && !entry.getName().equals("module-info.class")) {
                        entries.put(entry.getName(), zip.readAllBytes());
                    }
                }
            }
        }
        entries.put(
                "com/sun/javacard/toolsversion.properties",
                ("converter.version=" + VERSION + "\n").getBytes(StandardCharsets.ISO_8859_1));
        DeterministicJar.write(target, entries);
    }

    private static List<Path> jars(Path lib) throws IOException {
        try (Stream<Path> files = Files.list(lib)) {
            List<Path> found = files.filter(
                            path -> path.getFileName().toString().matches("(opentsm|asm).*\\.jar"))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new ApiException("no toolchain jars in " + lib);
            }
            return found;
        }
    }
}
