// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;

/** Every class that can be named: those being converted and those of the export files. Resolves names to members. */
final class World {
    /** Longer chains than any legal hierarchy; a cycle in an export file ends here. */
    private static final int MAX_CHAIN = 512;

    private static final String SHAREABLE = "javacard/framework/Shareable";

    private final String packageName;
    private final Map<String, LinkedClass> own = new TreeMap<>();
    private final Map<String, ExportFile> exports = new HashMap<>();
    private final Map<String, LinkedClass> imported = new HashMap<>();
    private final Map<String, Integer> packageTokens = new LinkedHashMap<>();
    private final ApiLevels levels;

    World(String packageName, Collection<LinkedClass> classes, Collection<ExportFile> files, ApiLevels levels) {
        this.packageName = packageName;
        this.levels = levels;
        classes.forEach(c -> own.put(c.name, c));
        for (ExportFile file : files) {
            // An export file of the package itself would make its own missing classes look imported.
            if (!file.packageName().equals(packageName)) {
                exports.putIfAbsent(file.packageName(), file);
            }
        }
    }

    String packageName() {
        return packageName;
    }

    /** Our classes by name. */
    Collection<LinkedClass> own() {
        return own.values();
    }

    /** The class of that name, or null. */
    LinkedClass find(String name) {
        LinkedClass known = own.get(name);
        if (known != null) {
            return known;
        }
        known = imported.get(name);
        if (known == null) {
            ExportFile file = exports.get(LinkedClass.packageOf(name));
            ExportClass source = file == null ? null : file.classByName(name).orElse(null);
            if (source != null) {
                known = imported(file, source);
                imported.put(name, known);
            }
        }
        return known;
    }

    private static LinkedClass imported(ExportFile file, ExportClass source) {
        try {
            source.methods().forEach(method -> Descriptors.requireMethod(method.descriptor()));
            source.fields().forEach(field -> Descriptors.requireField(field.descriptor()));
        } catch (ConversionException e) {
            throw new ConversionException(
                    0,
                    "the export file of " + file.packageName().replace('/', '.') + " is damaged at "
                            + source.name().replace('/', '.'));
        }
        return new LinkedClass(file, source);
    }

    /** The class of that name; without one, an error that says what is missing and what to do. */
    LinkedClass require(String name, int line) {
        LinkedClass found = find(name);
        if (found == null) {
            throw new ConversionException(line, missing(name));
        }
        return found;
    }

    private String missing(String name) {
        String dotted = name.replace('/', '.');
        String pack = LinkedClass.packageOf(name);
        if (pack.equals(packageName)) {
            return "class " + dotted + " is not among the converted classes";
        }
        if (name.startsWith("java/lang/String")) {
            return "String is not in the Java Card language; use a byte array";
        }
        if (name.equals("java/lang/Enum")) {
            return "enum is not supported; use static final byte constants";
        }
        Optional<String> newer = newer(name, "", "");
        if (newer.isPresent()) {
            return newer.get();
        }
        boolean languageKnown = exports.containsKey("java/lang");
        if (languageKnown && (name.startsWith("java/") || name.startsWith("javax/"))) {
            return dotted + " is not part of the Java Card API";
        }
        ExportFile file = exports.get(pack);
        if (file != null) {
            return "class " + dotted + " is not in the export file of " + pack.replace('/', '.') + " " + version(file);
        }
        return "no export file of package " + pack.replace('/', '.') + ", needed for " + dotted;
    }

    private Optional<String> newer(String className, String member, String descriptor) {
        return levels == null ? Optional.empty() : levels.newer(className, member, descriptor);
    }

    private static String version(ExportFile file) {
        return file.major() + "." + file.minor();
    }

    /** The superclass, or null for Object and for interfaces. */
    LinkedClass superOf(LinkedClass c) {
        return c.superName == null || c.isInterface() ? null : require(c.superName, 0);
    }

    /** All interfaces the type itself declares, with their superinterfaces; superinterfaces come first. */
    List<LinkedClass> interfacesOf(LinkedClass c) {
        Set<LinkedClass> result = new LinkedHashSet<>();
        addInterfaces(c, result, new HashSet<>());
        return new ArrayList<>(result);
    }

    private void addInterfaces(LinkedClass c, Set<LinkedClass> result, Set<LinkedClass> open) {
        if (!open.add(c)) {
            throw new ConversionException(0, "the interfaces of " + c + " form a cycle");
        }
        for (String name : c.interfaces) {
            LinkedClass item = require(name, 0);
            if (!result.contains(item)) {
                addInterfaces(item, result, open);
                result.add(item);
            }
        }
        open.remove(c);
    }

    /** The class and its superclasses, from itself up to Object. */
    List<LinkedClass> chain(LinkedClass c) {
        List<LinkedClass> result = new ArrayList<>();
        for (LinkedClass step = c; step != null; step = superOf(step)) {
            if (result.size() > MAX_CHAIN) {
                throw new ConversionException(0, "the superclasses of " + c + " form a cycle");
            }
            result.add(step);
        }
        return result;
    }

    boolean isSubclass(LinkedClass c, String ancestor) {
        return chain(c).stream().anyMatch(step -> step.name.equals(ancestor));
    }

    /** The method a class or interface has or inherits, or null. */
    Member findMethod(LinkedClass c, String key) {
        if (c.isInterface()) {
            Member member = c.methods.get(key);
            if (member != null) {
                return member;
            }
            for (LinkedClass item : interfacesOf(c)) {
                if (item.methods.containsKey(key)) {
                    return item.methods.get(key);
                }
            }
            return null;
        }
        for (LinkedClass step : chain(c)) {
            Member member = step.methods.get(key);
            if (member != null) {
                return member;
            }
        }
        return null;
    }

    /** The field a class has or inherits, or null. */
    Member findField(LinkedClass c, String key) {
        for (LinkedClass step : chain(c)) {
            Member member = step.fields.get(key);
            if (member != null) {
                return member;
            }
            for (LinkedClass item : interfacesOf(step)) {
                if (item.fields.containsKey(key)) {
                    return item.fields.get(key);
                }
            }
        }
        return null;
    }

    Member requireMethod(String owner, String name, String descriptor, int line) {
        LinkedClass c = require(owner, line);
        Member member = findMethod(c, name + descriptor);
        if (member == null) {
            throw new ConversionException(line, missingMember(c, name, descriptor, "method"));
        }
        return member;
    }

    Member requireField(String owner, String name, String descriptor, int line) {
        LinkedClass c = require(owner, line);
        Member member = findField(c, name + descriptor);
        if (member == null) {
            throw new ConversionException(line, missingMember(c, name, descriptor, "field"));
        }
        return member;
    }

    private String missingMember(LinkedClass c, String name, String descriptor, String kind) {
        String text = kind + " " + c + "." + name + (kind.equals("method") ? descriptor : "");
        List<LinkedClass> owners = c.isInterface() ? new ArrayList<>(interfacesOf(c)) : chain(c);
        for (LinkedClass step : owners.isEmpty() ? List.of(c) : owners) {
            Optional<String> newer = newer(step.name, name, descriptor);
            if (newer.isPresent()) {
                return newer.get();
            }
        }
        if (c.name.equals(LinkedClass.OBJECT)) {
            return text + " is not in the Java Card language: Object has only equals(Object)";
        }
        return c.isImported()
                ? text + " is not in the export file of its package"
                : text + " does not exist, or comes from a class outside the Java Card API";
    }

    /** True for Shareable and what extends or implements it, superclasses included. */
    boolean isShareable(LinkedClass c) {
        if (c.name.equals(SHAREABLE)) {
            return true;
        }
        for (LinkedClass step : c.isInterface() ? List.of(c) : chain(c)) {
            if (step.importedShareable) {
                return true;
            }
            for (LinkedClass item : interfacesOf(step)) {
                if (item.importedShareable || item.name.equals(SHAREABLE)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The token of an imported package; assigned at first need. */
    int packageToken(String packageName) {
        Integer token = packageTokens.get(packageName);
        if (token == null) {
            if (!exports.containsKey(packageName)) {
                throw new ConversionException(0, "no export file of package " + packageName.replace('/', '.'));
            }
            token = packageTokens.size();
            if (token > 127) {
                throw new ConversionException(0, "more than 128 packages are imported");
            }
            packageTokens.put(packageName, token);
        }
        return token;
    }

    /** Export files of the imported packages, by package token. */
    List<ExportFile> imports() {
        return packageTokens.keySet().stream().map(exports::get).toList();
    }
}
