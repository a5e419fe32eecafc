// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.opentsm.cap.AppletComponent;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.exp.ExportPath;
import org.opentsm.converter.Converter;
import org.opentsm.converter.ConverterInput;
import org.opentsm.converter.ConverterResult;
import org.opentsm.verifier.Verifier;

/**
 * Converter and verifier alone, in one JVM: {@code ConversionBench FILE.cap CLASSES PACKAGE LEVEL APPLET-CLASS...}.
 * Prints one JSON object. The first run counts apart, as that is what a build meets.
 */
public final class ConversionBench {
    private static final int RUNS = 15;

    private interface Work {
        void run() throws IOException;
    }

    private record Times(double first, double median) {}

    public static void main(String[] arguments) throws IOException {
        CapFile cap = CapFile.read(Path.of(arguments[0]));
        List<byte[]> classFiles = classFiles(Path.of(arguments[1], arguments[2].replace('.', '/')));
        ConverterInput input = input(cap, classFiles, arguments);
        long start = System.nanoTime();
        ConverterResult result = Converter.convert(input);
        double first = (System.nanoTime() - start) / 1e6;
        if (!Arrays.equals(
                cap.loadFileDataBlock(true), result.cap().orElseThrow().loadFileDataBlock(true))) {
            throw new IllegalStateException("the classes do not convert to " + arguments[0]);
        }
        Times converter = timed(() -> Converter.convert(input));
        Times verifier = timed(() -> Verifier.verify(cap, ExportPath.services()));
        int classBytes = 0;
        int poolBytes = 0;
        for (byte[] classFile : classFiles) {
            ClassWriter plain = new ClassWriter(0);
            new ClassReader(classFile).accept(plain, ClassReader.SKIP_DEBUG);
            byte[] bytes = plain.toByteArray();
            classBytes += bytes.length;
            // Magic, version and pool count stand before the pool; header is what follows it.
            poolBytes += new ClassReader(bytes).header - 10;
        }
        System.out.printf(
                Locale.ROOT,
                "{\"converterFirstMs\":%.1f,\"converterMs\":%.1f,\"verifierFirstMs\":%.1f,\"verifierMs\":%.1f,"
                        + "\"loadBytes\":%d,\"classBytes\":%d,\"classConstantBytes\":%d}%n",
                first,
                converter.median,
                verifier.first,
                verifier.median,
                cap.loadFileDataBlock(true).length,
                classBytes,
                poolBytes);
    }

    private static List<byte[]> classFiles(Path folder) throws IOException {
        List<byte[]> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(one -> one.toString().endsWith(".class"))
                    .sorted()
                    .toList()) {
                found.add(Files.readAllBytes(file));
            }
        }
        return found;
    }

    private static ConverterInput input(CapFile cap, List<byte[]> classFiles, String[] arguments) {
        PackageInfo own = cap.header().packageInfo();
        // The imported versions are what the build chose: GlobalPlatform in the lowest that has all.
        ConverterInput.Builder builder = ConverterInput.builder(arguments[2], own.aid(), own.major(), own.minor())
                .level(arguments[3]);
        cap.imports()
                .packages()
                .forEach(one -> builder.exports(List.of(ExportPath.services()
                        .find(one.aid().bytes(), one.major(), one.minor())
                        .orElseThrow())));
        classFiles.forEach(builder::classFile);
        List<AppletComponent.Applet> applets = cap.applet().orElseThrow().applets();
        for (int i = 0; i < applets.size(); i++) {
            builder.applet(applets.get(i).aid(), arguments[4 + i]);
        }
        return builder.build();
    }

    private static Times timed(Work work) throws IOException {
        double[] ms = new double[RUNS];
        for (int i = 0; i < RUNS; i++) {
            long start = System.nanoTime();
            work.run();
            ms[i] = (System.nanoTime() - start) / 1e6;
        }
        double first = ms[0];
        Arrays.sort(ms);
        return new Times(first, ms[RUNS / 2]);
    }
}
