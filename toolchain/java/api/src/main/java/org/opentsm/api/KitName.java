// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The Java Card level in the name of a development kit's folder, in the spellings of the vendor (java_card_kit-2_2_2,
 * java_card_devkit_tools-bin-v24.1), of ant-javacard (jc305u3_kit, jc310r20210706_kit) and of people (3.0.4,
 * kit-2.2.1).
 */
public final class KitName {
    /** For error texts: what may stand where a kit is named. */
    public static final String KNOWN =
            "a level (" + String.join(", ", ApiLevel.NAMES) + ") or a kit folder such as jc211_kit,"
                    + " java_card_kit-2_2_1, jc222_kit, java_card_kit-3_0_3, jc304_kit, "
                    + "jc305u3_kit, jc310r20210706_kit,"
                    + " jc320v24.1_kit or java_card_devkit_tools-bin-v24.1";

    /** A level's digits with or without signs between them, then perhaps an update: 2_2_2, 3.0.5u3, 304, 3.1.0-u5. */
    private static final List<Pattern> SPELLINGS = List.of(
            Pattern.compile("jc(?:dk)?[._-]?(\\d)(\\d)(\\d)?(?!\\d)"),
            Pattern.compile("(?<!\\d|\\d[._])(\\d)[._-](\\d)(?:[._-]0?(\\d))?(?![0-9])(?:[._-]?u\\d+)?(?![._]?\\d)"),
            Pattern.compile("(?<!\\d)(\\d)(\\d)(\\d)(?!\\d)"));
    /** From 24.0 on the vendor numbers its kit by the year; it holds Java Card 3.2. */
    private static final Pattern BY_YEAR = Pattern.compile("(?<!\\d)v?(24|25)[._][01](?!\\d)");
    /** The tools of 3.1 whose folder tells only the day: java_card_tools-win-bin-b_17-06_jul_2021. */
    private static final Pattern BY_DAY =
            Pattern.compile("java_card_(tools|simulator)-.*\\d\\d_[a-z]{3}_(2019|2020|2021)");

    private KitName() {}

    /**
     * The name of the level, one of {@link ApiLevel#NAMES}.
     *
     * @param text a path with any separator, of which only the last name counts
     * @return empty when the name tells no level that is known
     */
    public static Optional<String> level(String text) {
        String name = text.replace('\\', '/')
                .replaceAll("/+$", "")
                .replaceAll(".*/", "")
                .trim()
                .toLowerCase(Locale.ROOT);
        if (BY_DAY.matcher(name).find()) {
            return Optional.of("3.1");
        }
        if (BY_YEAR.matcher(name).find()) {
            return Optional.of("3.2");
        }
        for (Pattern spelling : SPELLINGS) {
            Matcher found = spelling.matcher(name);
            if (found.find()) {
                String third = found.group(3) == null ? "" : "." + found.group(3);
                return ApiLevel.named(found.group(1) + "." + found.group(2) + third);
            }
        }
        return Optional.empty();
    }
}
