// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.opentsm.api.ApiException;

/**
 * The vendor converter's command line as it stands, word by word; what is left out is null or empty. Options may stand
 * before and after PACKAGE AID VERSION.
 */
final class ConverterOptions {
    private static final Set<String> IGNORED =
            Set.of("-verbose", "-v", "-nobanner", "-noverify", "-useproxyclass", "-nowarn");
    private static final Set<String> KINDS = Set.of("CAP", "EXP", "JCA");
    /** A semicolon, which the vendor's files for Windows have, is one everywhere, and the colon of a drive nowhere. */
    private static final String SEPARATOR = File.pathSeparator.equals(":") ? ";|:(?!\\\\)|(?<!\\b[A-Za-z]):" : ";";

    String output;
    String classes;
    String target;
    String config;
    final List<String> exportPath = new ArrayList<>();
    final Set<String> outputs = new TreeSet<>();
    boolean ints;
    boolean debug;
    boolean exportmap;
    /** Each an AID and a class name. */
    final List<String[]> applets = new ArrayList<>();
    /** PACKAGE, AID, VERSION. */
    final List<String> operands = new ArrayList<>();

    private static final class Words {
        private final List<String> words;
        private int next;

        Words(List<String> words) {
            this.words = words;
        }

        boolean more() {
            return next < words.size();
        }

        String value(String option) {
            if (!more()) {
                throw new ApiException(option + " needs a value");
            }
            return words.get(next++);
        }
    }

    /** @throws ApiException when an option is unknown or lacks its value */
    static ConverterOptions of(List<String> words) {
        ConverterOptions options = new ConverterOptions();
        Words left = new Words(words);
        while (left.more()) {
            String word = left.value("");
            if (word.startsWith("-")) {
                options.option(word, left);
            } else {
                options.operands.add(word);
            }
        }
        return options;
    }

    /**
     * The same, with what the file of {@code -config} says where the command line says nothing.
     *
     * @param base   what relative names are relative to
     * @param report takes what of the file does not count
     */
    static ConverterOptions of(List<String> words, Path base, Consumer<String> report) throws IOException {
        ConverterOptions options = of(words);
        if (options.config != null) {
            options.fill(ofFile(base.resolve(localName(options.config))), "the configuration file", report);
        }
        return options;
    }

    /** @throws ApiException when the file is missing or names another */
    static ConverterOptions ofFile(Path file) throws IOException {
        ConverterOptions options = of(ConverterConfig.words(file));
        if (options.config != null) {
            throw new ApiException(file + " names another configuration file, " + options.config);
        }
        return options;
    }

    private void option(String option, Words left) {
        switch (option) {
            case "-d" -> output = left.value(option);
            case "-classdir" -> classes = left.value(option);
            case "-target" -> target = left.value(option);
            case "-config" -> config = left.value(option);
            case "-exportpath" -> exportPath.addAll(path(left.value(option)));
            case "-i" -> ints = true;
            case "-debug" -> debug = true;
            case "-exportmap" -> exportmap = true;
            case "-applet" -> applets.add(new String[] {left.value(option), left.value(option)});
            case "-out" -> {
                while (left.more() && KINDS.contains(left.words.get(left.next))) {
                    outputs.add(left.value(option));
                }
            }
            default -> {
                if (!IGNORED.contains(option)) {
                    throw new ApiException("unknown option " + option);
                }
            }
        }
    }

    /** Parts of a path. */
    private static List<String> path(String text) {
        List<String> parts = new ArrayList<>();
        for (String part : text.split(SEPARATOR)) {
            if (!part.isBlank()) {
                parts.add(part.strip());
            }
        }
        return parts;
    }

    /** A name with the separators of this machine: files that were written on Windows have backslashes. */
    static String localName(String name) {
        return name.replace('\\', File.separatorChar);
    }

    /**
     * Takes from another source what is not said here: single values and operands where there are none, export paths,
     * kinds of output, flags and applets of other classes beside those here.
     *
     * @param whose  the other's name, for the report
     * @param report takes a line for each value that is said twice, and differently
     */
    void fill(ConverterOptions other, String whose, Consumer<String> report) {
        output = first("-d", output, other.output, whose, report);
        classes = first("-classdir", classes, other.classes, whose, report);
        target = first("-target", target, other.target, whose, report);
        for (String one : other.exportPath) {
            if (!exportPath.contains(one)) {
                exportPath.add(one);
            }
        }
        outputs.addAll(other.outputs);
        ints |= other.ints;
        debug |= other.debug;
        exportmap |= other.exportmap;
        for (String[] applet : other.applets) {
            if (applets.stream().noneMatch(one -> simple(one[1]).equals(simple(applet[1])))) {
                applets.add(applet);
            }
        }
        String mine = operands.isEmpty() ? null : String.join(" ", operands);
        String others = other.operands.isEmpty() ? null : String.join(" ", other.operands);
        if (mine == null) {
            operands.addAll(other.operands);
        } else {
            first("the package", mine, others, whose, report);
        }
    }

    /** All are in one package, which need not be written. */
    private static String simple(String className) {
        return className.substring(className.lastIndexOf('.') + 1);
    }

    private static String first(String what, String mine, String other, String whose, Consumer<String> report) {
        if (mine != null && other != null && !Objects.equals(mine, other)) {
            report.accept(
                    "warning: " + what + " is " + mine + "; " + whose + " has " + other + ", which does not count");
        }
        return mine == null ? other : mine;
    }
}
