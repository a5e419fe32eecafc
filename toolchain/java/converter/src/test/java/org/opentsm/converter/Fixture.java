// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;
import org.opentsm.api.AnyLevel;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.ExportFiles;
import org.opentsm.api.StubJar;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.verifier.Finding;
import org.opentsm.verifier.Verifier;

/** Compiles small packages with javac, converts them and verifies every CAP that comes out. */
final class Fixture {
    static final Aid PACKAGE_AID = Aid.ofHex("A00000007301");
    static final Aid APPLET_AID = Aid.ofHex("A0000000730101");
    private static final Pattern PACKAGE = Pattern.compile("\\bpackage\\s+([\\w.]+)\\s*;");
    private static final Pattern TYPE = Pattern.compile("\\b(?:class|interface|enum)\\s+(\\w+)");
    private static final AnyLevel ANY_LEVEL = new AnyLevel();
    private static final Map<String, List<ExportFile>> EXPORTS = new TreeMap<>();
    private static final Map<String, Path> STUBS = new TreeMap<>();

    private Fixture() {}

    /** The stub jar of a level, made once. */
    static synchronized Path stubs(String level) {
        return STUBS.computeIfAbsent(level, name -> {
            try {
                Path jar = Files.createTempFile("stubs-" + name, ".jar");
                jar.toFile().deleteOnExit();
                StubJar.write(ApiLevel.of(name), jar);
                return jar;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    static synchronized List<ExportFile> exports(String level) {
        return EXPORTS.computeIfAbsent(level, name -> new ExportFiles(ApiLevel.of(name)).all());
    }

    /** Compiles sources that start with their package declaration; returns class files by class path. */
    static Map<String, byte[]> compile(String... sources) {
        return compile("3.0.5", Map.of(), List.of("--release", "8", "-g"), sources);
    }

    /** @param libraries class files the sources may use */
    static Map<String, byte[]> compile(
            String level, Map<String, byte[]> libraries, List<String> options, String... sources) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager standard = compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8);
        Map<String, byte[]> output = new TreeMap<>();
        JavaFileManager files = new MemoryFiles(standard, libraries, output);
        List<JavaFileObject> units = new ArrayList<>();
        for (String source : sources) {
            units.add(new SourceText(source));
        }
        List<String> all = new ArrayList<>(options);
        all.addAll(List.of("-Xlint:none", "-nowarn", "-proc:none"));
        java.io.StringWriter messages = new java.io.StringWriter();
        try {
            standard.setLocation(
                    StandardLocation.CLASS_PATH, List.of(stubs(level).toFile()));
            boolean done =
                    compiler.getTask(messages, files, null, all, null, units).call();
            assertTrue(done, messages::toString);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return output;
    }

    static ConverterInput.Builder input(String packageName, Map<String, byte[]> classes) {
        ConverterInput.Builder builder = ConverterInput.builder(packageName, PACKAGE_AID, 1, 0)
                .level("3.0.5")
                .exports(exports("3.0.5"));
        classes.values().forEach(builder::classFile);
        return builder;
    }

    /** Converts a package that must come out without errors and verify without findings. */
    static ConverterResult convert(ConverterInput.Builder builder) {
        return convert(builder, List.of());
    }

    static ConverterResult convert(ConverterInput.Builder builder, List<ExportFile> more) {
        ConverterResult result = Converter.convert(builder.exports(more).build());
        assertEquals(List.of(), result.errors());
        List<Finding> findings = Verifier.verify(result.cap().orElseThrow(), provider(more));
        assertEquals("", text(findings), () -> "findings on a CAP of ours");
        byte[] zip = result.cap().get().toZip();
        assertEquals(hex(zip), hex(CapFile.read(zip).toZip()));
        return result;
    }

    private static String text(List<Finding> findings) {
        StringBuilder text = new StringBuilder();
        findings.forEach(finding -> text.append(finding).append('\n'));
        return text.toString();
    }

    /** The API of any level, and more packages by AID. */
    static ExportFileProvider provider(List<ExportFile> more) {
        ExportFileProvider own = (aid, major, minor) -> more.stream()
                .filter(file -> file.aid().equals(new Aid(aid)) && file.major() == major && file.minor() >= minor)
                .findFirst();
        return own.or(ANY_LEVEL);
    }

    /** Converts one library package from sources. */
    static CapFile library(String packageName, String... sources) {
        return convert(input(packageName, compile(sources))).cap().orElseThrow();
    }

    /** Converts one package with an applet class. */
    static CapFile applet(String packageName, String appletClass, String... sources) {
        return convert(input(packageName, compile(sources)).applet(APPLET_AID, appletClass))
                .cap()
                .orElseThrow();
    }

    /** The errors of a package that must not convert. */
    static List<Diagnostic> errors(ConverterInput.Builder builder) {
        ConverterResult result = Converter.convert(builder.build());
        assertFalse(result.succeeded(), "the package should have been refused");
        assertTrue(result.cap().isEmpty() && result.exp().isEmpty());
        return result.errors();
    }

    static List<Diagnostic> errors(String packageName, String... sources) {
        return errors(input(packageName, compile(sources)));
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().withUpperCase().formatHex(bytes);
    }

    /** Hex without blanks, for expectations written in groups. */
    static String bytes(String grouped) {
        return grouped.replaceAll("\\s", "").toUpperCase(Locale.ROOT);
    }

    private static final class SourceText extends SimpleJavaFileObject {
        private final String text;

        SourceText(String text) {
            super(URI.create("string:///" + path(text) + ".java"), Kind.SOURCE);
            this.text = text;
        }

        private static String path(String text) {
            Matcher pack = PACKAGE.matcher(text);
            Matcher type = TYPE.matcher(text);
            if (!pack.find() || !type.find()) {
                throw new IllegalArgumentException("no package or class in: " + text);
            }
            return pack.group(1).replace('.', '/') + "/" + type.group(1);
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    private static final class MemoryFiles extends ForwardingJavaFileManager<StandardJavaFileManager> {
        private final Map<String, byte[]> libraries;
        private final Map<String, byte[]> output;

        MemoryFiles(StandardJavaFileManager standard, Map<String, byte[]> libraries, Map<String, byte[]> output) {
            super(standard);
            this.libraries = libraries;
            this.output = output;
        }

        @Override
        public Iterable<JavaFileObject> list(
                Location location, String packageName, java.util.Set<JavaFileObject.Kind> kinds, boolean recurse)
                throws IOException {
            List<JavaFileObject> result = new ArrayList<>();
            super.list(location, packageName, kinds, recurse).forEach(result::add);
            if (location == StandardLocation.CLASS_PATH) {
                libraries.forEach((name, bytes) -> {
                    if (LinkedClass.packageOf(name).equals(packageName.replace('.', '/'))) {
                        result.add(new ClassBytes(name, bytes));
                    }
                });
            }
            return result;
        }

        @Override
        public String inferBinaryName(Location location, JavaFileObject file) {
            return file instanceof ClassBytes c ? c.name.replace('/', '.') : super.inferBinaryName(location, file);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
            return new SimpleJavaFileObject(URI.create("mem:///" + className.replace('.', '/') + ".class"), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            output.put(className.replace('.', '/'), toByteArray());
                        }
                    };
                }
            };
        }
    }

    private static final class ClassBytes extends SimpleJavaFileObject {
        private final String name;
        private final byte[] bytes;

        ClassBytes(String name, byte[] bytes) {
            super(URI.create("mem:///" + name + ".class"), Kind.CLASS);
            this.name = name;
            this.bytes = bytes;
        }

        @Override
        public java.io.InputStream openInputStream() {
            return new java.io.ByteArrayInputStream(bytes);
        }
    }
}
