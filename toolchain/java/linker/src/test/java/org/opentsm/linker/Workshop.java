// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.objectweb.asm.Type;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.ExportFiles;
import org.opentsm.api.StubJar;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.converter.Converter;
import org.opentsm.converter.ConverterInput;
import org.opentsm.converter.ConverterResult;

/** Packages made from source, twice: as the compiler's class files, and converted to a CAP and linked back. */
final class Workshop {
    private static final Pattern TYPE =
            Pattern.compile("package\\s+([\\w.]+)\\s*;.*?\\b(?:class|interface)\\s+(\\w+)", Pattern.DOTALL);
    private static final List<ExportFile> API = new ExportFiles(ApiLevel.of("3.0.5")).all();
    private static final short[] EDGES = {
        0, 1, -1, 2, 3, 5, 127, 128, -128, -129, 255, 256, 20000, 32767, -32768, 7, 100
    };
    private static Path stubs;
    private final Map<String, byte[]> classFiles = new LinkedHashMap<>();
    private final Map<String, byte[]> linkedFiles = new LinkedHashMap<>();
    private final Map<String, ExportClass> exported = new HashMap<>();
    private final Map<String, String> linkedNames = new HashMap<>();
    private final List<ExportFile> exports = new ArrayList<>(API);
    private final Linker linker = new Linker(Workshop.class.getClassLoader(), List.of());
    private final ClassLoader original = loader(classFiles);
    private final ClassLoader linked = loader(linkedFiles);

    private static ClassLoader loader(Map<String, byte[]> files) {
        return new ClassLoader(Workshop.class.getClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                byte[] bytes = files.get(name);
                if (bytes == null) {
                    throw new ClassNotFoundException(name);
                }
                return defineClass(name, bytes, 0, bytes.length);
            }
        };
    }

    private final boolean withDescriptor;

    Workshop() {
        this(true);
    }

    /** @param withDescriptor whether the CAPs that are linked have their Descriptor component */
    Workshop(boolean withDescriptor) {
        this.withDescriptor = withDescriptor;
    }

    Linker linker() {
        return linker;
    }

    /** Compiles, converts and links one package; later packages may import it. */
    LinkedPackage add(String packageName, String aid, boolean ints, Map<String, String> applets, String... sources) {
        ConverterResult result = convert(packageName, aid, ints, applets, sources);
        CapFile cap = result.cap().orElseThrow();
        LinkedPackage made = linker.link(withDescriptor ? cap : CapFile.readLoadFile(cap.loadFileDataBlock(false)));
        linkedFiles.putAll(made.classes());
        result.exp().ifPresent(exp -> {
            exports.add(exp);
            for (ExportClass item : exp.classes()) {
                exported.put(item.name(), item);
                linkedNames.put(
                        item.name(),
                        made.exports().classByToken(item.token()).orElseThrow().name());
            }
        });
        return made;
    }

    /** Compiles against the packages added before, and converts. */
    ConverterResult convert(
            String packageName, String aid, boolean ints, Map<String, String> applets, String... sources) {
        ConverterInput.Builder input = ConverterInput.builder(packageName, Aid.ofHex(aid), 1, 0)
                .level("3.0.5")
                .exports(exports)
                .debug(true)
                .ints(ints);
        compile(sources).forEach((name, bytes) -> {
            classFiles.put(name, bytes);
            input.classFile(bytes);
        });
        applets.forEach((appletAid, name) -> input.applet(Aid.ofHex(appletAid), name));
        ConverterResult result = Converter.convert(input.build());
        assertEquals(List.of(), result.errors());
        return result;
    }

    static CapFile cap(String source) {
        return new Workshop()
                .convert("one", "F000000001", true, Map.of(), source)
                .cap()
                .orElseThrow();
    }

    private Map<String, byte[]> compile(String... sources) {
        try {
            Path folder = Files.createTempDirectory("linker");
            try {
                return compile(folder, sources);
            } finally {
                try (Stream<Path> files = Files.walk(folder)) {
                    files.sorted(Comparator.reverseOrder())
                            .forEach(file -> file.toFile().delete());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, byte[]> compile(Path folder, String... sources) throws IOException {
        Path libraries = Files.createDirectories(folder.resolve("libraries"));
        for (Map.Entry<String, byte[]> earlier : classFiles.entrySet()) {
            Path file = libraries.resolve(earlier.getKey().replace('.', '/') + ".class");
            Files.createDirectories(file.getParent());
            Files.write(file, earlier.getValue());
        }
        List<Path> written = new ArrayList<>();
        for (String source : sources) {
            Matcher type = TYPE.matcher(source);
            assertTrue(type.find(), source);
            Path file = folder.resolve("src/" + type.group(1).replace('.', '/') + "/" + type.group(2) + ".java");
            Files.createDirectories(file.getParent());
            written.add(Files.writeString(file, source));
        }
        Path output = Files.createDirectories(folder.resolve("out"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
            Iterable<? extends JavaFileObject> units = manager.getJavaFileObjectsFromPaths(written);
            String classPath = libraries + java.io.File.pathSeparator + stubs();
            List<String> options = List.of(
                    "--release",
                    "8",
                    "-g",
                    "-Xlint:none",
                    "-nowarn",
                    "-proc:none",
                    "-cp",
                    classPath,
                    "-d",
                    output.toString());
            assertTrue(
                    compiler.getTask(messages, manager, null, options, null, units)
                            .call(),
                    messages::toString);
        }
        Map<String, byte[]> classes = new LinkedHashMap<>();
        try (Stream<Path> files = Files.walk(output)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                String name = output.relativize(file).toString().replace(java.io.File.separatorChar, '.');
                classes.put(name.substring(0, name.length() - ".class".length()), Files.readAllBytes(file));
            }
        }
        return classes;
    }

    private static synchronized Path stubs() throws IOException {
        if (stubs == null) {
            stubs = Files.createTempFile("stubs", ".jar");
            stubs.toFile().deleteOnExit();
            StubJar.write(ApiLevel.of("3.0.5"), stubs);
        }
        return stubs;
    }

    Class<?> originalClass(String name) {
        return load(original, name);
    }

    /** @param name a public class by its name in the source */
    Class<?> linkedClass(String name) {
        return load(linked, linkedNames.get(name.replace('.', '/')).replace('/', '.'));
    }

    Class<?> byLinkedName(String name) {
        return load(linked, name);
    }

    private static Class<?> load(ClassLoader loader, String name) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Calls every public static method of a class both ways with the same arguments; results and array contents must
     * agree.
     */
    int compare(String className, long seed, int rounds) {
        Random random = new Random(seed);
        ExportClass face = exported.get(className.replace('.', '/'));
        Class<?> before = originalClass(className);
        Class<?> after = linkedClass(className);
        List<Method> methods = Arrays.stream(before.getDeclaredMethods())
                .filter(method -> Modifier.isStatic(method.getModifiers()) && Modifier.isPublic(method.getModifiers()))
                .sorted(Comparator.comparing(Method::getName))
                .toList();
        int calls = 0;
        for (Method method : methods) {
            Method twin = twin(face, after, method);
            for (int round = 0; round < rounds; round++, calls++) {
                Object[] arguments = arguments(method, random);
                assertEquals(
                        call(method, arguments, name -> name),
                        call(twin, arguments, this::sourceName),
                        () -> method.getName() + Arrays.deepToString(arguments));
            }
        }
        return calls;
    }

    private Method twin(ExportClass face, Class<?> after, Method method) {
        int token = face.method(method.getName(), Type.getMethodDescriptor(method))
                .orElseThrow()
                .token();
        try {
            ExportFile own = linker.packages().stream()
                    .map(LinkedPackage::exports)
                    .filter(file ->
                            file.classByName(Type.getInternalName(after)).isPresent())
                    .findFirst()
                    .orElseThrow();
            String name = own.classByName(Type.getInternalName(after)).orElseThrow().methods().stream()
                    .filter(item -> item.isStatic() && item.token() == token)
                    .findFirst()
                    .orElseThrow()
                    .name();
            return Arrays.stream(after.getMethods())
                    .filter(item -> item.getName().equals(name))
                    .findFirst()
                    .orElseThrow();
        } catch (java.util.NoSuchElementException e) {
            throw new AssertionError(method.toString(), e);
        }
    }

    private String sourceName(String linkedName) {
        return linkedNames.entrySet().stream()
                .filter(entry -> entry.getValue().replace('/', '.').equals(linkedName))
                .map(entry -> entry.getKey().replace('/', '.'))
                .findFirst()
                .orElse(linkedName);
    }

    private static String call(Method method, Object[] arguments, Function<String, String> names) {
        Object[] copies = Arrays.stream(arguments).map(Workshop::copy).toArray();
        for (int i = 0; i < copies.length; i++) {
            copies[i] = as(method.getParameterTypes()[i], copies[i]);
        }
        String outcome;
        try {
            Object result = method.invoke(null, copies);
            outcome = String.valueOf(result instanceof Boolean truth ? truth ? 1 : 0 : result);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof LinkageError broken) {
                throw broken;
            }
            outcome = names.apply(e.getCause().getClass().getName());
            if (e.getCause() instanceof javacard.framework.CardRuntimeException card) {
                outcome += " " + card.getReason();
            } else if (e.getCause() instanceof javacard.framework.CardException card) {
                outcome += " " + card.getReason();
            }
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
        return outcome
                + Arrays.deepToString(Arrays.stream(copies)
                        .map(value -> as(short.class, value))
                        .toArray());
    }

    /** Without Descriptor, boolean and byte are not told from short. */
    private static Object as(Class<?> type, Object value) {
        if (type != short.class) {
            return value;
        }
        return value instanceof Boolean truth
                ? (Object) (short) (truth ? 1 : 0)
                : value instanceof Byte number ? (Object) number.shortValue() : value;
    }

    private static Object copy(Object value) {
        return value instanceof byte[] bytes ? bytes.clone() : value instanceof short[] shorts ? shorts.clone() : value;
    }

    private static Object[] arguments(Method method, Random random) {
        Object[] result = new Object[method.getParameterCount()];
        for (int i = 0; i < result.length; i++) {
            Class<?> type = method.getParameterTypes()[i];
            short value = random.nextInt(3) > 0 ? EDGES[random.nextInt(EDGES.length)] : (short) random.nextInt();
            if (type == short.class) {
                result[i] = value;
            } else if (type == byte.class) {
                result[i] = (byte) value;
            } else if (type == boolean.class) {
                result[i] = random.nextBoolean();
            } else if (type == int.class) {
                result[i] = random.nextInt(2) == 0 ? random.nextInt() : Integer.valueOf(value);
            } else {
                byte[] bytes = new byte[8];
                random.nextBytes(bytes);
                result[i] = bytes;
            }
        }
        return result;
    }
}
