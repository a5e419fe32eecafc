// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.types.FileSet;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.ApiUsage;
import org.opentsm.api.Declarations;
import org.opentsm.api.DeterministicJar;
import org.opentsm.api.ExportFiles;
import org.opentsm.api.StubJar;
import org.opentsm.cap.AtomicFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;
import org.opentsm.cap.exp.ExportFile;

/** Compiles, converts, verifies and writes one CAP. */
final class CapBuild {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_CLASSES = 4096;

    private final CapElement cap;
    private final CapPlan plan;
    private final Project project;

    CapBuild(CapElement cap, CapPlan plan) {
        this.cap = cap;
        this.plan = plan;
        this.project = cap.getProject();
    }

    void run() {
        Path temporary = null;
        try {
            temporary = Files.createTempDirectory("opentsm-cap");
            build(temporary);
        } catch (IOException failed) {
            throw new BuildException(
                    failed.getMessage() == null ? failed.toString() : failed.getMessage(), failed, cap.getLocation());
        } catch (ApiException | CapFormatException | Conversion.Failed wrong) {
            throw new BuildException(wrong.getMessage(), wrong, cap.getLocation());
        } finally {
            delete(temporary);
        }
    }

    private void build(Path temporary) throws IOException {
        ImportedPackages imports = ImportedPackages.of(project, cap.imports, line -> cap.log(line, Project.MSG_WARN));
        Path classes = compile(temporary, imports);
        Map<String, byte[]> classFiles = packageClasses(classes);
        ApiLevel level = ApiUsage.lowest(plan.level(), classFiles.values(), pinned());
        List<ExportFile> exports = new ArrayList<>(imports.exports());
        exports.addAll(BuiltPackages.of(project).exports(plan.packageName()));
        exports.addAll(new ExportFiles(level).all());
        Conversion.Result result = new Conversion(level, line -> cap.log(line, Project.MSG_WARN))
                .convert(request(classFiles, classes), exports);
        if (cap.verify) {
            Verification.check(result.cap(), exports, line -> cap.log(line, Project.MSG_WARN));
        }
        write(result, classFiles);
        result.export().ifPresent(export -> BuiltPackages.of(project).add(plan.packageName(), export, classFiles));
    }

    private Conversion.Request request(Map<String, byte[]> classFiles, Path classes) throws IOException {
        return new Conversion.Request(
                plan.packageName(),
                plan.aid(),
                plan.major(),
                plan.minor(),
                plan.applets(),
                classFiles,
                cap.ints,
                cap.debug,
                cap.jca != null,
                previousExport(classes));
    }

    private List<String> pinned() {
        return Declarations.all().packages().stream()
                .filter(one -> project.getProperty("api." + one.display()) != null)
                .map(one -> one.name())
                .toList();
    }

    private Path compile(Path temporary, ImportedPackages imports) throws IOException {
        List<File> sources = sourceFiles();
        if (sources == null) {
            File given = project.resolveFile(cap.classes);
            if (!given.isDirectory()) {
                throw new BuildException("classes folder does not exist: " + given);
            }
            return given.toPath();
        }
        if (sources.isEmpty()) {
            throw new BuildException("no Java source in " + describeSources());
        }
        Path classes = Files.createDirectory(temporary.resolve("classes"));
        List<Path> classPath = new ArrayList<>(imports.jars());
        classPath.add(Files.createDirectory(temporary.resolve("built")));
        BuiltPackages.of(project).writeClasses(plan.packageName(), temporary.resolve("built"));
        classPath.add(stubJar(temporary));
        cap.log(
                "compiling " + sources.size() + (sources.size() == 1 ? " source" : " sources") + " from "
                        + describeSources() + " for " + plan.level(),
                Project.MSG_INFO);
        new AppletCompiler(plan.level(), line -> cap.log(line, Project.MSG_WARN)).compile(sources, classPath, classes);
        if (cap.classes != null) {
            copyClasses(classes, project.resolveFile(cap.classes).toPath());
        }
        return classes;
    }

    /** Class files that older sources left in the folder stay there, but in no CAP of this build. */
    private static void copyClasses(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from, MAX_DEPTH)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(".class")).toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /** The stub jar of the level, kept in the launcher's cache when there is one. */
    private Path stubJar(Path temporary) throws IOException {
        String cache = System.getProperty("opentsm.cache");
        String name = "stubs-" + plan.level().toString().replaceAll("[^A-Za-z0-9.]+", "_") + ".jar";
        Path jar = (cache == null ? temporary : Path.of(cache)).resolve(name);
        if (!Files.exists(jar)) {
            StubJar.write(plan.level(), jar);
        }
        return jar;
    }

    private String describeSources() {
        return cap.sourceElements.isEmpty() ? cap.sources : "nested <sources>";
    }

    /** Null when only class files are given. */
    private List<File> sourceFiles() {
        if (cap.sources == null && cap.classes == null && cap.sourceElements.isEmpty()) {
            cap.sources = Stream.of("src/main/javacard", "src/main/java")
                    .filter(name -> project.resolveFile(name).isDirectory())
                    .findFirst()
                    .orElseThrow(() -> new BuildException("give the attribute sources or classes"));
        }
        if (cap.sources == null && cap.sourceElements.isEmpty()) {
            return null;
        }
        if (cap.sources != null && !cap.sourceElements.isEmpty()) {
            throw new BuildException("use either the attribute sources or nested <sources>, not both");
        }
        List<File> found = new ArrayList<>();
        for (SourcesElement element : cap.sourceElements) {
            found.addAll(scan(element.path(), element.includes(), element.excludes()));
        }
        if (cap.sources != null) {
            String all = cap.sources2 == null ? cap.sources : cap.sources + File.pathSeparator + cap.sources2;
            for (String path : new org.apache.tools.ant.types.Path(project, all).list()) {
                found.addAll(scan(path, cap.includes, cap.excludes));
            }
        }
        return found;
    }

    private List<File> scan(String path, String includes, String excludes) {
        if (path == null) {
            throw new BuildException("a nested <sources> needs the attribute path");
        }
        File folder = project.resolveFile(path);
        if (!folder.isDirectory()) {
            throw new BuildException("sources folder does not exist: " + folder);
        }
        FileSet set = new FileSet();
        set.setProject(project);
        set.setDir(folder);
        if (includes != null) {
            set.setIncludes(includes);
        }
        if (excludes != null) {
            set.setExcludes(excludes);
        }
        return Stream.of(set.getDirectoryScanner(project).getIncludedFiles())
                .filter(name -> name.endsWith(".java"))
                .sorted()
                .map(name -> new File(folder, name))
                .toList();
    }

    /** Class files of the package itself; a CAP holds one package, so sub-packages stay out. */
    private Map<String, byte[]> packageClasses(Path classes) throws IOException {
        String path = plan.packageName().replace('.', '/');
        Path folder = classes.resolve(path);
        Map<String, byte[]> found = new TreeMap<>();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.filter(one -> one.toString().endsWith(".class"))
                        .sorted()
                        .toList()) {
                    found.put(path + "/" + file.getFileName(), CapZip.readBounded(file));
                }
            }
        }
        if (found.isEmpty() || found.size() > MAX_CLASSES) {
            throw new BuildException(
                    found.isEmpty()
                            ? "no class of package " + plan.packageName() + " among "
                                    + (cap.classes == null ? describeSources() : classes)
                            : found.size() + " class files in " + folder + ": too many");
        }
        for (Conversion.Applet applet : plan.applets()) {
            if (!found.containsKey(applet.className().replace('.', '/') + ".class")) {
                throw new BuildException("applet class " + applet.className() + " is not among "
                        + (cap.classes == null ? describeSources() : "the class files of " + classes));
            }
        }
        return found;
    }

    /** With exportmap, the export file of the version before, beside the class files as the vendor's tool wants it. */
    private Optional<ExportFile> previousExport(Path classes) throws IOException {
        if (!cap.exportmap) {
            return Optional.empty();
        }
        String place = ExportFiles.pathOf(plan.packageName().replace('.', '/'));
        List<Path> tried = new ArrayList<>(List.of(classes.resolve(place)));
        if (cap.sources != null) {
            for (String path : new org.apache.tools.ant.types.Path(project, cap.sources).list()) {
                tried.add(project.resolveFile(path).toPath().resolve(place));
            }
        }
        for (Path one : tried) {
            if (Files.isRegularFile(one)) {
                return Optional.of(ExportFile.read(CapZip.readBounded(one)));
            }
        }
        throw new BuildException("exportmap is set, but there is no " + tried.get(0));
    }

    private void write(Conversion.Result result, Map<String, byte[]> classFiles) throws IOException {
        byte[] block = result.cap().loadFileDataBlock(true);
        String hash = sha256(block);
        Path output = project.resolveFile(OutputName.of(cap.output, plan, hash)).toPath();
        AtomicFile.write(output, result.cap().toZip());
        Map<String, byte[]> jar = new HashMap<>(classFiles);
        String place = ExportFiles.pathOf(plan.packageName().replace('.', '/'));
        result.export().ifPresent(export -> jar.put(place, export.toBytes()));
        if (cap.export != null) {
            Path folder = project.resolveFile(cap.export).toPath();
            String last = plan.packageName().substring(plan.packageName().lastIndexOf('.') + 1);
            DeterministicJar.write(folder.resolve(last + ".jar"), jar);
            if (result.export().isPresent()) {
                AtomicFile.write(folder.resolve(place), result.export().get().toBytes());
            } else {
                // What an earlier build exported is no longer so.
                Files.deleteIfExists(folder.resolve(place));
            }
        }
        if (cap.jar != null) {
            DeterministicJar.write(project.resolveFile(cap.jar).toPath(), jar);
        }
        if (result.listing().isPresent()) {
            AtomicFile.write(
                    project.resolveFile(cap.jca).toPath(),
                    result.listing().get().getBytes(StandardCharsets.UTF_8));
        }
        cap.log(
                "CAP saved to " + output + " (" + block.length + " bytes to load, SHA-256 " + hash.substring(0, 16)
                        + "...)",
                Project.MSG_INFO);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static void delete(Path folder) {
        if (folder == null) {
            return;
        }
        try {
            Files.walkFileTree(folder, java.util.Set.of(), MAX_DEPTH, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path directory, IOException failure) throws IOException {
                    Files.delete(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException left) {
            // a temporary folder that cannot be removed is the system's to clean
        }
    }
}
