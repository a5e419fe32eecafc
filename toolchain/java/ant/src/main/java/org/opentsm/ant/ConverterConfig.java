// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.opentsm.api.ApiException;

/** The vendor converter's .opt file: its command line over several lines, with "#" comments and quoted words. */
final class ConverterConfig {
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
    private static final long MAX_BYTES = 100_000;

    private ConverterConfig() {}

    /** @throws ApiException when there is no such file, or it is too large */
    static List<String> words(Path file) throws IOException {
        if (!Files.isRegularFile(file) || Files.size(file) > MAX_BYTES) {
            throw new ApiException("configuration file " + file + " is no file of at most " + MAX_BYTES + " bytes");
        }
        List<String> words = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
            Matcher word = WORD.matcher(line.replaceAll("(^|\\s)#.*$", ""));
            while (word.find()) {
                words.add(word.group(1) == null ? word.group(2) : word.group(1));
            }
        }
        return words;
    }
}
