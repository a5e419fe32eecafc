// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What an applet is compiled against: a Java Card level, which fixes the versions of java.*, javacard.* and
 * javacardx.*, and one version each of the packages that GlobalPlatform and ETSI number on their own.
 */
public final class ApiLevel {
    /** Java Card levels that can be chosen, ascending. */
    public static final List<String> NAMES =
            List.of("2.1.1", "2.1.2", "2.2.1", "2.2.2", "3.0.1", "3.0.4", "3.0.5", "3.1", "3.2");

    private final String name;
    private final Map<String, Version> chosen;

    private ApiLevel(String name, Map<String, Version> chosen) {
        this.name = name;
        this.chosen = chosen;
    }

    /**
     * A level by its name; other packages are at their newest version.
     *
     * @param text "3.0.4", or an SDK's name for it ("jc304", "3.0.5u3", "2.2.0", "3.1.0"; kit 3.0.3 holds API 3.0.1)
     * @throws ApiException when no such level is declared
     */
    public static ApiLevel of(String text) {
        String wanted = text.trim().toLowerCase(Locale.ROOT).replaceAll("u\\d+$", "");
        if (wanted.matches("jc\\d{3}")) {
            wanted = wanted.charAt(2) + "." + wanted.charAt(3) + "." + wanted.charAt(4);
        }
        return new ApiLevel(
                named(wanted)
                        .orElseThrow(() -> new ApiException("Java Card level '" + text
                                + "' is not known; choose one of " + String.join(", ", NAMES))),
                Map.of());
    }

    /** The level that a version of the specification or of a kit stands for. */
    static Optional<String> named(String version) {
        String level =
                switch (version) {
                    case "2.2", "2.2.0" -> "2.2.1";
                    case "3.0.3", "3.0.2" -> "3.0.1";
                    case "3.1.0" -> "3.1";
                    case "3.2.0" -> "3.2";
                    default -> version;
                };
        return NAMES.contains(level) ? Optional.of(level) : Optional.empty();
    }

    /** True when this level is the named one or a later one. */
    public boolean isAtLeast(String level) {
        return NAMES.indexOf(name) >= NAMES.indexOf(level);
    }

    /**
     * The same level with one package at the given version.
     *
     * @param packageName with slashes or dots
     * @throws ApiException when the package or the version is not declared, or follows the Java Card level
     */
    public ApiLevel with(String packageName, Version version) {
        String path = packageName.replace('.', '/');
        ApiPackage found = Declarations.all()
                .findPackage(path)
                .orElseThrow(() -> new ApiException("no API package " + packageName + " is declared"));
        if (found.followsLevel()) {
            throw new ApiException(packageName + " follows the Java Card level and cannot be versioned apart from it");
        }
        if (!found.versions().contains(version)) {
            throw new ApiException(packageName + " has no version " + version + "; known are " + found.versions());
        }
        Map<String, Version> next = new TreeMap<>(chosen);
        next.put(path, version);
        return new ApiLevel(name, next);
    }

    public String name() {
        return name;
    }

    /** Version of a package at this level; empty when the level does not have it or it is not ours. */
    public Optional<Version> versionOf(String packageName) {
        Version explicit = chosen.get(packageName);
        if (explicit != null) {
            return Optional.of(explicit);
        }
        return Declarations.all()
                .findPackage(packageName)
                .flatMap(one ->
                        Optional.ofNullable(one.followsLevel() ? one.levels().get(name) : one.newest()));
    }

    /** First level whose version of the package is at least the given one; empty when none is known. */
    public static Optional<String> firstLevelWith(String packageName, Version version) {
        return Declarations.all().findPackage(packageName).flatMap(one -> NAMES.stream()
                .filter(level -> one.levels().containsKey(level)
                        && one.levels().get(level).compareTo(version) >= 0)
                .findFirst());
    }

    @Override
    public String toString() {
        return chosen.isEmpty() ? "Java Card " + name : "Java Card " + name + " with " + chosen;
    }
}
