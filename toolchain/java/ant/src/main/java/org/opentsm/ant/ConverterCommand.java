// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.ApiUsage;
import org.opentsm.api.ExportFiles;
import org.opentsm.cap.AtomicFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;
import org.opentsm.cap.exp.ExportBuilder;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportPath;

/** The converter as a command, for the kit folder. Needs neither Ant nor a compiler. */
public final class ConverterCommand {
    private static final String DEFAULT_LEVEL = "3.0.5";

    private ConverterCommand() {}

    /** @return 0 when the outputs were written, else 1 */
    public static int run(String[] arguments, PrintStream out, PrintStream err) {
        return run(arguments, Path.of("").toAbsolutePath(), out, err);
    }

    /** @param base what relative names are relative to */
    static int run(String[] arguments, Path base, PrintStream out, PrintStream err) {
        try {
            ConverterOptions options = ConverterOptions.of(List.of(arguments), base, err::println);
            ConverterArguments parsed = ConverterArguments.of(options, base, DEFAULT_LEVEL);
            convert(parsed, err::println);
            out.println("[ INFO: ] conversion completed with 0 errors.");
            return 0;
        } catch (ApiException
                | CapFormatException
                | IOException
                | UncheckedIOException
                | InvalidPathException
                | Conversion.Failed wrong) {
            err.println("[ ERROR: ] " + wrong.getMessage());
            return 1;
        }
    }

    /** @param report takes each diagnostic */
    static void convert(ConverterArguments parsed, Consumer<String> report) throws IOException {
        String path = parsed.packageName().replace('.', '/');
        Map<String, byte[]> classFiles = new TreeMap<>();
        Path folder = parsed.classes().resolve(path);
        if (!Files.isDirectory(folder)) {
            throw new ApiException(
                    "cannot read the class files of " + parsed.packageName() + ": there is no " + folder);
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(".class")).toList()) {
                classFiles.put(path + "/" + file.getFileName(), CapZip.readBounded(file));
            }
        }
        List<Path> present = new ArrayList<>();
        for (Path one : parsed.exportPath()) {
            if (Files.exists(one)) {
                present.add(one);
            } else if (!KitFolder.isExports(one)) {
                // A kit's need not be there: ours serve for the packages of the card API.
                report.accept("warning: there is no " + one + " (-exportpath)");
            }
        }
        List<ExportFile> exports = new ArrayList<>(new ExportPath(present).files());
        ApiLevel level = ApiUsage.lowest(parsed.level(), classFiles.values(), List.of());
        exports.addAll(new ExportFiles(level).all());
        Path place = parsed.output().resolve(ExportFiles.pathOf(path));
        Optional<ExportFile> previous = Optional.empty();
        Path old = parsed.classes().resolve(ExportFiles.pathOf(path));
        if (parsed.exportmap()) {
            previous = Optional.of(ExportFile.read(CapZip.readBounded(old)));
        }
        Conversion.Result result = new Conversion(level, report)
                .convert(
                        new Conversion.Request(
                                parsed.packageName(),
                                parsed.aid(),
                                parsed.major(),
                                parsed.minor(),
                                parsed.applets(),
                                classFiles,
                                parsed.ints(),
                                parsed.debug(),
                                parsed.outputs().contains("JCA"),
                                previous),
                        exports);
        String base = place.toString().substring(0, place.toString().length() - ".exp".length());
        if (parsed.outputs().contains("CAP")) {
            AtomicFile.write(Path.of(base + ".cap"), result.cap().toZip());
        }
        if (parsed.outputs().contains("EXP")) {
            // ant-javacard expects the file even of a package from which nothing can be imported.
            ExportFile export = result.export().orElseGet(() -> new ExportBuilder(
                            1,
                            path,
                            parsed.aid(),
                            parsed.major(),
                            parsed.minor(),
                            parsed.applets().isEmpty())
                    .build());
            AtomicFile.write(place, export.toBytes());
        }
        if (result.listing().isPresent()) {
            AtomicFile.write(Path.of(base + ".jca"), result.listing().get().getBytes(StandardCharsets.UTF_8));
        }
    }
}
