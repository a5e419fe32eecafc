// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFormatException;

/**
 * The converter's command line as ant-javacard writes it: {@code -d OUT -classdir IN [-target LEVEL] [-exportpath PATH]
 * [-i] [-debug] [-exportmap] -out CAP [EXP] [JCA] (-applet AID CLASS)* PACKAGE AID VERSION}; -verbose, -nobanner,
 * -noverify and -useproxyclass change nothing here.
 */
record ConverterArguments(
        Path output,
        Path classes,
        ApiLevel level,
        List<Path> exportPath,
        Set<String> outputs,
        boolean ints,
        boolean debug,
        boolean exportmap,
        List<Conversion.Applet> applets,
        String packageName,
        Aid aid,
        int major,
        int minor) {
    private static final Set<String> IGNORED =
            Set.of("-verbose", "-v", "-nobanner", "-noverify", "-useproxyclass", "-nowarn");
    private static final Set<String> KINDS = Set.of("CAP", "EXP", "JCA");
    private static final Pattern VERSION = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})");

    /** @throws ApiException when an argument is missing or wrong */
    static ConverterArguments parse(String[] arguments) {
        return new Reader(arguments).read();
    }

    private static final class Reader {
        private final String[] words;
        private int next;
        private Path output;
        private Path classes;
        private ApiLevel level = ApiLevel.of("3.0.5");
        private final List<Path> exportPath = new ArrayList<>();
        private final Set<String> outputs = new TreeSet<>();
        private final List<Conversion.Applet> applets = new ArrayList<>();
        private boolean ints;
        private boolean debug;
        private boolean exportmap;

        Reader(String[] words) {
            this.words = words;
        }

        ConverterArguments read() {
            while (next < words.length && words[next].startsWith("-")) {
                option(words[next++]);
            }
            if (words.length - next != 3) {
                throw new ApiException(
                        "expected PACKAGE AID VERSION at the end, got " + (words.length - next) + " words");
            }
            if (classes == null) {
                throw new ApiException("-classdir is missing");
            }
            Matcher version = VERSION.matcher(words[next + 2]);
            if (!version.matches()
                    || Integer.parseInt(version.group(1)) > 255
                    || Integer.parseInt(version.group(2)) > 255) {
                throw new ApiException("'" + words[next + 2] + "' is not a version: write major.minor");
            }
            if (outputs.isEmpty()) {
                outputs.addAll(Set.of("CAP", "EXP"));
            }
            return new ConverterArguments(
                    output == null ? classes : output,
                    classes,
                    level,
                    exportPath,
                    outputs,
                    ints,
                    debug,
                    exportmap,
                    List.copyOf(applets),
                    words[next],
                    aid(words[next + 1]),
                    Integer.parseInt(version.group(1)),
                    Integer.parseInt(version.group(2)));
        }

        private void option(String option) {
            switch (option) {
                case "-d" -> output = Path.of(value(option));
                case "-classdir" -> classes = Path.of(value(option));
                case "-target" -> level = ApiLevel.of(value(option));
                case "-exportpath" ->
                    List.of(value(option).split(Pattern.quote(File.pathSeparator)))
                            .forEach(one -> exportPath.add(Path.of(one)));
                case "-i" -> ints = true;
                case "-debug" -> debug = true;
                case "-exportmap" -> exportmap = true;
                case "-applet" -> {
                    Aid aid = aid(value(option));
                    applets.add(new Conversion.Applet(value(option), aid));
                }
                case "-out" -> {
                    while (next < words.length && KINDS.contains(words[next])) {
                        outputs.add(words[next++]);
                    }
                }
                default -> {
                    if (!IGNORED.contains(option)) {
                        throw new ApiException("unknown option " + option);
                    }
                }
            }
        }

        private String value(String option) {
            if (next >= words.length) {
                throw new ApiException(option + " needs a value");
            }
            return words[next++];
        }

        private static Aid aid(String text) {
            try {
                return Aid.ofHex(text.replaceAll("(?i)0x", "").replace(":", ""));
            } catch (IllegalArgumentException | CapFormatException wrong) {
                throw new ApiException("'" + text + "' is not an AID of 5 to 16 bytes");
            }
        }
    }
}
