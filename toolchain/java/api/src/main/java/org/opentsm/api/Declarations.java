// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The API packages this toolchain declares, read once from the {@code packages/*.api} resources. */
public final class Declarations {
    private static final Declarations ALL = load();

    private final Map<String, ApiPackage> packages = new LinkedHashMap<>();
    private final Map<String, ApiClass> classes = new LinkedHashMap<>();

    private Declarations() {}

    /** All declared packages. */
    public static Declarations all() {
        return ALL;
    }

    private static Declarations load() {
        Declarations all = new Declarations();
        for (String file : lines("index")) {
            ApiPackage one = new DeclarationParser(file).parse(lines(file));
            all.packages.put(one.name(), one);
            one.classes().forEach(apiClass -> all.classes.put(apiClass.name(), apiClass));
        }
        return all;
    }

    private static List<String> lines(String file) {
        try (InputStream in = Declarations.class.getResourceAsStream("packages/" + file)) {
            if (in == null) {
                throw new ApiException("declaration " + file + " is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException unreadable) {
            throw new ApiException("declaration " + file + ": " + unreadable.getMessage(), unreadable);
        }
    }

    public Collection<ApiPackage> packages() {
        return packages.values();
    }

    /** A package by its path with slashes. */
    public Optional<ApiPackage> findPackage(String name) {
        return Optional.ofNullable(packages.get(name));
    }

    /** A class by its internal name. */
    public Optional<ApiClass> findClass(String internalName) {
        return Optional.ofNullable(classes.get(internalName));
    }

    /** A class that must exist: superclasses and interfaces named by the declarations themselves. */
    ApiClass classOf(String internalName) {
        return findClass(internalName).orElseThrow(() -> new ApiException("undeclared API class " + internalName));
    }

    ApiPackage packageOf(ApiClass apiClass) {
        return packages.get(apiClass.packageName());
    }
}
