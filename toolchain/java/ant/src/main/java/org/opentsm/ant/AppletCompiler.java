// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.apache.tools.ant.BuildException;
import org.opentsm.api.ApiClass;
import org.opentsm.api.ApiIndex;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.ApiMember;
import org.opentsm.api.ApiPackage;
import org.opentsm.api.Declarations;
import org.opentsm.api.Lookup;

/** Compiles applet sources against the stub jar of a level, in this JVM. */
final class AppletCompiler {
    private static final Pattern SYMBOL = Pattern.compile("symbol:\\s+(?:method|variable|class)\\s+(\\w+)");
    private static final Pattern LOCATION =
            Pattern.compile("location:\\s+(?:class|interface|variable \\S+ of type)\\s+([\\w.]+)");

    private final ApiLevel level;
    private final Consumer<String> report;

    AppletCompiler(ApiLevel level, Consumer<String> report) {
        this.level = level;
        this.report = report;
    }

    /**
     * Compiles to class files of version 52 with debug information; the converter reads types from it.
     *
     * @param classes an empty folder, so that all that is in it afterwards comes from these sources
     * @throws BuildException when the sources do not compile; each error has been reported with file and line
     */
    void compile(List<File> sources, List<Path> classPath, Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new BuildException("this Java has no compiler: set JAVA_HOME to a JDK (17 or later)");
        }
        List<String> path = new ArrayList<>();
        classPath.forEach(one -> path.add(one.toString()));
        List<SourceText> texts = new ArrayList<>();
        for (File source : sources) {
            texts.add(SourceText.read(source, report));
        }
        boolean pools = texts.stream().anyMatch(text -> text.mentions(StringPools.PACKAGE));
        // Casts to short that Java does not need are good Java Card style: no warning about them.
        List<String> options = new ArrayList<>(List.of(
                "--release",
                "8",
                "-g",
                "-encoding",
                "UTF-8",
                "-Xlint:all,-options,-serial,-cast,-processing",
                "-sourcepath",
                classes.toString(),
                "-cp",
                String.join(File.pathSeparator, path),
                "-d",
                classes.toString()));
        if (!pools) {
            options.add("-proc:none");
        }
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(found, Locale.ENGLISH, StandardCharsets.UTF_8)) {
            JavaCompiler.CompilationTask task = compiler.getTask(null, files, found, options, null, texts);
            if (pools) {
                task.setProcessors(List.of(new StringPools()));
            }
            boolean compiled = task.call();
            found.getDiagnostics().forEach(this::report);
            if (!compiled) {
                long errors = found.getDiagnostics().stream()
                        .filter(one -> one.getKind() == Diagnostic.Kind.ERROR)
                        .count();
                throw new BuildException(
                        "the sources do not compile: " + errors + (errors == 1 ? " error" : " errors"));
            }
        }
    }

    private void report(Diagnostic<? extends JavaFileObject> one) {
        String message = one.getMessage(Locale.ENGLISH);
        String where = one.getSource() == null ? "" : one.getSource().getName() + ":" + one.getLineNumber() + ": ";
        report.accept(where + one.getKind().toString().toLowerCase(Locale.ROOT).replace('_', ' ') + ": " + message);
        if (one.getCode() != null
                && (one.getCode().startsWith("compiler.err.cant.")
                        || one.getCode().contains("doesnt.exist"))) {
            hint(message);
            if (message.contains(StringPools.PACKAGE)) {
                report.accept("note: " + StringPools.PACKAGE
                        + " exists since Java Card 3.0.4; set targetsdk to that or later");
            }
        }
    }

    /** When a missing name exists in a newer level, says so: javac alone cannot know. */
    private void hint(String message) {
        Matcher symbol = SYMBOL.matcher(message);
        if (!symbol.find()) {
            return;
        }
        Matcher location = LOCATION.matcher(message);
        String owner = location.find() ? location.group(1) : "";
        ApiIndex index = new ApiIndex(level);
        for (ApiPackage one : Declarations.all().packages()) {
            for (ApiClass apiClass : one.classes()) {
                newerIn(index, apiClass, symbol.group(1), owner);
            }
        }
    }

    private void newerIn(ApiIndex index, ApiClass apiClass, String symbol, String owner) {
        String simple = apiClass.display().substring(apiClass.display().lastIndexOf('.') + 1);
        if (simple.equals(symbol) && index.findClass(apiClass.name()) instanceof Lookup.Newer newer) {
            report.accept("note: " + newer.message());
        }
        if (!owner.equals(simple) && !owner.equals(apiClass.display())) {
            return;
        }
        for (ApiMember member : apiClass.declared()) {
            if (member.name().equals(symbol) && !index.has(member)) {
                Lookup lookup = member.isMethod()
                        ? index.findMethod(apiClass.name(), member.name(), member.descriptor())
                        : index.findField(apiClass.name(), member.name());
                if (lookup instanceof Lookup.Newer newer) {
                    report.accept("note: " + newer.message());
                }
            }
        }
    }
}
